//! Codes that are dialled to switch something at the PBX: calls that nobody sees, without sound and with an end.
//!
//! What counts is the answer: a PBX that takes a code answers the call and says so in words. It is heard out for a while, for
//! there are some (FreePBX) that switch only after they answered, and then it is hung up.

use crate::{
    action::{Refusal, RequestId},
    context::Context,
    id::{AccountId, CallId},
    port::{
        media::{MediaCommand, MediaEvent, SoundProblem},
        sip::{CallEnd, Loss, Reject, SipCommand, SipEvent, TransferCommand, TransferEvent, transfer::Wish},
    },
    switches::Which,
    timers::Deadline,
};
use std::{collections::BTreeMap, net::IpAddr, time::Duration};

/// How long a code may take, from its first packet to its end: whoever asked waits for it, and a program that asks over the
/// local API waits for ten seconds.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long after it the PBX may take to tell by a line that it has switched.
const TELLS: Duration = Duration::from_secs(2);

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub account: AccountId,
    pub which: Which,
    pub on: bool,
    pub to: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The audio writes our offer: an INVITE has one, and nothing is ever heard or said.
    Offering,
    Calling,
    /// The PBX answered.
    Taken,
    /// The call is over, and the PBX may yet say how it is.
    Telling,
}

#[derive(Debug)]
struct CodeCall {
    change: Change,
    code: String,
    asked: u64,
    phase: Phase,
}

/// What was asked for at once, and what came of it so far.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Who waits for the answer; `None`: who clicked.
    pub request: Option<RequestId>,
    pub left: usize,
    pub done: Vec<Which>,
    pub refusal: Option<Refusal>,
}

/// How a code fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fared {
    Taken,
    Refused { status: u16, phrase: String },
    Lost(Loss),
    NoSound(SoundProblem),
    Silent,
    Quitting,
}

/// A code that is over.
pub(crate) struct Over {
    pub change: Change,
    pub code: String,
    pub asked: u64,
    pub fared: Fared,
}

/// All codes that are being dialled.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    calls: BTreeMap<CallId, CodeCall>,
    asked: BTreeMap<u64, Asked>,
    last: u64,
}

impl Codes {
    /// Whether something is being changed there.
    pub(crate) fn busy(&self, which: &Which) -> bool {
        self.calls.values().any(|call| call.change.which == *which)
    }

    /// What was asked for, whose codes follow.
    pub(crate) fn ask(&mut self, asked: Asked) -> u64 {
        self.last += 1;
        self.asked.insert(self.last, asked);
        self.last
    }

    /// What is asked for, while a code of it is under way.
    pub(crate) fn asked(&mut self, number: u64) -> Option<&mut Asked> {
        self.asked.get_mut(&number)
    }

    /// All of what was asked for is over.
    pub(crate) fn answered(&mut self, number: u64) -> Option<Asked> {
        self.asked.remove(&number)
    }

    /// Dials one.
    pub(crate) fn dial(
        &mut self,
        cx: &mut Context<'_>,
        (id, local): (CallId, IpAddr),
        (change, code): (Change, String),
        asked: u64,
    ) {
        cx.out.media(MediaCommand::Offer { call: id, local });
        cx.after(Deadline::Code(id), PATIENCE);
        self.calls.insert(id, CodeCall { change, code, asked, phase: Phase::Offering });
    }

    /// The audio tells something of a call that may be a code's.
    pub(crate) fn media(&mut self, cx: &mut Context<'_>, event: &MediaEvent) -> Option<Over> {
        match event {
            MediaEvent::Offered { call: id, sdp } => {
                let call = self.calls.get_mut(id).filter(|call| call.phase == Phase::Offering)?;
                call.phase = Phase::Calling;
                let (account, target) = (call.change.account, call.code.clone());
                let offer = sdp.clone();
                cx.out.sip(SipCommand::Invite { call: *id, account, target, offer, withhold: false });
                None
            }
            MediaEvent::Refused { call, why } => {
                self.calls.get(call).filter(|it| it.phase == Phase::Offering)?;
                self.over(cx, *call, Fared::NoSound(why.clone()))
            }
            _ => None,
        }
    }

    /// SIP tells something of a call that may be a code's.
    pub(crate) fn sip(&mut self, cx: &mut Context<'_>, event: &SipEvent) -> Option<Over> {
        match event {
            SipEvent::Answered { call, .. } => {
                let call = self.calls.get_mut(call).filter(|it| it.phase == Phase::Calling)?;
                call.phase = Phase::Taken;
            }
            SipEvent::Ended { call, end } => {
                let taken = self.calls.get(call)?.phase == Phase::Taken;
                let fared = match end {
                    _ if taken => Fared::Taken,
                    CallEnd::Refused { status, phrase } => {
                        Fared::Refused { status: *status, phrase: phrase.clone() }
                    }
                    CallEnd::Lost { why, .. } => Fared::Lost(*why),
                    _ => Fared::Silent,
                };
                return self.over(cx, *call, fared);
            }
            SipEvent::Reoffer { call, .. } if self.on_the_wire(*call) => {
                let answer = Err(Reject::NotAcceptable);
                cx.out.sip(SipCommand::AnswerReoffer { call: *call, answer });
            }
            SipEvent::Transfer(TransferEvent::Asked { call, .. }) if self.on_the_wire(*call) => {
                cx.out.sip(SipCommand::Transfer(TransferCommand::Refuse { wish: Wish::Call(*call) }));
            }
            SipEvent::Transfer(TransferEvent::Redirected { call, .. }) if self.on_the_wire(*call) => {
                let no = TransferCommand::Redirect { call: *call, follow: false, target: None };
                cx.out.sip(SipCommand::Transfer(no));
            }
            _ => {}
        }
        None
    }

    fn on_the_wire(&self, id: CallId) -> bool {
        self.calls.get(&id).is_some_and(|call| matches!(call.phase, Phase::Calling | Phase::Taken))
    }

    /// It had its time.
    pub(crate) fn overdue(&mut self, cx: &mut Context<'_>, id: CallId) -> Option<Over> {
        let fared = match self.calls.get(&id)?.phase {
            Phase::Offering => Fared::Silent,
            Phase::Telling => return self.forget(cx, id, Fared::Taken),
            Phase::Calling => {
                cx.out.sip(SipCommand::Hangup { call: id });
                Fared::Silent
            }
            Phase::Taken => {
                cx.out.sip(SipCommand::Hangup { call: id });
                Fared::Taken
            }
        };
        self.over(cx, id, fared)
    }

    /// The call is over. Where the PBX tells how it is, and has not yet said that it is as wanted, it has a moment for that.
    fn over(&mut self, cx: &mut Context<'_>, id: CallId, fared: Fared) -> Option<Over> {
        let call = self.calls.get_mut(&id).filter(|call| call.phase != Phase::Telling)?;
        cx.out.media(MediaCommand::Stop { call: id });
        let awaited = cx.lines.switches.awaited(&call.change.which, call.change.on);
        if fared == Fared::Taken && awaited {
            call.phase = Phase::Telling;
            cx.after(Deadline::Code(id), TELLS);
            return None;
        }
        self.forget(cx, id, fared)
    }

    fn forget(&mut self, cx: &mut Context<'_>, id: CallId, fared: Fared) -> Option<Over> {
        cx.timers.clear(Deadline::Code(id));
        let CodeCall { change, code, asked, .. } = self.calls.remove(&id)?;
        Some(Over { change, code, asked, fared })
    }

    /// The PBX told how something is: whoever waited for that.
    pub(crate) fn told(&mut self, cx: &mut Context<'_>) -> Vec<Over> {
        let done = |call: &CodeCall| {
            call.phase == Phase::Telling && !cx.lines.switches.awaited(&call.change.which, call.change.on)
        };
        let ids: Vec<CallId> = self.calls.iter().filter(|(_, it)| done(it)).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.forget(cx, id, Fared::Taken)).collect()
    }

    /// All come to nothing: the PBX session broke, or everything winds up.
    pub(crate) fn all_over(&mut self, cx: &mut Context<'_>, fared: &Fared) -> Vec<Over> {
        let ids: Vec<CallId> = self.calls.keys().copied().collect();
        let mut over = Vec::new();
        for id in ids {
            if self.on_the_wire(id) && *fared == Fared::Quitting {
                cx.out.sip(SipCommand::Hangup { call: id });
            }
            if self.calls.get(&id).is_some_and(|it| it.phase != Phase::Telling) {
                cx.out.media(MediaCommand::Stop { call: id });
            }
            over.extend(self.forget(cx, id, fared.clone()));
        }
        over
    }

    /// The audio broke: those it was to write an offer for never leave.
    pub(crate) fn soundless(&mut self, cx: &mut Context<'_>) -> Vec<Over> {
        let offering = |(_, it): &(&CallId, &CodeCall)| it.phase == Phase::Offering;
        let ids: Vec<CallId> = self.calls.iter().filter(offering).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.over(cx, id, Fared::NoSound(SoundProblem::Fault))).collect()
    }
}
