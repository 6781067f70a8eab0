//! What the user may ask for, by whichever road: tray, toast, hotkey, command line, local API.

mod feature;
mod message;
mod switched;
mod watched;

pub use feature::FeatureAction;
pub use message::{MessageState, MessageStatus};
pub use switched::{QueueStep, Switch, SwitchKnown, SwitchStatus};
pub use watched::{WatchStatus, WatchedLine, WatchedMailbox, WatchedPerson, WatchedPhones};

use crate::{
    caller::CallerCard,
    handover::TransferStep,
    id::{AccountId, CallId},
    journal::{Direction, Outcome},
    party::Party,
    port::{
        Neighbour,
        host::PluginInfo,
        media::{AudioState, StreamFacts},
        shell::Part,
        sip::{Forwarding, Registration},
    },
    time::UnixMillis,
};
use serde::{Deserialize, Deserializer, Serialize};

/// Names one request so that its answer finds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Where a number to dial comes from: what is typed is trusted more than what was merely selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Typed, or given on the command line.
    Typed,
    /// Selected in another program.
    Selection,
    /// A `tel:` or `sip:` link.
    Link,
}

/// A request without fields: whoever sends one with some is told, for a field that is not read may have meant another call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFields {}

fn no_fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    NoFields::deserialize(deserializer).map(|NoFields {}| ())
}

/// What the user wants. In JSON a field that an action does not have is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Take a ringing call; `None`: the only one that rings (several: refused with a list).
    Answer {
        /// Which.
        call: Option<CallId>,
    },
    /// Refuse a ringing call.
    Decline {
        /// Which.
        call: Option<CallId>,
    },
    /// End a call; `None`: the one that has the microphone, else the only one there is.
    Hangup {
        /// Which.
        call: Option<CallId>,
    },
    /// Put a call on hold.
    Hold {
        /// Which.
        call: Option<CallId>,
    },
    /// Take a call off hold; another one that talks is held first.
    Resume {
        /// Which.
        call: Option<CallId>,
    },
    /// Send silence (`None`: the other way round).
    Mute {
        /// Whether.
        on: Option<bool>,
    },
    /// Send keys.
    Dtmf {
        /// Which.
        call: Option<CallId>,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digits: String,
    },
    /// Call somebody.
    Dial {
        /// The text; may be anything when it comes from a selection.
        text: String,
        /// Where the text comes from.
        source: Source,
        /// Over which account; `None`: the first that is registered.
        account: Option<AccountId>,
        /// Without showing our number; never for an emergency call.
        #[serde(default)]
        withhold: bool,
    },
    /// Answers a question of the view (which of two numbers, dial an emergency number); `None` means no.
    Choose {
        /// The question's id.
        question: u64,
        /// Which choice, from 1 as people count them; `None`: none of them.
        choice: Option<usize>,
    },
    /// Stop the ringing sound of a call that goes on ringing.
    #[serde(deserialize_with = "no_fields")]
    Silence,
    /// Open the caller's record.
    OpenRecord {
        /// Which call.
        call: CallId,
    },
    /// What is going on.
    #[serde(deserialize_with = "no_fields")]
    Status,
    /// Show the agent's window, or say where it shows.
    #[serde(deserialize_with = "no_fields")]
    Show,
    /// A toast's close button, or its time ran out: do not show it again.
    DismissToast {
        /// The toast's id.
        toast: u64,
    },
    /// Wind everything up.
    #[serde(deserialize_with = "no_fields")]
    Quit,
    /// Something beyond a plain call. It is read and written as a [`FeatureAction`]: a type that tried both would say of
    /// neither what is wrong with a request.
    #[serde(skip)]
    Feature(FeatureAction),
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// Done, or on its way.
    Done,
    /// A call was begun or acted on.
    Call {
        /// Which.
        call: CallId,
        /// The number as understood, for a call that was dialled.
        number: Option<String>,
    },
    /// A text message is on its way; the `message` notices tell what becomes of it.
    Message {
        /// Its number.
        message: u64,
    },
    /// The user must choose first: a question stands in the view.
    Question {
        /// Its id.
        question: u64,
        /// The sentence.
        text: String,
        /// The choices.
        choices: Vec<String>,
    },
    /// Do not disturb, forwarding or a queue was switched, and this is how it is now.
    Switched {
        /// Of each account it was switched for.
        features: Vec<SwitchStatus>,
    },
    /// The answer to `Status`.
    Status(Box<Status>),
}

/// Why a request was refused. `code` is stable, for scripts; `text` is for the user, in the user's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable.
    pub code: RefusalCode,
    /// A sentence: what is wrong and what to do.
    pub text: String,
}

/// The reasons for which a request can be refused; each has an exit code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// No such call, or none in a state for this.
    NoCall,
    /// Several calls fit: name one.
    Ambiguous,
    /// No account is registered.
    NotRegistered,
    /// The text holds no number that can be dialled.
    NotANumber,
    /// Too many calls; settings or a password that the running agent does not take.
    NotAllowed,
    /// The agent is winding up.
    Quitting,
}

/// The state of everything, for `trayphone status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The accounts.
    pub accounts: Vec<AccountStatus>,
    /// The calls, oldest first.
    pub calls: Vec<CallStatus>,
    /// The audio, once known.
    pub audio: Option<AudioState>,
    /// The microphone is muted.
    pub muted: bool,
    /// Missed calls since the agent was last looked at.
    pub missed: u32,
    /// The plugins.
    pub plugins: Vec<PluginInfo>,
    /// Parts of the program that broke and have not begun anew yet.
    #[serde(default)]
    pub faults: Vec<Neighbour>,
    /// Parts of the desktop that do not work, and why.
    pub problems: Vec<(Part, String)>,
    /// Why the journal cannot be written, while it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// What was said to be wrong and is not over yet, oldest first: the `error` notices a late listener has not heard.
    #[serde(default)]
    pub troubles: Vec<String>,
    /// Lines, people, voice mail and other phones that are watched.
    #[serde(default, skip_serializing_if = "WatchStatus::is_empty")]
    pub watched: WatchStatus,
    /// The latest text messages, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageStatus>,
    /// Do not disturb, forwarding and queues, as far as they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<SwitchStatus>,
    /// What the user is asked at the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<QuestionStatus>,
    /// Where the local API listens: a path, on Windows a pipe's name. The core does not know it; whoever serves the API does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
}

/// What the user is asked, in `Status` and in the `question` notice; answered by [`Action::Choose`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionStatus {
    /// Its id.
    pub question: u64,
    /// The sentence; `None`: it is no longer asked.
    pub text: Option<String>,
    /// The choices, the first of which is number 1.
    pub choices: Vec<String>,
}

/// One account in `Status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStatus {
    /// Its place in the settings.
    pub account: AccountId,
    /// `sip:1001@pbx.example`.
    pub aor: String,
    /// What it is doing.
    pub registration: Registration,
    /// What its PBX calls itself, once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pbx: Option<String>,
    /// The PBX profile whose codes count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// Where a call stands, as the world outside is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// It rings here.
    Incoming,
    /// We are calling; nothing is known of the other side.
    Calling,
    /// It rings there.
    Early,
    /// Both sides talk (or hold).
    Established,
    /// It is over.
    Terminated,
}

/// One call in `Status` and in the `call` notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallStatus {
    /// Its id.
    pub call: CallId,
    /// Over which account.
    pub account: AccountId,
    /// Who began it.
    pub direction: Direction,
    /// Where it stands.
    pub state: CallState,
    /// The other side as signalled.
    pub party: Party,
    /// The line called.
    pub called: Option<String>,
    /// Its name, where it has one: a queue, a group.
    #[serde(default)]
    pub line: Option<String>,
    /// Who forwarded the call, the latest first.
    #[serde(default)]
    pub forwarded: Vec<Forwarding>,
    /// Who that is.
    pub card: Option<CallerCard>,
    /// We hold them.
    pub held: bool,
    /// They hold us.
    pub held_by_them: bool,
    /// It has the microphone.
    pub focus: bool,
    /// It is in the conference: who has the microphone is heard by all of them, and they hear each other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub conference: bool,
    /// To whom it is being handed over, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<String>,
    /// When it began.
    pub started: UnixMillis,
    /// When it was answered.
    pub answered: Option<UnixMillis>,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
}

/// A fact for those who listen to `trayphone events`; one JSON object a line, `type` first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Notice {
    /// An account's registration changed.
    Registration {
        /// Its place in the settings.
        account: AccountId,
        /// Its address.
        aor: String,
        /// What it is doing now.
        registration: Registration,
    },
    /// A call began, changed or ended.
    Call(Box<CallStatus>),
    /// A toast was put up, changed or taken down (title and line are as handed to the desktop).
    Toast {
        /// Its id.
        toast: u64,
        /// For which call.
        call: Option<CallId>,
        /// `None`: taken down.
        text: Option<(String, String)>,
    },
    /// A record's page was opened.
    ScreenPop {
        /// For which call.
        call: CallId,
        /// Whose record.
        source: String,
        /// The page.
        url: String,
    },
    /// A call changes hands.
    Transfer {
        /// Which.
        call: CallId,
        /// How far that has come.
        transfer: TransferStep,
    },
    /// Facts about a stream.
    Media {
        /// Which call.
        call: CallId,
        /// The facts.
        facts: StreamFacts,
    },
    /// They pressed a key.
    Digit {
        /// Which call.
        call: CallId,
        /// The key.
        digit: char,
    },
    /// A text message came, or what became of one of ours.
    Message(Box<MessageStatus>),
    /// A watched line changed, or is not known any more.
    Line(WatchedLine),
    /// Somebody's presence changed, or is not known any more.
    Presence(WatchedPerson),
    /// Voice mail came, was heard, or is not known any more.
    Mwi(WatchedMailbox),
    /// Do not disturb, a forwarding or a queue changed, or is not known any more.
    Feature(SwitchStatus),
    /// The other phones of an account's address changed, or are not known any more.
    Phones(WatchedPhones),
    /// The user is asked something, or no longer.
    Question(QuestionStatus),
    /// Something went wrong that the user should know.
    Error {
        /// A sentence.
        text: String,
    },
}
