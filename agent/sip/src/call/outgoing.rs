//! Calls we make (RFC 3261 section 13.2): INVITE, progress, answer, other branches of a fork.

use crate::{
    auth::AuthError,
    auth::DigestClient,
    call::{
        identity::{self, Belief},
        manners::Manners,
        model::{
            Acknowledged, Call, Calling, Change, Fork, MOST_FORKS, MOST_INVITES, MOST_TRIES, Out, PATIENCE,
            SDP, Stage, describe, sdp, way,
        },
        timer::Timer,
    },
    dialog::Dialog,
    flow::Flow,
    message::{CSeq, Header, Headers, Method, NameAddr, Request, Response, SipUri, Uri, name},
    transaction::TransactionId,
    wire::{Owner, Toward, Wire},
};
use agent_core::{
    id::CallId,
    party::{Party, Sdp},
    port::sip::{CallEnd, Loss, SipEvent},
};

/// Everything a call of ours begins with.
#[derive(Debug)]
pub(crate) struct Departure {
    /// Who calls; the tag is added here.
    pub(crate) from: NameAddr,
    pub(crate) target: Uri,
    pub(crate) toward: Toward,
    pub(crate) contact: Option<SipUri>,
    pub(crate) auth: DigestClient,
    pub(crate) manners: Manners,
    /// Whose word counts about who answers.
    pub(crate) belief: Belief,
    /// Further header fields.
    pub(crate) headers: Vec<Header>,
    pub(crate) offer: Sdp,
    /// Our number is not shown.
    pub(crate) hidden: bool,
}

impl Call {
    /// Sends the INVITE.
    pub(crate) fn depart(wire: &mut Wire, id: CallId, departure: Departure) -> Self {
        let flow = match &departure.toward {
            Toward::Flow(flow) => Some(*flow),
            Toward::Hop(_, flow) => *flow,
        };
        let dialled = identity::number(&departure.target);
        let mut request = Request::new(Method::Invite, departure.target.clone());
        let tag = wire.rng.token(6);
        let headers = &mut request.headers;
        headers.push(name::MAX_FORWARDS, "70");
        headers.push(name::FROM, departure.from.with_tag(tag).to_value());
        headers.push(name::TO, NameAddr::new(departure.target).to_value());
        headers.push(name::CALL_ID, wire.rng.token(12));
        headers.push(name::CSEQ, CSeq { number: 1, method: Method::Invite }.to_string());
        for header in departure.headers {
            headers.push(header.name, header.value);
        }
        describe(&mut request, wire, departure.contact.as_ref());
        if Self::timed(wire) {
            Timer::new(departure.manners.timer).ask(&mut request.headers);
        }
        request.set_body(SDP, departure.offer.0);
        let out = send(wire, id, (request, 1), departure.toward.clone());
        let listening = Some(out.id);
        let stage = Stage::Calling(Box::new(Calling {
            out,
            toward: departure.toward,
            given_up: false,
            trying: false,
            asking: None,
        }));
        let mut call = Self::new(id, (departure.auth, departure.belief, departure.manners), stage, true);
        call.flow = flow;
        call.party = Some(Party { number: dialled, ..Party::default() });
        call.contact = departure.contact;
        call.hidden = departure.hidden;
        call.listening = listening;
        call
    }

    /// Gives the INVITE up (section 9.1). Whatever its answer will be, the call is over for us.
    pub(super) fn give_up(&mut self, wire: &mut Wire) {
        let Stage::Calling(calling) = &mut self.stage else { return };
        if calling.asking.take().is_some() {
            // It was refused where it went, and rings nowhere.
            return self.finish(wire, CallEnd::LocalHangup);
        }
        if !std::mem::replace(&mut calling.given_up, true) {
            self.patience = Some(wire.now + PATIENCE);
            wire.cancel(calling.out.id, Vec::new());
        }
    }

    /// An answer to our INVITE while we are calling.
    pub(super) fn invite_answered(&mut self, wire: &mut Wire, response: &Response) {
        match response.status {
            ..200 => self.progress(wire, response),
            200..=299 => self.picked_up(wire, response),
            401 | 407 => self.invite_challenged(wire, response),
            422 => self.invite_too_brief(wire, response),
            _ if self.redirected(wire, response) => {}
            _ => {
                self.tell_cause(wire, &response.headers);
                self.invite_ended(wire, refused(response));
            }
        }
    }

    /// Our INVITE ended without an answer that makes a dialog.
    pub(super) fn invite_ended(&mut self, wire: &mut Wire, end: CallEnd) {
        let given_up = matches!(&self.stage, Stage::Calling(calling) if calling.given_up);
        self.finish(wire, if given_up { CallEnd::LocalHangup } else { end });
    }

    /// A further 2xx to an INVITE that was answered before: the same again gets its ACK again; another branch of a
    /// fork gets ACK and BYE (section 13.2.2.4).
    pub(super) fn answered_again(&mut self, wire: &mut Wire, response: &Response) {
        let Ok(to) = response.headers.to() else { return };
        let tag = to.tag().cloned().unwrap_or_default();
        if self.dialog.as_ref().is_some_and(|dialog| dialog.is_with(&tag)) {
            return self.acknowledge(wire, response);
        }
        if let Some(fork) = self.forks.iter().find(|fork| fork.dialog.is_with(&tag)) {
            return acknowledge(wire, &fork.dialog, self.flow, response, self.invite_of(response));
        }
        if self.forks.len() < MOST_FORKS {
            self.hang_up_fork(wire, response);
        }
    }

    /// Sends the ACK a 2xx asks for, with the credentials its INVITE had (section 22.1), however often it is asked for.
    pub(super) fn acknowledge(&mut self, wire: &mut Wire, response: &Response) {
        let invite = match (&self.stage, &self.change) {
            (Stage::Calling(calling), _) => Some(&calling.out.request),
            (_, Change::Out(out)) => Some(&out.request),
            _ => None,
        };
        if let Some(known) = invite.and_then(Acknowledged::of) {
            self.invites.retain(|invite| invite.number != known.number);
            if self.invites.len() == MOST_INVITES {
                self.invites.remove(0);
            }
            self.invites.push(known);
        }
        let Some(dialog) = &self.dialog else { return };
        acknowledge(wire, dialog, self.flow, response, self.invite_of(response));
    }

    /// The INVITE of ours that a response answers, if it was acknowledged before.
    fn invite_of(&self, response: &Response) -> Option<&Acknowledged> {
        let number = response.headers.cseq().ok()?.number;
        self.invites.iter().find(|invite| invite.number == number)
    }

    /// The BYE to a branch of the fork was answered, or it never will be.
    pub(super) fn fork_answered(&mut self, wire: &mut Wire, at: usize, response: Option<&Response>) {
        if let Some(response) = response {
            if response.is_provisional() {
                return;
            }
            let fork = &mut self.forks[at];
            let (sent, tries) = (fork.bye.request.clone(), fork.bye.tries + 1);
            let toward = way(&fork.dialog, self.flow);
            if matches!(response.status, 401 | 407)
                && tries <= MOST_TRIES
                && let Some(toward) = toward.filter(|toward| self.credible(toward))
                && self.auth.challenged(&sent, response).is_ok()
            {
                let mut bye = self.forks[at].dialog.request(Method::Bye);
                self.authorize(wire, &mut bye, &toward);
                self.forks[at].bye = send(wire, self.id, (bye, tries), toward);
                return;
            }
        }
        self.forks.remove(at);
    }

    fn picked_up(&mut self, wire: &mut Wire, response: &Response) {
        let Stage::Calling(calling) = &self.stage else { return };
        let (given_up, asked) = (calling.given_up, calling.out.request.uri.clone());
        self.learn(&response.headers);
        let leg = self.take_leg(response);
        let (answered, left) = leg.as_ref().map_or((false, false), |leg| (leg.answered, leg.left));
        let dialog = match leg {
            Some(mut leg) => leg.dialog.confirm(response).map(|()| leg.dialog),
            None => Dialog::by_response(response, Some(&asked)),
        };
        let nowhere = is_astray(&response.headers);
        match dialog {
            Ok(dialog) => self.dialog = Some(dialog),
            Err(wrong) => {
                // Nobody can be acknowledged or hung up on without an address.
                let detail = format!("the answer cannot be understood: {wrong}");
                return self.invite_ended(wire, CallEnd::Lost { why: Loss::Unusable, detail });
            }
        }
        self.acknowledge(wire, response);
        self.settle_timer(wire, response);
        self.stage = Stage::Up;
        if given_up {
            // It was picked up before our CANCEL got there (section 9.1).
            return self.bye(wire);
        }
        if nowhere {
            // What the call would be steered by leads nowhere: who answered hears so where the INVITE reached him.
            let detail = "the answer names no address to talk to".to_owned();
            return self.break_off(wire, CallEnd::Lost { why: Loss::Unusable, detail });
        }
        if left {
            // Their BYE overtook their answer.
            return self.finish(wire, CallEnd::RemoteHangup);
        }
        let answer = sdp(response.body_of(SDP)).filter(|_| !answered);
        self.tell(wire, SipEvent::Answered { call: self.id, answer });
        self.connected(wire, &response.headers);
        self.next(wire);
    }

    fn invite_challenged(&mut self, wire: &mut Wire, response: &Response) {
        let Stage::Calling(calling) = &self.stage else { return };
        if calling.given_up {
            return self.invite_ended(wire, refused(response));
        }
        let end = match self.auth.challenged(&calling.out.request, response) {
            Ok(()) => None,
            Err(why @ AuthError::Stranger) => Some((Loss::Stranger, why)),
            Err(why @ AuthError::Weaker) => Some((Loss::Weaker, why)),
            Err(_) => return self.invite_ended(wire, refused(response)),
        };
        if let Some((why, detail)) = end {
            return self.invite_ended(wire, CallEnd::Lost { why, detail: detail.to_string() });
        }
        self.invite_again(wire, response, |_| {});
    }

    /// 422: the session interval we asked for is too short for somebody on the way (RFC 4028 section 7.3).
    fn invite_too_brief(&mut self, wire: &mut Wire, response: &Response) {
        if !self.timer.raise(&response.headers) {
            return self.invite_ended(wire, refused(response));
        }
        let mut asked = Headers::new();
        self.timer.ask(&mut asked);
        self.invite_again(wire, response, |request| {
            for header in [name::SESSION_EXPIRES, name::MIN_SE] {
                request.headers.remove(header);
                request.headers.copy(&asked, header);
            }
        });
    }

    /// The INVITE once more after `response` refused it: the same Call-ID, the next number, what is known of credentials,
    /// and what `change` does to it. Not for ever, and not once it was given up.
    pub(super) fn invite_again(
        &mut self,
        wire: &mut Wire,
        response: &Response,
        change: impl FnOnce(&mut Request),
    ) {
        let Stage::Calling(calling) = &mut self.stage else { return };
        if calling.given_up || calling.out.tries >= MOST_TRIES {
            return self.invite_ended(wire, refused(response));
        }
        let (mut request, tries) = (calling.out.request.clone(), calling.out.tries + 1);
        let number = request.headers.cseq().map_or(1, |cseq| cseq.number) + 1;
        request.headers.set(name::CSEQ, CSeq { number, method: Method::Invite }.to_string());
        request.headers.remove(name::USER_AGENT);
        change(&mut request);
        let cnonce = wire.rng.token(8);
        self.auth.authorize(&mut request, &cnonce);
        calling.out = send(wire, self.id, (request, tries), calling.toward.clone());
        self.early.clear();
        self.listening = Some(calling.out.id);
    }

    fn hang_up_fork(&mut self, wire: &mut Wire, response: &Response) {
        let known = self.take_leg(response).map(|leg| leg.dialog);
        let dialog = match known {
            Some(mut dialog) => dialog.confirm(response).map(|()| dialog),
            None => Dialog::by_response(response, self.invite_of(response).map(|invite| &invite.uri)),
        };
        let Ok(mut dialog) = dialog else { return };
        acknowledge(wire, &dialog, self.flow, response, self.invite_of(response));
        let Some(toward) = way(&dialog, self.flow) else { return };
        let mut bye = dialog.request(Method::Bye);
        self.authorize(wire, &mut bye, &toward);
        let bye = send(wire, self.id, (bye, 1), toward);
        self.forks.push(Fork { dialog, bye });
    }
}

impl Acknowledged {
    fn of(invite: &Request) -> Option<Self> {
        let secret = |header: &&Header| {
            [name::AUTHORIZATION, name::PROXY_AUTHORIZATION]
                .iter()
                .any(|name| header.name.eq_ignore_case(name))
        };
        let credentials = invite.headers.iter().filter(secret).cloned().collect();
        Some(Self { number: invite.headers.cseq().ok()?.number, uri: invite.uri.clone(), credentials })
    }
}

/// Whether a 2xx names a Contact, and none that a request could go to (section 12.1.2). One that names none at all is taken:
/// old PBXs do that, and where the INVITE went the rest arrives as well.
fn is_astray(headers: &Headers) -> bool {
    headers.has(name::CONTACT) && headers.contact().is_none_or(|contact| contact.uri.as_sip().is_none())
}

fn send(wire: &mut Wire, call: CallId, (request, tries): (Request, u32), toward: Toward) -> Out {
    let id: TransactionId = wire.send(Owner::Call(call), request.clone(), toward);
    Out { id, request, tries }
}

/// The end a refusal makes.
pub(super) fn refused(response: &Response) -> CallEnd {
    CallEnd::Refused { status: response.status, phrase: response.phrase.to_display() }
}

/// The ACK to a 2xx goes to the dialog's other side, however often the 2xx comes.
fn acknowledge(
    wire: &mut Wire,
    dialog: &Dialog,
    flow: Option<Flow>,
    response: &Response,
    invite: Option<&Acknowledged>,
) {
    let (Ok(cseq), Some(toward)) = (response.headers.cseq(), way(dialog, flow)) else { return };
    let mut ack = dialog.ack(cseq.number);
    for header in invite.map(|invite| &invite.credentials).into_iter().flatten() {
        ack.headers.push(header.name.clone(), header.value.clone());
    }
    wire.send_ack(ack, toward);
}
