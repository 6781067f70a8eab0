//! What is watched at the PBX: lines, presence, voice mail, other phones of ours, features (RFC 6665 and its packages).

use crate::{id::AccountId, party::Party};
use serde::{Deserialize, Serialize};

/// What a subscription tells of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Package {
    /// `dialog` (RFC 4235): whether a line is free, rings or talks.
    Line,
    /// `presence` (RFC 3856): what somebody says of himself.
    Presence,
    /// `message-summary` (RFC 3842): voice mail.
    Messages,
    /// `reg` (RFC 3680): who else is registered for our own address.
    Registrations,
    /// `as-feature-event` (BroadSoft, Cisco): do not disturb and forwarding as the PBX has them.
    Features,
}

/// One thing that is watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Watched {
    /// What of it.
    pub package: Package,
    /// Whose: an extension or an address, as the user wrote it; empty: our own line's.
    pub target: String,
}

/// How a subscription fares. What it told before holds only while it is `Active`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "subscription", rename_all = "snake_case")]
pub enum Subscribed {
    /// Nothing is known: the account is not registered, or the PBX has not answered (yet, or any more).
    Unknown,
    /// Asked for; the other side has not agreed yet (RFC 6665 section 4.1.3).
    Pending,
    /// It stands, and what it tells is true.
    Active,
    /// The PBX does not tell us.
    Refused {
        /// The status code; of a subscription that was ended, 0.
        status: u16,
        /// The reason phrase, or the reason it was ended for.
        phrase: String,
    },
}

/// What a line is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// Nobody knows: the subscription does not stand. Never to be shown as idle.
    #[default]
    Unknown,
    /// No call.
    Idle,
    /// A call rings there.
    Ringing,
    /// It calls or talks.
    Busy,
    /// It talks, and every call is on hold.
    Held,
}

/// Names a call that rings at another line, for picking it up (RFC 3891, RFC 4235 section 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pickup {
    /// Its Call-ID.
    pub call_id: String,
    /// The watched line's tag.
    pub local_tag: String,
    /// The caller's tag.
    pub remote_tag: String,
}

/// A watched line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LineInfo {
    /// What it is doing.
    pub state: LineState,
    /// With whom, where the PBX says so.
    pub with: Option<Party>,
    /// The call that rings there, where the PBX names it.
    pub pickup: Option<Pickup>,
}

/// What somebody says of himself, and what we say of ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// Nobody knows.
    #[default]
    Unknown,
    /// There.
    Available,
    /// Away from the desk.
    Away,
    /// There, but busy.
    Busy,
    /// In a call.
    OnThePhone,
    /// Not to be disturbed.
    DoNotDisturb,
    /// Not reachable.
    Offline,
}

/// Presence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PresenceInfo {
    /// The state.
    pub state: PresenceState,
    /// A sentence of the person's own; a stranger's text.
    pub note: Option<String>,
}

/// The voice mail of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mailbox {
    /// Something waits to be heard.
    pub waiting: bool,
    /// New messages; `None`: the PBX gives no number.
    pub new: Option<u32>,
    /// Messages heard before.
    pub old: Option<u32>,
    /// New messages marked urgent.
    pub urgent: u32,
    /// Where to call to hear them (`Message-Account`): the number or user part.
    pub number: Option<String>,
}

/// Another phone that is registered for our address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherPhone {
    /// Its Contact.
    pub contact: String,
    /// What it calls itself, where the PBX says so.
    pub name: Option<String>,
}

/// A feature as the PBX has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "feature", rename_all = "snake_case")]
pub enum FeatureInfo {
    /// Do not disturb.
    DoNotDisturb {
        /// Whether.
        on: bool,
    },
    /// Forwarding.
    Forward {
        /// When.
        when: ForwardWhen,
        /// Whether.
        on: bool,
        /// Where to; the PBX may tell it of a forwarding that is off, too.
        to: Option<String>,
    },
}

/// When calls are forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardWhen {
    /// Always.
    Always,
    /// When busy.
    Busy,
    /// When nobody answers.
    NoAnswer,
}

/// What SIP tells of what is watched.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchEvent {
    /// How a subscription fares changed. Whatever is not active is unknown.
    State {
        /// Over which account.
        account: AccountId,
        /// What.
        watched: Watched,
        /// How it fares.
        state: Subscribed,
    },
    /// A line.
    Line {
        /// Over which account.
        account: AccountId,
        /// Whose, as in what was asked for.
        target: String,
        /// What it is doing.
        line: LineInfo,
    },
    /// Somebody's presence.
    Presence {
        /// Over which account.
        account: AccountId,
        /// Whose, as in what was asked for.
        target: String,
        /// What it is.
        presence: PresenceInfo,
    },
    /// Voice mail, asked for or not.
    Messages {
        /// Of which account.
        account: AccountId,
        /// The counts.
        mailbox: Mailbox,
    },
    /// The other phones that are registered for our address, all of them.
    Registrations {
        /// Of which account.
        account: AccountId,
        /// Which.
        phones: Vec<OtherPhone>,
    },
    /// Features as the PBX has them; those not named are as they were.
    Features {
        /// Of which account.
        account: AccountId,
        /// Which.
        features: Vec<FeatureInfo>,
    },
}

/// What is asked of SIP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchCommand {
    /// Watches these over an account, beside what its settings name, in place of what was asked for before.
    Watch {
        /// Over which account.
        account: AccountId,
        /// All of them.
        watched: Vec<Watched>,
    },
    /// What is published of ourselves over an account whose settings say so (RFC 3903).
    Publish {
        /// Over which account.
        account: AccountId,
        /// The presence.
        presence: PresenceInfo,
    },
}
