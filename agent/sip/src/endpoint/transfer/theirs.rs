//! Their wish that we call somebody else (RFC 3515 section 2.4.2): asked of the core, followed, reported on.

use crate::{
    call::{Ask, Standing, header},
    endpoint::{
        inside::Inside,
        model::{Asked, Endpoint},
    },
    message::{Method, Rejection},
    transfer::{
        EVENT, Fragment, REFER_SUB, REFERRED_BY, REPLACES, ReferTo, Report, SUBSCRIPTION_STATE, Theirs,
    },
};
use agent_core::{
    id::{AccountId, CallId},
    party::Sdp,
    port::sip::{CallEnd, Loss, SipEvent, TransferEvent, transfer::Wish},
};
use std::time::Duration;

/// The core must have a word within this: their REFER waits 32 s (RFC 3261 section 17.1.2.2, Timer F).
const CORE_WITHIN: Duration = Duration::from_secs(20);
/// How long reports are promised: longer than anything rings.
const PROMISED: Duration = Duration::from_secs(660);

impl Endpoint {
    /// Their REFER in a call's dialog.
    pub(in crate::endpoint) fn referred(&mut self, inside: Inside) {
        let Inside { id, request, call, .. } = inside;
        let standing = self.calls.get(&call).map(|call| call.standing());
        let crossing = self.transfers.ours.get(&call).is_some_and(|ours| !ours.over);
        let to = match ReferTo::of(&request.headers) {
            Ok(to) => to,
            Err(wrong) => return self.wire.reject(id, &request, &Rejection::from(wrong)),
        };
        let status = match standing {
            Some(Standing::Up) if to.other_method => 603,
            // One at a time, whoever began: two that cross would send each side after the other (491 as for re-INVITE).
            Some(Standing::Up) if crossing || self.transfers.theirs.contains_key(&call) => 491,
            Some(Standing::Up) => 202,
            Some(Standing::Calling | Standing::Ringing) => 491,
            Some(Standing::Over) | None => 481,
        };
        if status != 202 {
            return self.wire.refuse(id, &request, status);
        }
        let number = request.headers.cseq().ok().map(|cseq| cseq.number);
        let before = !self.transfers.asked_before.insert(call);
        let home = self.calls.get(&call).is_some_and(|call| call.is_home(&to.address.uri));
        let target = to.referred(home);
        let theirs = Theirs {
            referred_by: request.headers.get(REFERRED_BY).cloned(),
            quiet: request.headers.get(REFER_SUB).is_some_and(|value| super::is_false(value)),
            number: number.filter(|_| before),
            request: Some((id, request)),
            to,
            followed: false,
            report: Report::default(),
            until: self.wire.now + CORE_WITHIN,
        };
        self.transfers.theirs.insert(call, theirs);
        self.tell_transfer(TransferEvent::Asked { call, target });
    }

    /// 202, and the first report at once (RFC 3515 section 2.4.4).
    pub(super) fn accept_referral(&mut self, call: CallId) {
        let now = self.wire.now;
        let Some(theirs) = self.transfers.theirs.get_mut(&call) else { return };
        let Some((id, request)) = theirs.request.take() else { return };
        theirs.until = now + PROMISED;
        let headers: &[_] = if theirs.quiet { &[(REFER_SUB, "false")] } else { &[] };
        self.with_call(call, |call, wire| call.answer_inside(wire, (id, &request), 202, headers));
        self.report(call, Fragment::new(100, "Trying"));
    }

    /// 603, or the same as the last report.
    pub(super) fn refuse_referral(&mut self, call: CallId) {
        let Some(theirs) = self.transfers.theirs.get_mut(&call) else { return };
        match theirs.request.take() {
            Some((id, request)) => {
                self.transfers.theirs.remove(&call);
                self.wire.refuse(id, &request, 603);
            }
            None => self.report(call, Fragment::new(603, "Decline")),
        }
    }

    /// Nobody had a word in time.
    pub(super) fn give_up_referral(&mut self, call: CallId) {
        let waiting = self.transfers.theirs.get_mut(&call).and_then(|theirs| theirs.request.take());
        self.transfers.theirs.remove(&call);
        self.wire.followed.forget(Wish::Call(call));
        if let Some((id, request)) = waiting {
            self.wire.refuse(id, &request, 603);
        }
    }

    /// Calls whom they named: with what they say of themselves (RFC 3892), in whose place they say (RFC 3891).
    pub(super) fn follow(
        &mut self,
        (call, account): (CallId, AccountId),
        wish: Wish,
        target: Option<String>,
        offer: Sdp,
        withhold: bool,
    ) {
        // What they say, and whether a call follows already.
        let said = match wish {
            Wish::Call(of) => {
                let theirs = self.transfers.theirs.get_mut(&of);
                theirs.map(|it| (&it.referred_by, &it.to, &mut it.followed))
            }
            Wish::Request(number) => {
                let remote = self.remotes.list.get_mut(&number);
                remote.map(|it| (&it.referred_by, &it.to, &mut it.followed))
            }
        };
        let Some((referred_by, to, followed)) = said.filter(|(_, _, followed)| !**followed) else {
            let end =
                CallEnd::Lost { why: Loss::Forgotten, detail: "nobody wishes for it any more".to_owned() };
            return self.wire.tell(SipEvent::Ended { call, end });
        };
        *followed = true;
        let mut headers = Vec::new();
        headers.extend(referred_by.clone().map(|by| header(REFERRED_BY, by)));
        headers.extend(to.replaces.as_ref().map(|replaces| header(REPLACES, replaces.to_value())));
        let target = target.unwrap_or_else(|| to.address.uri.to_string());
        self.wire.followed.begin(call, wish);
        self.leave((call, account), &target, headers, offer, withhold);
    }

    /// Tells them what has become of calls they wished for.
    pub(in crate::endpoint) fn report_followed(&mut self) {
        while let Some((wish, fragment)) = self.wire.followed.next() {
            match wish {
                Wish::Call(call) => self.report(call, fragment),
                Wish::Request(number) => self.report_remote(number, fragment),
            }
        }
    }

    fn report(&mut self, call: CallId, fragment: Fragment) {
        let Some(theirs) = self.transfers.theirs.get_mut(&call) else { return };
        theirs.report.add(fragment);
        self.next_report(call);
    }

    fn next_report(&mut self, call: CallId) {
        let now = self.wire.now;
        let Some(theirs) = self.transfers.theirs.get_mut(&call) else { return };
        if theirs.report.is_done() {
            self.transfers.theirs.remove(&call);
            return;
        }
        let Some(fragment) = theirs.report.take() else { return };
        if theirs.quiet {
            theirs.report.out = false;
            return self.next_report(call);
        }
        let event = match theirs.number {
            Some(number) => format!("refer;id={number}"),
            None => "refer".to_owned(),
        };
        let state = if fragment.is_final() {
            "terminated;reason=noresource".to_owned()
        } else {
            format!("active;expires={}", theirs.until.saturating_duration_since(now).as_secs())
        };
        let ask = Ask {
            method: Method::Notify,
            headers: vec![header(EVENT, event), header(SUBSCRIPTION_STATE, state)],
            body: Some((Fragment::KIND.into(), fragment.to_body().into())),
        };
        self.ask_inside(call, ask, |endpoint, asked| endpoint.reported(&asked));
    }

    fn reported(&mut self, asked: &Asked) {
        let Some(theirs) = self.transfers.theirs.get_mut(&asked.call) else { return };
        theirs.report.out = false;
        if asked.answer.as_ref().is_ok_and(|response| response.is_success()) {
            return self.next_report(asked.call);
        }
        // Nobody listens (RFC 6665 section 4.2.2): the call that follows goes on all the same.
        self.transfers.theirs.remove(&asked.call);
        self.wire.followed.forget(Wish::Call(asked.call));
    }
}
