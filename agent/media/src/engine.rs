//! The engine: every call's sound on one thread, told what to do by `MediaCommand`s and telling back `MediaEvent`s.
//!
//! `session` is one call, `outgoing` its even stream of packets, `sockets` its two ports, `front` the user's side with
//! microphone and ear, and `run` the thread that turns them all by one poll and one clock. `probe` is the same for fuzzing.

mod conference;
mod front;
mod inbox;
mod outgoing;
pub mod probe;
mod run;
mod session;
mod sockets;

pub use inbox::Tell;

use crate::{
    codec::Codec,
    device::{Opened, hurry},
};
use agent_core::{port::media::MediaCommand, settings::AudioSettings, view::Sound, vigil::Vigil};
use agent_net::Net;
use conference::Conference;
use front::Front;
use inbox::{Ending, Inbox, Order, WAKER};
use mio::{Poll, Waker};
use run::Engine;
use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::Arc,
    thread,
};

/// The first token of a session: even, so that a session's two sockets differ in the last bit only.
const FIRST_TOKEN: usize = 2;

/// What the sound needs to start.
pub struct MediaConfig {
    /// `[audio]` of the settings.
    pub audio: AudioSettings,
    /// The way out, and the ledger behind it.
    pub net: Net,
    /// Whose tones are heard (two letters, ISO 3166); Germany's when unknown.
    pub country: String,
}

/// Why the sound could not be started.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The system gave no poll or no thread.
    #[error("the sound could not be started: {0}")]
    Start(#[from] io::Error),
}

/// The way to the sound. Cheap to clone; no call of it waits, but for `close`.
#[derive(Clone)]
pub struct MediaHandle(Arc<Owner>);

/// Ends the thread when the last handle goes.
struct Owner(Arc<Inbox>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.put(Order::Quit);
    }
}

impl MediaHandle {
    /// Does what the core asks.
    pub fn send(&self, command: MediaCommand) {
        self.0.0.put(Order::Command(command));
    }

    /// From now on this sound is heard, or none.
    pub fn sound(&self, sound: Option<Sound>) {
        self.0.0.put(Order::Sound(sound));
    }

    /// Other devices from now on; calls go on.
    pub fn configure(&self, audio: AudioSettings) {
        self.0.0.put(Order::Configure(audio));
    }

    /// Ends every session with its goodbye and closes every device and file; waits for that, two seconds at most.
    pub fn close(&self) {
        self.0.0.put(Order::Quit);
        self.0.0.wait_for_end();
    }
}

/// Starts the sound unwatched; see [`start_watched`].
///
/// # Errors
/// When the system gives no poll or no thread.
pub fn start(config: MediaConfig, tell: Tell) -> Result<MediaHandle, MediaError> {
    start_watched(config, tell, Vigil::unwatched())
}

/// Starts the sound. Opens no device and asks no sound server: that happens when something is to be heard.
///
/// `vigil` tells when the thread ends by a fault (it begins anew by itself after the first ones): then nothing is
/// answered any more until the sound is started anew.
///
/// # Errors
/// When the system gives no poll or no thread.
pub fn start_watched(config: MediaConfig, tell: Tell, vigil: Vigil) -> Result<MediaHandle, MediaError> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKER)?;
    let inbox = Arc::new(Inbox::new(waker));
    let replies = Arc::downgrade(&inbox);
    let opened = Arc::new(move |opened: Opened| {
        if let Some(inbox) = replies.upgrade() {
            inbox.put(Order::Opened(opened));
        }
    });
    // North America and Japan speak mu-law, everybody else A-law.
    let mu_law = ["US", "CA", "JP", "PR"].iter().any(|c| c.eq_ignore_ascii_case(&config.country));
    let codecs = if mu_law { [Codec::Pcmu, Codec::Pcma] } else { [Codec::Pcma, Codec::Pcmu] };
    let ending = Ending(Arc::clone(&inbox));
    let engine = Engine {
        poll,
        inbox: Arc::clone(&inbox),
        tell,
        net: config.net,
        front: Front::new(config.audio, config.country, opened),
        codecs,
        sessions: BTreeMap::new(),
        tokens: BTreeMap::new(),
        next_token: FIRST_TOKEN,
        focus: None,
        conference: Conference::default(),
        muted: false,
        tick: None,
        spoken: Vec::new(),
        unread: Vec::new(),
        orders: VecDeque::new(),
    };
    thread::Builder::new().name("media".to_owned()).spawn(move || {
        let _ending = ending;
        hurry();
        if engine.supervise() {
            vigil.over();
        }
    })?;
    Ok(MediaHandle(Arc::new(Owner(inbox))))
}
