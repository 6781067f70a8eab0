//! What the user may ask for beyond a plain call: of the accounts, and the features of a PBX phone.

use crate::{
    action::QueueStep,
    id::{AccountId, CallId},
    port::sip::{
        transfer::DialogRef,
        watch::{ForwardWhen, PresenceState},
    },
};
use serde::{Deserialize, Serialize};

/// A feature. In JSON it looks like any other [`Action`](super::Action), and a field it does not have is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum FeatureAction {
    /// Call the number again that was called last, in this run or an earlier one. An emergency number is never called again by this.
    Redial {
        /// Over which account; `None`: the one it went over.
        account: Option<AccountId>,
    },
    /// Watch a line, or not any more, for as long as the agent runs and beside what the settings name.
    Watch {
        /// Over which account; `None`: the first.
        account: Option<AccountId>,
        /// Whose: an extension or an address.
        target: String,
        /// Somebody's presence, and not what the line is doing.
        #[serde(default)]
        presence: bool,
        /// Whether.
        on: bool,
    },
    /// Say how oneself is to be shown by accounts that publish.
    Presence {
        /// The state.
        state: PresenceState,
        /// A sentence of one's own.
        note: Option<String>,
    },
    /// Hand a call over: to a number (`to`), or into the place of another call (`with`), so that the two others talk. It is
    /// put on hold first, and comes back when nobody takes it; `resume` takes it back.
    Transfer {
        /// Which; `None`: the one that has the microphone, or the only one that is up.
        call: Option<CallId>,
        /// The number.
        to: Option<String>,
        /// The other call.
        with: Option<CallId>,
    },
    /// Send a ringing call elsewhere without answering it.
    Deflect {
        /// Which; `None`: the only one that rings.
        call: Option<CallId>,
        /// The number.
        to: String,
    },
    /// Join calls in a conference, or split it into calls again.
    Conference {
        /// Which join; none: all that are up.
        #[serde(default)]
        calls: Vec<CallId>,
        /// End the conference; the call that has the microphone goes on.
        #[serde(default)]
        split: bool,
    },
    /// Take a call that rings at somebody else's.
    Pickup {
        /// Over which account; `None`: the first that is registered.
        account: Option<AccountId>,
        /// Where it rings; with `dialog`: who is asked for it.
        number: Option<String>,
        /// The call, as the PBX names it; `None`: the PBX's code is dialled with the number.
        dialog: Option<DialogRef>,
    },
    /// Park a call at the PBX, where any phone can fetch it.
    Park {
        /// Which; `None`: the one that has the microphone.
        call: Option<CallId>,
    },
    /// Fetch a parked call.
    Retrieve {
        /// Over which account; `None`: the first that is registered.
        account: Option<AccountId>,
        /// Where it is parked.
        slot: String,
    },
    /// Send calls elsewhere, by the code of the PBX; where it has none that is known, this program does it for the calls that
    /// reach it. Answered when the PBX has taken the code, or has not.
    Forward {
        /// Of which account; `None`: the first that is registered.
        account: Option<AccountId>,
        /// Which calls.
        when: ForwardWhen,
        /// Where to; `None`: nowhere any more.
        to: Option<String>,
    },
    /// Let no call ring, or let them again. By a code or here, as with `Forward`.
    Dnd {
        /// Of which account; `None`: of all that are registered.
        account: Option<AccountId>,
        /// Whether.
        on: bool,
    },
    /// Begin or end taking calls of a queue, by the code of the PBX.
    Queue {
        /// Over which account; `None`: the first that is registered.
        account: Option<AccountId>,
        /// What.
        step: QueueStep,
        /// Which queue, where the PBX's code has a place for its number; `None`: where it has none.
        queue: Option<String>,
    },
    /// Write to somebody (RFC 3428). What becomes of it is told in `message` notices.
    Message {
        /// Over which account; `None`: the first that is registered.
        account: Option<AccountId>,
        /// To whom: an extension, a number or an address.
        to: String,
        /// The text; empty in a toast's button, whose desktop lets the user type it.
        text: String,
    },
    /// Block a caller's number, or let it ring again. It is written into the settings.
    Block {
        /// The number, or the beginning of many with a `*` at its end.
        number: String,
        /// Block it, or take the block away.
        on: bool,
    },
    /// Start an account's registration anew (its password was changed).
    Reconnect {
        /// Which; `None`: all.
        account: Option<AccountId>,
    },
}
