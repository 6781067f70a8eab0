//! Calls that hear each other: who belongs to the conference, who joins it and who leaves.

use super::board::Calls;
use crate::{
    action::{Refusal, RefusalCode, Reply},
    call::Call,
    context::Context,
    id::CallId,
    port::media::MediaCommand,
    text::transfer as words,
};

/// More than this nobody can tell apart by ear, and a computer has to code the sound of each for itself.
const MOST: usize = 8;

type Done = Result<Reply, Refusal>;

impl Calls {
    /// Joins the calls named with those that are in the conference already; none named: all that are up, if few enough.
    pub(crate) fn ask_conference(&mut self, cx: &mut Context<'_>, calls: &[CallId]) -> Done {
        let mut members: Vec<CallId> = self.members().collect();
        if calls.is_empty() {
            members = self
                .engaged()
                .filter(|call| call.up() && call.leaving.is_none())
                .map(|call| call.id)
                .collect();
        }
        for id in calls {
            let id = self.named_up(cx, *id)?;
            if !members.contains(&id) {
                members.push(id);
            }
        }
        let leaving = members.iter().find(|id| self.get(**id).is_some_and(|call| call.leaving.is_some()));
        if let Some(leaving) = leaving {
            let label = self.label(*leaving, cx.language());
            return Err(cx.refusal(RefusalCode::NoCall, &words::TRANSFER_UNDER_WAY, &[&label]));
        }
        if members.len() > MOST {
            return Err(cx.refusal(
                RefusalCode::NotAllowed,
                &words::CONFERENCE_TOO_MANY,
                &[&MOST.to_string()],
            ));
        }
        if members.len() < 2 {
            return Err(cx.refusal(RefusalCode::NoCall, &words::CONFERENCE_TOO_FEW, &[]));
        }
        for id in &members {
            if let Some(call) = self.call(*id) {
                call.joined = true;
            }
        }
        let first = self.focus.filter(|id| members.contains(id)).unwrap_or(members[0]);
        self.mix(cx);
        self.resume_all(cx, first);
        Ok(Reply::Call { call: first, number: None })
    }

    /// Ends the conference: the call that has the microphone goes on, the others are held.
    pub(crate) fn ask_split(&mut self, cx: &mut Context<'_>) -> Done {
        let members: Vec<CallId> = self.members().collect();
        if members.is_empty() {
            return Err(cx.refusal(RefusalCode::NoCall, &words::CONFERENCE_NONE, &[]));
        }
        for id in &members {
            if let Some(call) = self.call(*id) {
                call.joined = false;
            }
        }
        self.mix(cx);
        if let Some(focus) = self.focus {
            self.hold_others(cx, focus);
        }
        for id in members {
            self.notify(cx, id);
        }
        Ok(Reply::Done)
    }

    /// The calls of the conference, oldest first.
    pub(crate) fn members(&self) -> impl Iterator<Item = CallId> {
        self.engaged().filter(|call| call.joined).map(|call| call.id)
    }

    /// Whether the microphone is in the conference that this call belongs to.
    pub(super) fn joins_in(&self, call: &Call) -> bool {
        call.joined && self.focus.and_then(|id| self.get(id)).is_some_and(|focus| focus.joined)
    }

    /// All members talk again, and one of them stands for all.
    pub(super) fn resume_all(&mut self, cx: &mut Context<'_>, first: CallId) {
        self.hold_others(cx, first);
        let members: Vec<CallId> = self.members().collect();
        for id in &members {
            if let Some(call) = self.call(*id) {
                call.talk.want_hold = false;
            }
        }
        self.turn_to(cx, first);
        for id in members {
            self.drive(cx, id);
            self.notify(cx, id);
        }
    }

    /// A member goes elsewhere, or is over; one alone is no conference.
    pub(super) fn leave_conference(&mut self, cx: &mut Context<'_>, id: CallId) {
        let was = self.call(id).is_some_and(|call| std::mem::take(&mut call.joined));
        if was {
            self.one_alone(cx);
        }
    }

    /// Whoever is left alone is in no conference.
    pub(super) fn one_alone(&mut self, cx: &mut Context<'_>) {
        let members: Vec<CallId> = self.members().collect();
        if let [last] = members[..] {
            if let Some(call) = self.call(last) {
                call.joined = false;
            }
            self.mix(cx);
            self.notify(cx, last);
        } else {
            self.mix(cx);
        }
    }

    /// The audio knows nothing of before.
    pub(crate) fn mix_anew(&mut self, cx: &mut Context<'_>) {
        self.mixed.clear();
        self.mix(cx);
    }

    /// Tells the audio who hears whom, when that changed.
    pub(super) fn mix(&mut self, cx: &mut Context<'_>) {
        let members: Vec<CallId> = self.members().collect();
        if members != self.mixed {
            self.mixed.clone_from(&members);
            cx.out.media(MediaCommand::Mix { calls: members });
        }
    }
}
