//! Calls that the user hands over: held first, then asked of the other side, and back again when it comes to nothing.

use super::board::Calls;
use crate::{
    action::{Notice, Refusal, RefusalCode, Reply},
    call::{Call, Change, Phase},
    context::Context,
    handover::{Aim, Leaving, TransferStep},
    id::CallId,
    journal::{Direction, Outcome},
    port::sip::{ForwardReason, SipCommand, TransferCommand, transfer::TransferProblem},
    text::transfer as words,
    timers::Deadline,
};
use std::time::Duration;

/// SIP tells an outcome within ten minutes, whatever the other side does; who hears nothing by then hears nothing.
const LONGEST: Duration = Duration::from_secs(720);

type Done = Result<Reply, Refusal>;

impl Calls {
    /// The user sends a call's other side to a number.
    pub(crate) fn ask_transfer(
        &mut self,
        cx: &mut Context<'_>,
        call: Option<CallId>,
        (dial, shown): (String, String),
    ) -> Done {
        let id = self.pick_up(cx, call, |_| true)?;
        self.hand_over(cx, id, Aim::Number(dial), shown)
    }

    /// The user connects the other sides of two calls. Where the other one was not answered yet it is given up, and its
    /// number is called in its place: nobody can take the place of a call that still rings (RFC 3891 section 3).
    pub(crate) fn ask_connect(&mut self, cx: &mut Context<'_>, call: Option<CallId>, with: CallId) -> Done {
        let others: Vec<CallId> =
            self.engaged().filter(|other| other.up() && other.id != with).map(|other| other.id).collect();
        let id = match (call, &others[..]) {
            (Some(id), _) => self.pick_up(cx, Some(id), |_| true)?,
            (None, [only]) => *only,
            (None, _) => {
                let fitting = self.engaged().filter(|other| other.up() && other.id != with).collect();
                self.only(cx, fitting, &words::TRANSFER_OTHER_LINE)?
            }
        };
        let shown = self.label(with, cx.language());
        let other = self.get(with).filter(|_| with != id && self.handed(with).is_none());
        if let (Some(one), Some(other)) = (self.get(id), other) {
            // The other side asks its own PBX for the other call, or for the number: another PBX knows neither
            // (RFC 3891 section 3).
            let home =
                |call: &Call| cx.account(call.account).map(|account| account.domain()).unwrap_or_default();
            let (here, there) = (home(one), home(other));
            if one.account != other.account && here != there {
                return Err(cx.refusal(
                    RefusalCode::NotAllowed,
                    &words::TRANSFER_OTHER_PBX,
                    &[&here, &there],
                ));
            }
        }
        let aim = match other {
            Some(other) if other.up() => Aim::Call(with),
            Some(other) if other.direction == Direction::Outgoing => {
                let dial = other.dialled.clone();
                match dial {
                    Some(dial) => Aim::Number(dial),
                    None => return Err(cx.refusal(RefusalCode::NoCall, &words::TRANSFER_OTHER_LINE, &[])),
                }
            }
            _ => return Err(cx.refusal(RefusalCode::NoCall, &words::TRANSFER_OTHER_LINE, &[])),
        };
        let rings = matches!(aim, Aim::Number(_));
        let done = self.hand_over(cx, id, aim, shown)?;
        if rings {
            self.hang_up(cx, with);
        }
        Ok(done)
    }

    fn handed(&self, id: CallId) -> Option<&Leaving> {
        self.get(id).and_then(|call| call.leaving.as_ref())
    }

    fn hand_over(&mut self, cx: &mut Context<'_>, id: CallId, aim: Aim, to: String) -> Done {
        if self.handed(id).is_some() {
            let label = self.label(id, cx.language());
            return Err(cx.refusal(RefusalCode::NoCall, &words::TRANSFER_UNDER_WAY, &[&label]));
        }
        if let Some(call) = self.call(id) {
            call.leaving = Some(Leaving { to, aim, asked: false, agreed: false });
        }
        self.leave_conference(cx, id);
        self.hold(cx, id);
        self.hand_over_next(cx, id);
        Ok(Reply::Call { call: id, number: None })
    }

    /// The wish goes out once the call is on hold, or as soon as it is plain that it never will be.
    pub(super) fn hand_over_next(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(call) = self.call(id).filter(|call| call.up()) else { return };
        let quiet = call.talk.change == Change::None && !call.talk.backing_off;
        let account = call.account;
        let Some(leaving) = call.leaving.as_mut().filter(|leaving| quiet && !leaving.asked) else { return };
        leaving.asked = true;
        let aim = leaving.aim.clone();
        let command = match aim {
            Aim::Number(target) => TransferCommand::Blind { call: id, account, target },
            Aim::Call(with) if self.get(with).is_some_and(|with| with.up()) => {
                TransferCommand::Attended { call: id, account, with }
            }
            Aim::Call(_) => return self.transfer_failed(cx, id, TransferProblem::NotNow),
        };
        cx.out.sip(SipCommand::Transfer(command));
        cx.after(Deadline::Transfer(id), LONGEST);
        cx.out.notice(Notice::Transfer { call: id, transfer: TransferStep::Asked });
    }

    /// They try.
    pub(crate) fn transfer_agreed(&mut self, cx: &mut Context<'_>, id: CallId) {
        if let Some(leaving) = self.wished(id) {
            leaving.agreed = true;
            cx.out.notice(Notice::Transfer { call: id, transfer: TransferStep::Agreed });
        }
    }

    /// So far they have come.
    pub(crate) fn transfer_progress(&mut self, cx: &mut Context<'_>, id: CallId, status: u16) {
        if let Some(leaving) = self.wished(id) {
            leaving.agreed = true;
            cx.out.notice(Notice::Transfer { call: id, transfer: TransferStep::Progress { status } });
        }
    }

    /// They talk to each other: our part is over, and so is the call that was asked about it.
    pub(crate) fn transfer_done(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(leaving) = self.wished(id).cloned() else { return };
        let title = self.label(id, cx.language());
        if let Some(call) = self.call(id) {
            call.leaving = None;
        }
        cx.out.notice(Notice::Transfer { call: id, transfer: TransferStep::Done });
        self.hang_up(cx, id);
        if let Aim::Call(with) = leaving.aim
            && self.get(with).is_some_and(|with| with.up())
        {
            self.hang_up(cx, with);
        }
        let line = cx.say(&words::TRANSFERRED, &[&leaving.to]);
        cx.inform(None, title, line);
    }

    /// It came to nothing: the call is the user's again, on hold until he wants it.
    pub(crate) fn transfer_failed(&mut self, cx: &mut Context<'_>, id: CallId, why: TransferProblem) {
        let Some(leaving) = self.wished(id).cloned() else { return };
        if let Some(call) = self.call(id) {
            call.leaving = None;
        }
        cx.timers.clear(Deadline::Transfer(id));
        let title = self.label(id, cx.language());
        let reason = words::problem(cx.language(), &why);
        let line = cx.say(&words::TRANSFER_FAILED, &[&leaving.to, &reason]);
        cx.out.notice(Notice::Transfer { call: id, transfer: TransferStep::Failed { why } });
        cx.inform(Some(id), title, line);
        self.settle_focus(cx);
    }

    /// No word came for far too long.
    pub(crate) fn transfer_overdue(&mut self, cx: &mut Context<'_>, id: CallId) {
        if self.wished(id).is_some() {
            cx.out.sip(SipCommand::Transfer(TransferCommand::Drop { call: id }));
            return self.transfer_failed(cx, id, TransferProblem::Silent);
        }
        // Who sent us on had the time to hang up.
        if self.get(id).is_some_and(|call| call.sent_on) {
            self.hang_up(cx, id);
        }
    }

    /// The user turns to a call that is being handed over: it is his again.
    pub(super) fn take_back(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(leaving) = self.call(id).and_then(|call| call.leaving.take()) else { return };
        cx.timers.clear(Deadline::Transfer(id));
        if leaving.asked {
            cx.out.sip(SipCommand::Transfer(TransferCommand::Drop { call: id }));
        }
        cx.out.notice(Notice::Transfer { call: id, transfer: TransferStep::TakenBack });
    }

    /// A call that was being handed over is over: who agreed took it along.
    pub(super) fn left(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(leaving) = self.call(id).and_then(|call| call.leaving.take()) else { return };
        if leaving.agreed {
            let title = self.label(id, cx.language());
            let line = cx.say(&words::TRANSFERRED_UNHEARD, &[&leaving.to]);
            cx.inform(None, title, line);
        }
    }

    /// The user sends a ringing call elsewhere.
    pub(crate) fn ask_deflect(
        &mut self,
        cx: &mut Context<'_>,
        call: Option<CallId>,
        (target, shown): (String, String),
    ) -> Done {
        let id = self.pick_ringing(cx, call)?;
        let title = self.label(id, cx.language());
        let Some(account) = self.get(id).filter(|call| matches!(call.phase, Phase::Ringing { .. })) else {
            return Ok(Reply::Done);
        };
        let account = account.account;
        let why = ForwardReason::Deflected;
        cx.out.sip(SipCommand::Transfer(TransferCommand::Deflect { call: id, account, target, why }));
        self.finish(cx, id, Outcome::Declined);
        let line = cx.say(&words::DEFLECTED, &[&shown]);
        cx.inform(None, title, line);
        Ok(Reply::Call { call: id, number: None })
    }

    fn wished(&mut self, id: CallId) -> Option<&mut Leaving> {
        self.call(id).and_then(|call| call.leaving.as_mut()).filter(|leaving| leaving.asked)
    }
}
