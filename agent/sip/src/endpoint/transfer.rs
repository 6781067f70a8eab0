//! Calls that change hands: what the core asks, what they ask (REFER), what is reported (NOTIFY).

mod replacing;
mod theirs;

use crate::{
    call::{Ask, Standing, header},
    endpoint::{
        inside::Inside,
        model::{Asked, Endpoint},
    },
    line::Line,
    message::{Method, Response, name},
    transfer::{
        EVENT, Fragment, REFER_SUB, REFER_TO, REFERRED_BY, REPLACES, ReferTo, Replaces, SUBSCRIPTION_STATE,
    },
};
use agent_core::{
    id::{AccountId, CallId},
    port::sip::{
        CallEnd, ForwardReason, Loss, SipEvent, TransferCommand, TransferEvent,
        transfer::{TransferProblem, Wish},
    },
};
use std::time::{Duration, Instant};

/// The first report is due within Timer N, 64*T1 (RFC 6665 section 4.1.2.4); REFER itself ends within Timer F.
const FIRST_WORD: Duration = Duration::from_secs(32);
/// A report that says nothing of how long there will be more.
const NEXT_WORD: Duration = Duration::from_secs(180);
/// However long they promise reports for.
const LAST_WORD: Duration = Duration::from_secs(600);
/// After the outcome, reports that are still on their way are answered and mean nothing.
const AFTERWARDS: Duration = Duration::from_secs(32);

impl Endpoint {
    pub(super) fn transfer(&mut self, command: TransferCommand) {
        match command {
            TransferCommand::Blind { call, account, target } => {
                let to = self.line_of(account).and_then(|line| line.target(&target).ok());
                self.refer(call, account, to.map(|uri| ReferTo::new(uri, None)));
            }
            TransferCommand::Attended { call, account, with } => {
                let other = self.calls.get(&with).and_then(|with| with.other_side());
                let to = other.map(|(dialog, uri)| ReferTo::new(uri, Some(Replaces::by_them(&dialog))));
                self.refer(call, account, to);
            }
            TransferCommand::Drop { call } => {
                self.transfers.ours.remove(&call);
            }
            TransferCommand::Redirect { call, follow, target } => {
                self.with_call(call, |call, wire| call.redirect(wire, follow, target.as_deref()));
            }
            TransferCommand::Accept { wish: Wish::Call(call) } => self.accept_referral(call),
            TransferCommand::Accept { wish: Wish::Request(number) } => self.accept_remote(number),
            TransferCommand::Refuse { wish: Wish::Call(call) } => self.refuse_referral(call),
            TransferCommand::Refuse { wish: Wish::Request(number) } => self.refuse_remote(number),
            TransferCommand::Follow { call, account, wish, target, offer, withhold } => {
                self.follow((call, account), wish, target, offer, withhold);
            }
            TransferCommand::Deflect { call, account, target, why } => {
                self.deflect(call, account, (&target, why));
            }
            TransferCommand::Pickup { call, account, target, dialog, offer } => {
                match Replaces::early(&dialog) {
                    Some(replaces) => {
                        let headers = vec![header(REPLACES, replaces.to_value())];
                        self.leave((call, account), &target, headers, offer, false);
                    }
                    None => {
                        let detail = "what rings there has no usable name".to_owned();
                        let end = CallEnd::Lost { why: Loss::Target, detail };
                        self.wire.tell(SipEvent::Ended { call, end });
                    }
                }
            }
        }
    }

    pub(super) fn line_of(&self, account: AccountId) -> Option<&Line> {
        let number = self.accounts.get(&account)?;
        self.registrations.get(number).map(|registration| registration.line())
    }

    pub(super) fn tell_transfer(&mut self, event: TransferEvent) {
        self.wire.tell(SipEvent::Transfer(event));
    }

    fn transfer_failed(&mut self, call: CallId, why: TransferProblem) {
        self.tell_transfer(TransferEvent::Failed { call, why });
    }

    /// Asks the other side of `call` to call somebody else (RFC 3515 section 2.4.1). One at a time: the core knows.
    fn refer(&mut self, call: CallId, account: AccountId, to: Option<ReferTo>) {
        if !self.calls.get(&call).is_some_and(|call| call.standing() == Standing::Up) {
            return self.transfer_failed(call, TransferProblem::NotNow);
        }
        if self.transfers.ours.get(&call).is_some_and(|ours| !ours.over) {
            return;
        }
        let Some(to) = to else { return self.transfer_failed(call, TransferProblem::Target) };
        let mut headers = vec![
            header(REFER_TO, to.to_value()),
            header(name::SUPPORTED, self.wire.config.abilities.supported()),
        ];
        let hidden = self.calls.get(&call).is_some_and(|call| call.is_hidden());
        // Who does not see who we are does not learn it from this either (RFC 3892 section 5).
        if let Some(line) = self.line_of(account).filter(|_| !hidden) {
            headers.push(header(REFERRED_BY, line.address().to_value()));
        }
        let serial = self.transfers.begin(call, self.wire.now + FIRST_WORD * 2);
        let ask = Ask { method: Method::Refer, headers, body: None };
        self.ask_inside(call, ask, move |endpoint, asked| endpoint.refer_answered(serial, &asked));
    }

    fn refer_answered(&mut self, serial: u64, asked: &Asked) {
        let now = self.wire.now;
        let call = asked.call;
        let Some(ours) = self.transfers.known(call, serial) else { return };
        let why = match &asked.answer {
            Ok(response) if response.is_success() => {
                ours.number = response.headers.cseq().ok().map(|cseq| cseq.number);
                if ours.over {
                    // The outcome came before the answer.
                    return;
                }
                let silent = response.headers.get(REFER_SUB).is_some_and(|value| is_false(value));
                ours.until = now + FIRST_WORD;
                if silent {
                    ours.over = true;
                    return self.tell_transfer(TransferEvent::Done { call });
                }
                return self.tell_transfer(TransferEvent::Agreed { call });
            }
            Ok(response) => refused(response),
            Err(CallEnd::Lost { why: Loss::Silent | Loss::Network, .. }) => TransferProblem::Silent,
            Err(_) => TransferProblem::NotNow,
        };
        let over = ours.over;
        self.transfers.ours.remove(&call);
        let standing = self.calls.get(&call).is_some_and(|call| call.standing() == Standing::Up);
        // A call that ended tells so itself.
        if !over && standing {
            self.transfer_failed(call, why);
        }
    }

    /// A report within a call's dialog (RFC 3515 section 2.4.4). One that fits no subscription gets 481, which ends it
    /// for who sends it (RFC 6665 section 4.1.3).
    pub(super) fn notified(&mut self, inside: Inside) {
        let Inside { id, request, call, .. } = inside;
        let event = request.headers.get(EVENT).map(|value| value.to_text().into_owned()).unwrap_or_default();
        let mut parts = event.split(';').map(str::trim);
        if !parts.next().is_some_and(|package| package.eq_ignore_ascii_case("refer")) {
            return self.wire.refuse(id, &request, 489);
        }
        let named = parts.find_map(|part| part.strip_prefix("id=")?.trim().parse::<u32>().ok());
        let now = self.wire.now;
        let ours = self.transfers.ours.get_mut(&call);
        let Some(ours) = ours.filter(|ours| named.is_none() || ours.number.is_none() || ours.number == named)
        else {
            return self.wire.refuse(id, &request, 481);
        };
        let (over, state) = (ours.over, SubscriptionState::of(&request.headers));
        let fragment = Fragment::parse(&request.body);
        if !over {
            ours.until = now + state.expires.map_or(NEXT_WORD, |expires| expires.min(LAST_WORD));
        }
        let event = match fragment {
            _ if over => None,
            Some(Fragment { status: 200..300, .. }) => Some(TransferEvent::Done { call }),
            Some(Fragment { status, phrase }) if status >= 300 => {
                Some(TransferEvent::Failed { call, why: TransferProblem::NotTaken { status, phrase } })
            }
            _ if state.terminated => Some(TransferEvent::Failed { call, why: TransferProblem::Untold }),
            Some(Fragment { status, .. }) => Some(TransferEvent::Progress { call, status }),
            None => None,
        };
        if matches!(event, Some(TransferEvent::Done { .. } | TransferEvent::Failed { .. })) {
            ours.over = true;
            ours.until = now + AFTERWARDS;
        }
        self.with_call(call, |call, wire| call.answer_inside(wire, (id, &request), 200, &[]));
        let stands = self.calls.get(&call).is_some_and(|call| call.standing() == Standing::Up);
        if let Some(event) = event.filter(|_| stands) {
            self.tell_transfer(event);
        }
    }

    /// Gives up what has lasted too long.
    pub(super) fn transfers_due(&mut self) {
        let now: Instant = self.wire.now;
        while let Some(call) = self.transfers.ours_due(now) {
            let over = self.transfers.ours.remove(&call).is_none_or(|ours| ours.over);
            let stands = self.calls.get(&call).is_some_and(|call| call.standing() == Standing::Up);
            if !over && stands {
                self.transfer_failed(call, TransferProblem::Silent);
            }
        }
        while let Some(call) = self.transfers.theirs_due(now) {
            self.give_up_referral(call);
        }
    }

    fn deflect(&mut self, call: CallId, account: AccountId, (target, why): (&str, ForwardReason)) {
        let Some(line) = self.line_of(account) else { return };
        let (to, by) = (line.target(target), line.address());
        match to {
            Ok(to) => self.with_call(call, |call, wire| call.deflect(wire, to, (&by, why))),
            Err(detail) => {
                tracing::debug!(detail, "a call cannot be sent there");
                self.with_call(call, |call, wire| call.hang_up(wire, 480));
            }
        }
    }
}

fn refused(response: &Response) -> TransferProblem {
    TransferProblem::Refused { status: response.status, phrase: response.phrase.to_display() }
}

/// `Refer-Sub: false` (RFC 4488 section 4).
pub(super) fn is_false(value: &[u8]) -> bool {
    let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
    value[..end].trim_ascii().eq_ignore_ascii_case(b"false")
}

/// What a NOTIFY says of its subscription (RFC 6665 section 8.2.3).
struct SubscriptionState {
    terminated: bool,
    expires: Option<Duration>,
}

impl SubscriptionState {
    fn of(headers: &crate::message::Headers) -> Self {
        let value = headers.get(SUBSCRIPTION_STATE).map(|value| value.to_text().into_owned());
        let value = value.unwrap_or_default();
        let mut parts = value.split(';').map(str::trim);
        let terminated = parts.next().is_some_and(|state| state.eq_ignore_ascii_case("terminated"));
        let expires = parts.find_map(|part| part.strip_prefix("expires=")?.trim().parse::<u64>().ok());
        Self { terminated, expires: expires.map(Duration::from_secs) }
    }
}
