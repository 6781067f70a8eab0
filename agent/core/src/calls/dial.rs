//! A call goes out: our offer, the INVITE, what rings there, and the answer.

use super::board::{AUDIO, Calls};
use crate::{
    call::{Begin, Call, Change, Early, Phase, title},
    context::Context,
    handover::Errand,
    id::{AccountId, CallId},
    journal::Direction,
    number::kind::{CallerNumber, Kind, Number},
    party::{Party, Sdp},
    port::{
        media::{MediaCommand, SoundProblem},
        sip::transfer::DialogRef,
    },
    text,
    timers::Deadline,
};
use std::net::IpAddr;

/// 199: the branch that was heard will not answer (RFC 6228).
const BRANCH_LEFT: u16 = 199;

impl Calls {
    /// Whether one more call may be begun.
    pub(crate) fn room(&self, most: u32) -> bool {
        self.map.len() < usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Calls a number; the one who talks is held first.
    pub(crate) fn dial(
        &mut self,
        cx: &mut Context<'_>,
        line: (AccountId, IpAddr),
        number: &Number,
        withhold: bool,
    ) -> CallId {
        let id = self.dial_for(cx, line, number, (None, withhold));
        let hiding = withhold.then(|| Self::hiding(cx, line.0, number)).flatten();
        if let Some(dialled) = hiding
            && let Some(Phase::Offering { target }) = self.call(id).map(|call| &mut call.phase)
        {
            *target = dialled;
        }
        id
    }

    /// The number behind the code with which the PBX hides ours, where it has one. It comes beside the word to SIP: should the
    /// code be none there, the number stays hidden all the same.
    pub(super) fn hiding(cx: &Context<'_>, account: AccountId, number: &Number) -> Option<String> {
        if matches!(number.kind, Kind::Internal | Kind::Code | Kind::Emergency) || number.dial.contains(':') {
            return None;
        }
        let own = cx.account(account).map(|account| account.user()).unwrap_or_default();
        let code = cx.lines.codes(cx.settings, account)?.withhold.as_ref()?;
        code.with(Some(&number.dial), own)
    }

    /// Takes over a call that rings at somebody else's.
    pub(crate) fn pick(
        &mut self,
        cx: &mut Context<'_>,
        line: (AccountId, IpAddr),
        number: &Number,
        dialog: DialogRef,
    ) -> CallId {
        self.dial_for(cx, line, number, (Some(Errand::Pickup(dialog)), false))
    }

    /// The id of the next call of ours.
    pub(crate) fn next_id(&mut self) -> CallId {
        while self.map.contains_key(&self.next) {
            self.next = self.next.next();
        }
        let id = self.next;
        self.next = id.next();
        id
    }

    fn dial_for(
        &mut self,
        cx: &mut Context<'_>,
        line: (AccountId, IpAddr),
        number: &Number,
        (errand, withhold): (Option<Errand>, bool),
    ) -> CallId {
        let (account, local) = line;
        let id = self.next_id();
        let uri = if number.dial.contains(':') { number.dial.clone() } else { String::new() };
        let mut call = Call::new(Begin {
            id,
            account,
            direction: Direction::Outgoing,
            party: Party { number: number.dial.clone(), name: None, uri, withheld: false },
            called: None,
            local,
            phase: Phase::Offering { target: number.dial.clone() },
            toast: cx.notes.id(),
            started: cx.now.wall,
        });
        call.number = CallerNumber {
            // Nobody's record is behind a code or an emergency number, and no plugin needs to know of the call.
            lookup: (!matches!(number.kind, Kind::Code | Kind::Emergency)).then(|| number.canonical.clone()),
            shown: match &number.extension {
                Some(extension) => cx.say(&text::EXTENSION, &[&number.shown, extension]),
                None => number.shown.clone(),
            },
            internal: number.kind == Kind::Internal,
        };
        call.withhold = withhold;
        // Help is never called again by a slip of the hand.
        call.dialled = (number.kind != Kind::Emergency).then(|| number.dial.clone());
        call.keys = number.extension.clone();
        call.errand = errand;
        self.map.insert(id, call);
        self.engaged.insert(id);
        self.stop_tone(cx);
        self.begin_with(cx, id);
        cx.out.media(MediaCommand::Offer { call: id, local });
        cx.after(Deadline::Step(id), AUDIO);
        self.ask_plugins(cx, id);
        self.record(cx, id);
        id
    }

    /// 180, 183: it rings there, or an announcement speaks.
    pub(crate) fn progress(&mut self, cx: &mut Context<'_>, id: CallId, status: u16, answer: Option<Sdp>) {
        let Some(call) = self.call(id) else { return };
        let Phase::Calling(early) = &mut call.phase else { return };
        let first = !early.progress;
        early.progress = true;
        early.ringing |= status == 180;
        if status == BRANCH_LEFT {
            // What was heard is over; another branch may still ring.
            early.heard = false;
            early.answer = None;
            return self.notify(cx, id);
        }
        if let Some(answer) = answer
            && early.answer.as_ref() != Some(&answer)
        {
            early.answer = Some(answer.clone());
            early.waiting += 1;
            cx.out.media(MediaCommand::Complete { call: id, answer });
        }
        if first {
            self.help_rings(cx, id);
            self.notify(cx, id);
            self.pop_if_due(cx, id);
        }
    }

    /// The call was redirected: from now on it is with somebody else, and the user is told.
    pub(crate) fn redirected(&mut self, cx: &mut Context<'_>, id: CallId, to: Party) {
        let Some(call) = self.call(id).filter(|call| matches!(call.phase, Phase::Calling(_))) else { return };
        let title = title(call, cx.language());
        self.party_is(cx, id, to);
        let Some(call) = self.call(id) else { return };
        let line = cx.say(&text::session::MOVED, &[&call.number.shown]);
        cx.inform(Some(id), title, line);
    }

    /// They answered.
    pub(crate) fn answered(&mut self, cx: &mut Context<'_>, id: CallId, answer: Option<Sdp>) {
        let Some(call) = self.call(id) else { return };
        let Phase::Calling(early) = &mut call.phase else { return };
        let Early { answer: known, waiting, heard, .. } = std::mem::take(early);
        // Who changes what is heard before the answer (RFC 3311) has described it.
        let heard = heard || call.talk.change == Change::Accepting;
        // The same description as before the answer changes nothing (RFC 3261 section 13.2.1).
        let news = answer.filter(|a| known.as_ref() != Some(a) || (!heard && waiting == 0));
        let waiting = waiting + u32::from(news.is_some());
        call.phase = Phase::Completing { waiting };
        cx.timers.clear(Deadline::Ring(id));
        cx.after(Deadline::Step(id), AUDIO);
        self.help_answers(cx, id);
        if let Some(answer) = news {
            cx.out.media(MediaCommand::Complete { call: id, answer });
        } else if waiting == 0 && heard {
            self.establish(cx, id);
        } else if waiting == 0 {
            self.unheard(cx, id, &SoundProblem::NoDescription);
        }
    }
}
