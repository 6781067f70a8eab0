//! The doors between the core and its neighbours: an event told to us, a command asked by us, one file a neighbour.

pub mod host;
pub mod media;
mod neighbour;
pub mod shell;
pub mod sip;
pub mod store;

pub use neighbour::Neighbour;

use crate::{
    action::{Action, Notice, Refusal, Reply, RequestId},
    view::View,
};

/// Everything the core can be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// From the PBX session.
    Sip(sip::SipEvent),
    /// From the audio.
    Media(media::MediaEvent),
    /// From the plugins.
    Host(host::HostEvent),
    /// From the disk and the keyring.
    Store(store::StoreEvent),
    /// From the desktop itself (not the user): what it can and cannot do.
    Shell(shell::ShellEvent),
    /// The user wants something: tray, toast, hotkey, command line and API all come through here.
    User {
        /// To be answered by exactly one `Effect::Reply` with the same id; `None` where nobody waits.
        request: Option<RequestId>,
        /// What is wanted.
        action: Action,
    },
    /// A neighbour has ended although nobody asked it to: a fault of ours. Told once for each start of it.
    Broken(Neighbour),
    /// A neighbour was started anew, as `Effect::Restart` asked; it knows nothing of before.
    Restarted(Neighbour),
    /// A deadline of `poll_timeout` has come.
    Timeout,
}

/// Everything the core can ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Of the PBX session.
    Sip(sip::SipCommand),
    /// Of the audio.
    Media(media::MediaCommand),
    /// Of the plugins.
    Host(host::HostCommand),
    /// Of the disk and the keyring.
    Store(store::StoreCommand),
    /// Of the desktop, where a `View` cannot say it.
    Shell(shell::ShellCommand),
    /// What is to be seen and heard from now on; sent only when it differs from the last one.
    View(Box<View>),
    /// The answer to a request.
    Reply {
        /// The request's id.
        request: RequestId,
        /// What came of it.
        result: Result<Reply, Refusal>,
    },
    /// A fact for those who listen (`trayphone events`).
    Notice(Notice),
    /// A neighbour that broke is to be started anew; answered by `Event::Restarted`, or `Broken` when it cannot be.
    Restart(Neighbour),
    /// Everything is wound up: the program may end.
    Finished,
}
