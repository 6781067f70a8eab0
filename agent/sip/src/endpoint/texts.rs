//! Text messages (MESSAGE, RFC 3428): sent over an account one after the other, received as calls are.

use crate::{
    auth::AuthError,
    call::{Belief, Targets, sender},
    endpoint::{admission::COME_AGAIN, inside::Inside, model::Endpoint},
    flow::{Flow, Transport},
    message::{CSeq, Contacts, Method, NameAddr, Rejection, Request, Response, name},
    texting::{Key, Letter, Out, Waiting, read},
    transaction::{TransactionEvent, TransactionId},
    transfer::ReferTo,
    wire::{Owner, Toward, is_wide},
};
use agent_core::{
    id::{AccountId, CallId},
    port::sip::{
        Loss, MessageCommand, MessageEvent, SipEvent,
        message::{MOST_TEXT, MessageProblem as Problem},
    },
    settings::usual_identity,
};

/// Requests sent to one address before it counts as refused: challenges, a stale nonce.
const MOST_TRIES: u32 = 5;
/// The longest reason phrase that is told.
const LONGEST_PHRASE: usize = 80;
/// As the body says it is.
const CONTENT_TYPE: &str = "text/plain;charset=UTF-8";

impl Endpoint {
    /// What the core asks.
    pub(super) fn text(&mut self, command: MessageCommand) {
        match command {
            MessageCommand::Send { message, account, target, text } => {
                if let Err(why) = self.post(message, account, &target, text) {
                    self.tell_text(MessageEvent::Failed { message, why });
                }
            }
            MessageCommand::Redirect { message, follow } => self.redirect_text(message, follow),
            MessageCommand::Answer { message, answer } => {
                let now = self.wire.now;
                let waiting = self.texts.inbox.answer(now, message, answer.status());
                self.deadlines.set(Owner::Inbox, self.texts.inbox.deadline());
                if let Some(waiting) = waiting {
                    self.wire.refuse(waiting.id, &waiting.request, answer.status());
                }
            }
        }
    }

    /// Puts one in the queue to its address; it leaves at once when nobody is before it.
    fn post(&mut self, message: u64, account: AccountId, target: &str, text: String) -> Result<(), Problem> {
        if self.closing.is_some() {
            return Err(Problem::Quitting);
        }
        if text.len() > MOST_TEXT {
            return Err(Problem::TooLong);
        }
        let number = self.accounts.get(&account).ok_or(Problem::NoAccount)?;
        let registration = self.registrations.get(number).ok_or(Problem::NoAccount)?;
        let target = registration.line().target_over(target, registration.is_secure());
        let target = target.map_err(|(why, _)| match why {
            Loss::NoTls => Problem::NoTls,
            _ => Problem::Target,
        })?;
        let letter = Letter {
            account,
            target,
            text,
            call_id: self.wire.rng.token(12).into(),
            tag: self.wire.rng.token(8).into(),
            sequence: 0,
            tries: 0,
            targets: Targets::default(),
            asking: None,
            out: None,
        };
        if self.texts.outbox.push(message, letter).map_err(|()| Problem::TooMany)? {
            self.go_text(message);
        }
        Ok(())
    }

    /// Sends one whose turn it is, for the first time or once more.
    fn go_text(&mut self, message: u64) {
        let Some(letter) = self.texts.outbox.get(message) else { return };
        let registration =
            self.accounts.get(&letter.account).and_then(|number| self.registrations.get(number));
        let desk = self.watches.desks.get_mut(&letter.account);
        let (Some(registration), Some(desk)) = (registration, desk) else {
            return self.text_over(message, Some(Problem::NoAccount));
        };
        letter.sequence += 1;
        letter.tries += 1;
        let mut request = Request::new(Method::Message, letter.target.clone());
        let headers = &mut request.headers;
        for route in registration.routes() {
            headers.push(name::ROUTE, route.to_value());
        }
        headers.push(name::MAX_FORWARDS, "70");
        headers.push(name::FROM, registration.line().address().with_tag(letter.tag.clone()).to_value());
        headers.push(name::TO, NameAddr::new(letter.target.clone()).to_value());
        headers.push(name::CALL_ID, letter.call_id.clone());
        headers.push(name::CSEQ, CSeq { number: letter.sequence, method: Method::Message }.to_string());
        request.set_body(CONTENT_TYPE, letter.text.clone());
        let cnonce = self.wire.rng.token(8);
        desk.auth.authorize(&mut request, &cnonce);
        let toward = match registration.flow() {
            Some(flow) => Toward::Flow(flow),
            None => Toward::Hop(registration.line().hop.clone(), None),
        };
        let id = self.wire.send(Owner::Text(message), request.clone(), toward);
        letter.out = Some(Out { id, request });
    }

    /// What a transaction of one of ours tells.
    pub(super) fn text_event(&mut self, message: u64, event: &TransactionEvent) {
        let (TransactionEvent::Response { id, .. }
        | TransactionEvent::TimedOut { id }
        | TransactionEvent::Failed { id, .. }) = event
        else {
            return;
        };
        let account = self.texts.outbox.get(message).map(|letter| letter.account);
        self.bind_desk(account, event);
        let Some(letter) = self.texts.outbox.get(message) else { return };
        let Some(out) = letter.out.take_if(|out| out.id == *id) else { return };
        match event {
            TransactionEvent::Response { response, .. } if response.is_provisional() => {
                letter.out = Some(out)
            }
            TransactionEvent::Response { response, .. } => self.text_answered(message, &out, response),
            TransactionEvent::Failed { .. } => {
                let account = letter.account;
                let registration = self.accounts.get(&account).and_then(|it| self.registrations.get(it));
                let narrow = registration.and_then(|it| it.flow()).map(|flow| flow.transport);
                let long = narrow == Some(Transport::Udp) && is_wide(&out.request);
                self.text_over(message, Some(if long { Problem::TooLong } else { Problem::Network }));
            }
            _ => self.text_over(message, Some(Problem::Silent)),
        }
    }

    fn text_answered(&mut self, message: u64, out: &Out, response: &Response) {
        let Some(letter) = self.texts.outbox.get(message) else { return };
        let again = match response.status {
            200..=299 => {
                let kept = response.status == 202;
                self.tell_text(MessageEvent::Sent { message, kept });
                return self.text_over(message, None);
            }
            401 | 407 => {
                let auth = self.watches.desks.get_mut(&letter.account).map(|desk| &mut desk.auth);
                match auth.map(|auth| (auth.challenged(&out.request, response), auth)) {
                    Some((Ok(()), _)) => letter.tries < MOST_TRIES,
                    Some((Err(AuthError::Rejected), auth)) => {
                        auth.forget();
                        false
                    }
                    _ => false,
                }
            }
            _ => {
                self.take_targets(message, out, response);
                let why = refused(response);
                // 6xx speaks for everybody (RFC 3261 section 21.6).
                return if response.status >= 600 {
                    self.text_over(message, Some(why))
                } else {
                    self.ask_text(message, why)
                };
            }
        };
        if again {
            return self.go_text(message);
        }
        self.text_over(message, Some(refused(response)));
    }

    /// A redirection within the PBX's domain names where it may go, as an INVITE's does (RFC 3261 section 8.1.3.4).
    fn take_targets(&mut self, message: u64, out: &Out, response: &Response) {
        let Some(account) = self.texts.outbox.get(message).map(|letter| letter.account) else { return };
        let registration = self.accounts.get(&account).and_then(|number| self.registrations.get(number));
        let pbx = registration.and_then(|it| it.flow()).map(|flow| flow.peer.ip());
        if matches!(response.status, 300..=302)
            && let Some(letter) = self.texts.outbox.get(message)
            && let (Ok(Contacts::List(contacts)), Ok(from)) =
                (response.headers.contacts(), out.request.headers.from())
        {
            letter.targets.take_in(contacts, (&out.request.uri, &from.uri), pbx);
        }
    }

    /// Asks the core about the next address; without one it is over.
    fn ask_text(&mut self, message: u64, why: Problem) {
        let Some(letter) = self.texts.outbox.get(message) else { return };
        let Some(next) = letter.targets.next() else { return self.text_over(message, Some(why)) };
        let account = letter.account;
        letter.asking = Some((next.clone(), why));
        let registration = self.accounts.get(&account).and_then(|number| self.registrations.get(number));
        let home = registration.is_some_and(|it| it.manners().is_home(&next));
        let target = ReferTo::new(next, None).referred(home);
        self.tell_text(MessageEvent::Redirected { message, target });
    }

    /// The core's word on it.
    fn redirect_text(&mut self, message: u64, follow: bool) {
        let Some(letter) = self.texts.outbox.get(message) else { return };
        let Some((next, why)) = letter.asking.take() else { return };
        if !follow {
            return self.ask_text(message, why);
        }
        letter.target = next;
        letter.tries = 0;
        self.go_text(message);
    }

    /// One is over: told, unless it went well and was told, and the next to the same address has its turn.
    fn text_over(&mut self, message: u64, why: Option<Problem>) {
        let next = self.texts.outbox.remove(message);
        if let Some(why) = why {
            self.tell_text(MessageEvent::Failed { message, why });
        }
        if let Some(next) = next {
            self.go_text(next);
        }
    }

    /// The agent quits: what has left waits for its answer, the rest is not sent any more.
    pub(super) fn stop_texts(&mut self) {
        for message in self.texts.outbox.unsent() {
            self.texts.outbox.remove(message);
            self.tell_text(MessageEvent::Failed { message, why: Problem::Quitting });
        }
    }

    /// Nobody waits any longer.
    pub(super) fn abandon_texts(&mut self) {
        for message in self.texts.outbox.all() {
            self.texts.outbox.remove(message);
            self.tell_text(MessageEvent::Failed { message, why: Problem::Silent });
        }
    }

    /// How the same message of theirs was answered before.
    pub(super) fn known_text(&self, request: &Request) -> Option<u16> {
        let is_text = request.method == Method::Message;
        is_text.then(|| self.texts.inbox.known(self.wire.now, Key::of(request))).flatten()
    }

    /// One for one of our accounts, or for nobody here: the same may write who may call.
    pub(super) fn text_outside(&mut self, id: TransactionId, request: Request, flow: &Flow) {
        match self.account_of(&request, flow) {
            Some((account, ..)) => self.text_came(id, request, flow, (Some(account), None)),
            None => self.turn_away(id, &request, flow),
        }
    }

    /// One within a call.
    pub(super) fn text_inside(&mut self, inside: Inside) {
        self.text_came(inside.id, inside.request, &inside.flow, (None, Some(inside.call)));
    }

    fn text_came(
        &mut self,
        id: TransactionId,
        request: Request,
        flow: &Flow,
        (account, call): (Option<AccountId>, Option<CallId>),
    ) {
        if let Some(status) = self.known_text(&request) {
            return self.wire.refuse(id, &request, status);
        }
        let text = match read(&request) {
            Ok(text) => text,
            Err(rejection) => return self.wire.reject(id, &request, &rejection),
        };
        if self.closing.is_some() {
            return self.wire.refuse(id, &request, 480);
        }
        if text.is_empty() {
            // Some programs ask like that whether somebody is there.
            return self.wire.refuse(id, &request, 200);
        }
        if !self.texts.inbox.has_room(self.wire.now) {
            let rejection = Rejection::new(503, None).with(name::RETRY_AFTER, COME_AGAIN.to_owned());
            return self.wire.reject(id, &request, &rejection);
        }
        let party = sender(&request.headers, &self.belief(account, flow));
        let message = self.texts.inbox.push(Waiting { id, request, since: self.wire.now });
        self.deadlines.set(Owner::Inbox, self.texts.inbox.deadline());
        self.tell_text(MessageEvent::Arrived { message, account, party, text, call });
    }

    /// A core that says nothing has not got them: their senders learn it.
    pub(super) fn texts_overdue(&mut self) {
        for waiting in self.texts.inbox.overdue(self.wire.now) {
            self.wire.refuse(waiting.id, &waiting.request, 480);
        }
        self.deadlines.set(Owner::Inbox, self.texts.inbox.deadline());
    }

    /// Whose word counts about who wrote: as with calls, the account's registrar may assert it.
    fn belief(&self, account: Option<AccountId>, flow: &Flow) -> Belief {
        let all = self.accounts.iter().filter(|(id, _)| account.is_none_or(|account| **id == account));
        let mut all = all.filter_map(|(_, number)| self.registrations.get(number));
        let from_registrar = all.clone().find(|it| it.is_registrar(flow));
        let registration = from_registrar.or_else(|| all.next());
        let order = registration.map_or_else(usual_identity, |it| it.line().identity.clone());
        Belief { order, registrar: from_registrar.is_some(), told: false, obeys: false }
    }

    fn tell_text(&mut self, event: MessageEvent) {
        self.wire.tell(SipEvent::Message(event));
    }
}

/// What a refusal is told as.
fn refused(response: &Response) -> Problem {
    let phrase = response.phrase.to_display().chars().take(LONGEST_PHRASE).collect();
    Problem::Refused { status: response.status, phrase }
}
