//! The door to the audio. Packets never come through it: only facts about them.

use crate::{id::CallId, party::Sdp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Which way audio may flow, from our side (RFC 8866 section 6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Both ways.
    SendRecv,
    /// We hold them: they may still send, nobody listens.
    SendOnly,
    /// They hold us.
    RecvOnly,
    /// Both hold.
    Inactive,
}

/// What the audio devices can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "backend", rename_all = "snake_case")]
pub enum AudioState {
    /// Real devices.
    Device {
        /// The microphone's name.
        input: String,
        /// The ear's name.
        output: String,
        /// Devices the settings name that are not there: the system's stand in for them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing: Vec<String>,
    },
    /// Files, for tests.
    Wav,
    /// Silence, and why.
    Null {
        /// Why there is no sound: chosen, or no device.
        why: String,
    },
}

/// Why there is no sound. Displayed it is English, for log and developers; what the user reads is made of it in `text`.
/// What is quoted is the other side's or the system's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum SoundProblem {
    /// What they sent is not a session description.
    #[error("what they sent is not a session description: {detail}")]
    NotSdp {
        /// What is wrong with it.
        detail: String,
    },
    /// It has no audio stream, or a disabled one.
    #[error("they offer no audio")]
    NoAudio,
    /// Their answer disables the audio.
    #[error("they declined the audio")]
    Declined,
    /// None of their codecs is ours.
    #[error("no common codec: they offer {theirs}, we speak PCMA and PCMU")]
    NoCommonCodec {
        /// Their codecs.
        theirs: String,
    },
    /// They insist on encryption.
    #[error("they ask for encrypted audio ({profile}), which this version cannot do")]
    Encrypted {
        /// Their profile: `RTP/SAVP`.
        profile: String,
    },
    /// Their address is unusable.
    #[error("their audio address is unusable: {detail}")]
    Address {
        /// What is wrong with it.
        detail: String,
    },
    /// There is no offer of ours to which this could be an answer.
    #[error("their answer answers no offer of ours")]
    NoOffer,
    /// They sent no description where one was due.
    #[error("they sent no description of their audio")]
    NoDescription,
    /// The audio did not answer in time.
    #[error("the audio did not answer in time")]
    Slow,
    /// The audio does not know the call.
    #[error("the audio knows no such call")]
    NoSession,
    /// No ports could be had.
    #[error("no ports for the audio: {detail}")]
    NoPort {
        /// What the system said.
        detail: String,
    },
    /// A fault of the program itself.
    #[error("a fault of the program ended the sound")]
    Fault,
}

/// Facts about a running stream, at most once a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StreamFacts {
    /// Level sent, dBov (0 is the loudest, -127 silence; RFC 6464).
    pub level_out_dbov: i16,
    /// Level received, dBov.
    pub level_in_dbov: i16,
    /// Packets received so far.
    pub received: u64,
    /// Lost of those expected in the last interval, percent.
    pub loss_percent: f32,
    /// Interarrival jitter, milliseconds (RFC 3550 section 6.4.1).
    pub jitter_ms: f32,
    /// What the jitter buffer holds now, milliseconds.
    pub buffer_ms: f32,
}

/// What the audio tells.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    /// The answer to `Offer` or `Reoffer`: our offer.
    Offered {
        /// Which call.
        call: CallId,
        /// Our offer.
        sdp: Sdp,
    },
    /// The answer to `Accept`: our answer to their offer.
    Accepted {
        /// Which call.
        call: CallId,
        /// Our answer.
        sdp: Sdp,
        /// What flows from now on.
        flow: Flow,
    },
    /// The answer to `Complete`: their answer fits, audio flows.
    Completed {
        /// Which call.
        call: CallId,
        /// What flows from now on.
        flow: Flow,
    },
    /// A description was unusable (no common codec, not SDP); nothing changed.
    Refused {
        /// Which call.
        call: CallId,
        /// Why.
        why: SoundProblem,
    },
    /// Facts about the stream.
    Facts {
        /// Which call.
        call: CallId,
        /// The facts.
        facts: StreamFacts,
    },
    /// Nothing has been heard from them for three seconds although it should.
    Silent {
        /// Which call.
        call: CallId,
    },
    /// They are heard again.
    Heard {
        /// Which call.
        call: CallId,
    },
    /// They pressed a key (RFC 4733): `0`-`9`, `*`, `#`, `A`-`D`.
    Digit {
        /// Which call.
        call: CallId,
        /// The key.
        digit: char,
    },
    /// Whether they know keys as telephone-events (RFC 4733), told when something is agreed and it is not as it was; at first
    /// they are taken to.
    Events {
        /// Which call.
        call: CallId,
        /// Whether.
        known: bool,
    },
    /// The devices changed.
    Audio(AudioState),
}

/// What the core asks of the audio. Ring and call-progress tones come from `View::sound`.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaCommand {
    /// Opens a session and makes our offer; told `Offered`.
    Offer {
        /// Which call.
        call: CallId,
        /// Our address towards the PBX: bound to, and written in the description.
        local: IpAddr,
    },
    /// Makes a new offer for a session that stands (hold, resume); told `Offered`.
    Reoffer {
        /// Which call.
        call: CallId,
        /// What we want to flow.
        flow: Flow,
    },
    /// Another address is ours towards them: the session's sound leaves from there, and is described so from the next offer
    /// or answer on. Told nothing; a session that cannot move stays where it is.
    Move {
        /// Which call.
        call: CallId,
        /// Our address now.
        local: IpAddr,
    },
    /// Takes their offer (opens the session when there is none); told `Accepted` or `Refused`.
    Accept {
        /// Which call.
        call: CallId,
        /// Our address towards them; used when the session is opened by this.
        local: IpAddr,
        /// Their offer.
        offer: Sdp,
        /// What we want to flow.
        flow: Flow,
    },
    /// Takes their answer to our last offer; told `Completed` or `Refused`.
    Complete {
        /// Which call.
        call: CallId,
        /// Their answer.
        answer: Sdp,
    },
    /// Our offer was refused: the session goes on as it was.
    Withdraw {
        /// Which call.
        call: CallId,
    },
    /// Which call has the microphone and the ear; `None` closes the devices.
    Focus {
        /// Which.
        call: Option<CallId>,
    },
    /// These calls hear each other: whoever has the microphone among them is heard by all, and hears all; none are
    /// without a conference. A call that ends is no longer one of them.
    Mix {
        /// Which; replaces those told before.
        calls: Vec<CallId>,
    },
    /// Sends silence instead of the microphone.
    Mute {
        /// Whether.
        on: bool,
    },
    /// Sends keys (RFC 4733), one after the other.
    Digits {
        /// Which call.
        call: CallId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digits: String,
    },
    /// Ends the session.
    Stop {
        /// Which call.
        call: CallId,
    },
}
