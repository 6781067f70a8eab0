//! One call: where it stands, what is known of it, and how that is told to the world.

use crate::{
    action::{CallState, CallStatus},
    handover::{Errand, Leaving},
    help::Help,
    id::{AccountId, CallId},
    journal::{Cause, Direction, JournalEntry, Outcome},
    lookup::Lookup,
    number::kind::CallerNumber,
    party::{Party, Sdp},
    port::{
        media::{Flow, SoundProblem},
        sip::Circumstances,
    },
    settings::Language,
    text,
    time::UnixMillis,
};
use std::net::IpAddr;

/// Where a call stands. One that ended is no longer there: what still comes for it is for nobody.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Incoming: it rings here.
    Ringing {
        /// Their offer; `None` wants ours in the 200.
        offer: Option<Sdp>,
    },
    /// Incoming: the user took it, the audio writes our answer (or offer).
    Answering {
        /// The offer is ours.
        ours: bool,
    },
    /// Incoming: our 200 is out, their ACK is not in.
    Accepted {
        /// The offer is ours: their ACK carries the answer.
        ours: bool,
    },
    /// Incoming: their answer came with the ACK, the audio takes it.
    Confirming,
    /// Outgoing: the audio writes our offer.
    Offering {
        /// Whom to call.
        target: String,
    },
    /// Outgoing: the INVITE is out.
    Calling(Early),
    /// Outgoing: answered, the audio takes their answer.
    Completing {
        /// Answers handed to the audio whose outcome is not known yet; the last one counts.
        waiting: u32,
    },
    /// Both sides talk, or hold.
    Up,
}

/// Our offer in the ringing of a call without one of theirs.
#[derive(Debug, Default)]
pub(crate) enum RingOffer {
    /// There is none, or none is wanted.
    #[default]
    None,
    /// The audio writes it.
    Asked,
    /// It is out.
    Made(Sdp),
}

/// What is known before a call of ours is answered.
#[derive(Debug, Default)]
pub(crate) struct Early {
    /// A provisional answer came.
    pub progress: bool,
    /// It rings there (180).
    pub ringing: bool,
    /// The last description the audio was given.
    pub answer: Option<Sdp>,
    /// Answers handed to the audio whose outcome is not known yet.
    pub waiting: u32,
    /// Early media flows.
    pub heard: bool,
}

/// Where a change of a session that stands is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// No change is under way.
    None,
    /// Ours: the audio writes the offer.
    Offering,
    /// Ours: the re-INVITE is out.
    Sent,
    /// Ours: answered, the audio takes the answer.
    Completing,
    /// Theirs: the audio writes our answer.
    Accepting,
    /// Theirs without an offer: the audio writes ours.
    OfferingBack,
    /// Theirs without an offer: ours is out, the ACK will carry the answer.
    AwaitingAck,
    /// Theirs without an offer: the audio takes the answer that came with the ACK.
    CompletingBack,
}

/// Who holds whom, what the user wants, and the re-INVITE that brings the two together.
#[derive(Debug)]
pub(crate) struct Talk {
    /// What flows, as agreed.
    pub flow: Flow,
    /// Our side holds, and both know. What they let through is their own affair: an offer of theirs that sends nothing
    /// (`a=inactive`, `a=recvonly`, port 0) is no hold of ours, or we would answer their resume with one.
    pub hold: bool,
    /// What the user wants: on hold or not.
    pub want_hold: bool,
    /// What our offer under way asks for.
    pub asked_hold: bool,
    /// The change under way.
    pub change: Change,
    /// Their offer that came while a change of ours was under way.
    pub theirs: Option<Option<Sdp>>,
    /// The session wants a sign of life: an offer of ours as it stands (RFC 4028).
    pub refresh: bool,
    /// Our offer under way asks for nothing but that.
    pub refreshing: bool,
    /// A crossed re-INVITE waits for its second try (RFC 3261 section 14.1).
    pub backing_off: bool,
    /// We are reached at another address, and they do not know it yet.
    pub moved: bool,
    /// Our offer under way tells them.
    pub moving: bool,
}

impl Talk {
    fn new() -> Self {
        Self {
            flow: Flow::SendRecv,
            hold: false,
            want_hold: false,
            asked_hold: false,
            change: Change::None,
            theirs: None,
            refresh: false,
            refreshing: false,
            backing_off: false,
            moved: false,
            moving: false,
        }
    }

    /// Our offer under way came to nothing for now: what it was to tell is still to be told.
    pub(crate) fn put_off(&mut self) {
        self.moved |= std::mem::take(&mut self.moving);
    }

    /// We hold them.
    pub(crate) fn held(&self) -> bool {
        self.hold
    }

    /// They hold us.
    pub(crate) fn held_by_them(&self) -> bool {
        matches!(self.flow, Flow::RecvOnly | Flow::Inactive)
    }

    /// What we want to flow: whether they hold us is theirs to say.
    pub(crate) fn wanted(hold: bool) -> Flow {
        if hold { Flow::SendOnly } else { Flow::SendRecv }
    }
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    pub id: CallId,
    pub account: AccountId,
    pub direction: Direction,
    pub party: Party,
    /// The line called.
    pub called: Option<String>,
    /// The other side's number, for lookup and eye.
    pub number: CallerNumber,
    pub local: IpAddr,
    pub phase: Phase,
    pub talk: Talk,
    pub lookup: Lookup,
    /// The record was opened.
    pub popped: bool,
    /// The user does not want to hear it ring.
    pub silenced: bool,
    /// The user took the toast down.
    pub hidden: bool,
    /// Keys that stood behind the number: offered once both talk.
    pub keys: Option<String>,
    /// What it was begun for.
    pub errand: Option<Errand>,
    /// It is being handed over.
    pub leaving: Option<Leaving>,
    /// Its other side sent us to somebody else and waits for the outcome: it needs no hold.
    pub sent_on: bool,
    /// It is in the conference.
    pub joined: bool,
    /// Why it was not let ring.
    pub cause: Option<Cause>,
    /// It has a line of the journal.
    pub written: bool,
    /// Our number is not shown.
    pub withhold: bool,
    /// What was dialled, as it would be dialled again.
    pub dialled: Option<String>,
    /// They know keys as telephone-events.
    pub events: bool,
    /// A call for help, and the ways that are left.
    pub help: Option<Help>,
    /// What its INVITE said besides.
    pub with: Circumstances,
    /// What the telephone network says of its end (ITU-T Q.850).
    pub network: Option<u8>,
    /// There can be no sound in it.
    pub unfit: Option<SoundProblem>,
    /// How much longer it may ring once nobody answered and it is not forwarded after all, seconds.
    pub rings_on: u32,
    /// Our offer, where it must ring with one.
    pub ring_offer: RingOffer,
    /// The id of its toast.
    pub toast: u64,
    pub started: UnixMillis,
    pub answered: Option<UnixMillis>,
}

/// What a call begins with.
pub(crate) struct Begin {
    pub id: CallId,
    pub account: AccountId,
    pub direction: Direction,
    pub party: Party,
    pub called: Option<String>,
    pub local: IpAddr,
    pub phase: Phase,
    pub toast: u64,
    pub started: UnixMillis,
}

impl Call {
    pub(crate) fn new(begin: Begin) -> Self {
        let Begin { id, account, direction, party, called, local, phase, toast, started } = begin;
        let shown = crate::plain::plain(&party.number);
        Self {
            id,
            account,
            direction,
            party,
            called,
            number: CallerNumber { lookup: None, shown, internal: false },
            local,
            phase,
            talk: Talk::new(),
            lookup: Lookup::default(),
            popped: false,
            silenced: false,
            hidden: false,
            keys: None,
            errand: None,
            leaving: None,
            sent_on: false,
            joined: false,
            cause: None,
            written: true,
            withhold: false,
            dialled: None,
            events: true,
            help: None,
            with: Circumstances::default(),
            network: None,
            unfit: None,
            rings_on: 0,
            ring_offer: RingOffer::None,
            toast,
            started,
            answered: None,
        }
    }

    pub(crate) fn ringing(&self) -> bool {
        matches!(self.phase, Phase::Ringing { .. })
    }

    /// Our 200 is out and their ACK is not in: the user took the call, and whoever ends it now knows that.
    pub(crate) fn said_yes(&self) -> bool {
        matches!(self.phase, Phase::Accepted { .. } | Phase::Confirming)
    }

    pub(crate) fn up(&self) -> bool {
        matches!(self.phase, Phase::Up)
    }

    /// Whether keys can be sent: both sides talk, or an announcement speaks before the answer.
    pub(crate) fn heard(&self) -> bool {
        match &self.phase {
            Phase::Up => true,
            Phase::Calling(early) => early.heard,
            _ => false,
        }
    }

    /// Whether either side holds, or is about to: silence is as it should be.
    pub(crate) fn on_hold(&self) -> bool {
        self.talk.want_hold || self.talk.held() || self.talk.held_by_them()
    }

    /// Whether the user should hear it ring there: 180 came, and nothing speaks yet.
    pub(crate) fn rings_there(&self) -> bool {
        matches!(&self.phase, Phase::Calling(early) if early.ringing && !early.heard)
    }

    pub(crate) fn state(&self) -> CallState {
        match &self.phase {
            Phase::Ringing { .. } | Phase::Answering { .. } | Phase::Accepted { .. } | Phase::Confirming => {
                CallState::Incoming
            }
            Phase::Calling(early) if early.progress => CallState::Early,
            Phase::Offering { .. } | Phase::Calling(_) => CallState::Calling,
            Phase::Completing { .. } => CallState::Early,
            Phase::Up => CallState::Established,
        }
    }

    /// The name found, if one was.
    pub(crate) fn found_name(&self) -> Option<&str> {
        self.lookup.card().map(|c| c.name.as_str()).filter(|n| !n.is_empty())
    }

    /// The name the other side claims, if it does.
    pub(crate) fn claimed_name(&self) -> Option<String> {
        let name = self.party.name.as_deref().map(crate::plain::plain).unwrap_or_default();
        (!name.is_empty() && !self.party.withheld && name != self.number.shown).then_some(name)
    }

    pub(crate) fn status(&self, focus: bool, outcome: Option<Outcome>) -> CallStatus {
        CallStatus {
            call: self.id,
            account: self.account,
            direction: self.direction,
            state: if outcome.is_some() { CallState::Terminated } else { self.state() },
            party: self.party.clone(),
            called: self.called.clone(),
            line: self.with.line.clone(),
            forwarded: self.with.forwarded.clone(),
            card: self.lookup.card().cloned(),
            held: self.talk.held(),
            held_by_them: self.talk.held_by_them(),
            focus: focus && outcome.is_none(),
            conference: self.joined && outcome.is_none(),
            transfer: self.leaving.as_ref().map(|leaving| leaving.to.clone()).filter(|_| outcome.is_none()),
            started: self.started,
            answered: self.answered,
            outcome,
        }
    }

    /// Why nobody here can take it.
    fn cause(&self) -> Option<Cause> {
        self.cause.or_else(|| self.unfit.as_ref().map(Cause::from))
    }

    pub(crate) fn entry(&self, end: Option<(UnixMillis, Outcome)>) -> JournalEntry {
        JournalEntry {
            key: format!("{}-{}", self.started.0, self.id),
            account: self.account,
            direction: self.direction,
            party: self.party.clone(),
            called: self.dialled.clone().or_else(|| self.called.clone()),
            hidden: self.withhold,
            card: self.lookup.card().cloned(),
            started: self.started,
            answered: self.answered,
            ended: end.map(|(at, _)| at),
            outcome: end.map(|(_, outcome)| outcome),
            cause: self.cause(),
        }
    }
}

/// Whom a call is with, in one line: the name found, an extension's own name, the number, or that it was withheld. A
/// name that a stranger merely claims never takes the number's place.
pub(crate) fn title(call: &Call, language: Language) -> String {
    if let Some(name) = call.found_name() {
        return name.to_owned();
    }
    let trusted = call.number.internal || call.number.shown.is_empty();
    match call.claimed_name().filter(|_| trusted) {
        Some(name) => name,
        None if call.number.shown.is_empty() => text::WITHHELD.say(language, &[]),
        None => call.number.shown.clone(),
    }
}
