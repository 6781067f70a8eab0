//! What the core (or another owner) asks of an endpoint.

use crate::{
    auth::DigestClient,
    call::{Belief, Call, Departure, Manners, header},
    endpoint::model::Endpoint,
    flow::{Flow, Hop},
    line::Line,
    message::{Header, Host, NameAddr, SipUri, Text, Uri, name},
    registration::Registration,
    wire::Toward,
};
use agent_core::{
    id::{AccountId, CallId},
    party::Sdp,
    port::sip::{CallEnd, Loss, Registration as Told, RegistrationProblem as Problem, SipCommand, SipEvent},
    secret::Secret,
    settings::{AccountSettings, usual_identity},
};
use std::time::Duration;

/// A call that belongs to no account of ours: what a switch or a registrar makes.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Its id, even as every id the owner makes.
    pub call: CallId,
    /// Who calls, without a tag.
    pub from: NameAddr,
    /// The Request-URI, and To.
    pub target: Uri,
    /// The road to take, when it is known (the one a REGISTER came over); the target's own host otherwise.
    pub flow: Option<Flow>,
    /// Further header fields (P-Asserted-Identity, Alert-Info, …).
    pub headers: Vec<Header>,
    /// The offer.
    pub offer: Sdp,
}

impl Endpoint {
    pub(super) fn command(&mut self, command: SipCommand) {
        match command {
            SipCommand::Register { account, settings, password } => {
                self.register(account, &settings, password)
            }
            SipCommand::Unregister { account } => {
                self.remotes_of(account);
                self.unregister(account);
            }
            SipCommand::Invite { call, account, target, offer, withhold } => {
                self.invite((call, account), &target, offer, withhold)
            }
            SipCommand::Ring { call } => self.with_call(call, Call::ring),
            SipCommand::Accept { call, answer } => {
                self.with_call(call, |call, wire| call.accept(wire, answer))
            }
            SipCommand::Reject { call, why } => self.with_call(call, |call, wire| call.reject(wire, why)),
            SipCommand::Hangup { call } => self.with_call(call, |call, wire| call.hang_up(wire, 486)),
            SipCommand::Reoffer { call, offer } => {
                self.with_call(call, |call, wire| call.change(wire, offer))
            }
            SipCommand::AnswerReoffer { call, answer } => {
                self.with_call(call, |call, wire| call.answer_change(wire, answer));
            }
            SipCommand::Transfer(command) => self.transfer(command),
            SipCommand::Watch(command) => self.watch(command),
            SipCommand::Phone(command) => self.phone(command),
            SipCommand::Message(command) => self.text(command),
            SipCommand::Shutdown { within } => self.shutdown(within),
        }
    }

    /// Makes a call that belongs to no account. Told about like any other call.
    pub fn place(&mut self, now: std::time::Instant, placement: Placement) {
        self.wire.now = self.wire.now.max(now);
        let toward = match (placement.flow, placement.target.as_sip().and_then(Hop::to)) {
            (Some(flow), _) => Some(Toward::Flow(flow)),
            (None, Some(hop)) => Some(Toward::Hop(hop, None)),
            (None, None) => None,
        };
        let Some(toward) = toward else {
            let detail = format!("no transport leads to {}", placement.target);
            return self.wire.tell(SipEvent::Ended {
                call: placement.call,
                end: CallEnd::Lost { why: Loss::Target, detail },
            });
        };
        self.depart(
            placement.call,
            Departure {
                from: placement.from,
                target: placement.target,
                toward,
                contact: None,
                auth: nobody(),
                manners: Manners::default(),
                belief: Belief { order: usual_identity(), registrar: false, told: false, obeys: false },
                headers: placement.headers,
                offer: placement.offer,
                hidden: false,
            },
        );
        self.pump();
    }

    fn register(&mut self, account: AccountId, settings: &AccountSettings, password: Secret) {
        if self.closing.is_some() {
            return;
        }
        let line = match Line::read(settings) {
            Ok(line) => line,
            Err(detail) => {
                self.replace(account);
                let reason = Problem::Unreachable { detail };
                let state = Told::Failed { reason, retry_ms: None };
                return self.wire.tell(SipEvent::Registration { account, state });
            }
        };
        let same = self.accounts.get(&account).copied();
        let known = same.filter(|number| self.registrations[number].line() == &line);
        if known.is_none() {
            self.replace(account);
        }
        let auth = DigestClient::new(line.username.clone(), password.clone());
        self.open_desk(account, settings, (line.clone(), auth));
        if let Some(number) = known {
            return self.with_registration(number, |registration, wire| registration.begin(wire, password));
        }
        let number = self.next_registration;
        self.next_registration += 1;
        let of_line = self.name_road(line);
        let registration = Registration::new(&mut self.wire, (number, account), of_line, password.clone());
        self.registrations.insert(number, registration);
        self.accounts.insert(account, number);
        self.with_registration(number, |registration, wire| registration.begin(wire, password));
    }

    /// The user part of a new registration's Contact, and which of the roads of its address of record it is. The user is the
    /// one of the last start, so that the registrar puts the new binding in the place of the old one; unless somebody who
    /// leaves still bears it, and would take the new binding along.
    fn name_road(&mut self, line: Line) -> (Line, String, u32) {
        let others = || self.registrations.values();
        let taken = |id: &u32| others().any(|it| it.account().is_some() && it.is_road(&line, *id));
        let reg_id = (1..).find(|id| !taken(id)).unwrap_or(1);
        let user = self.wire.device.contact_user(&line, reg_id);
        let user = if others().any(|it| it.is_contact_user(&user)) { self.wire.rng.token(6) } else { user };
        (line, user, reg_id)
    }

    /// What the account was before leaves, and tells nobody.
    fn replace(&mut self, account: AccountId) {
        self.drop_desk(account);
        if let Some(number) = self.accounts.remove(&account) {
            self.with_registration(number, Registration::leave_silently);
        }
    }

    fn unregister(&mut self, account: AccountId) {
        self.close_desk(account);
        match self.accounts.get(&account) {
            Some(&number) => self.with_registration(number, Registration::leave),
            None => self.wire.tell(SipEvent::Registration { account, state: Told::Unregistered }),
        }
    }

    fn invite(&mut self, ids: (CallId, AccountId), target: &str, offer: Sdp, withhold: bool) {
        self.leave(ids, target, Vec::new(), offer, withhold);
    }

    /// Begins a call over an account, with further header fields.
    pub(super) fn leave(
        &mut self,
        (call, account): (CallId, AccountId),
        target: &str,
        mut headers: Vec<Header>,
        offer: Sdp,
        withhold: bool,
    ) {
        let registration = self.accounts.get(&account).and_then(|number| self.registrations.get(number));
        let departure = match registration {
            None => Err((Loss::NoAccount, String::new())),
            Some(registration) => {
                let target = registration.line().target_over(target, registration.is_secure());
                let routes = registration.routes();
                headers.extend(routes.iter().map(|route| header(name::ROUTE, route.to_value())));
                if withhold {
                    headers.extend(withheld(registration.line()));
                }
                target.map(|target| {
                    let sips = target.as_sip().is_some_and(|uri| uri.secure);
                    Departure {
                        from: if withhold { anonymous() } else { registration.line().address() },
                        target,
                        toward: match registration.flow() {
                            Some(flow) => Toward::Flow(flow),
                            None => Toward::Hop(registration.line().hop.clone(), None),
                        },
                        contact: registration
                            .contact()
                            .map(|contact| if sips { contact.to_secure() } else { contact }),
                        auth: registration.credentials(),
                        manners: registration.manners(),
                        // It leaves by the registrar, and so do its answers come.
                        belief: Belief { registrar: true, told: true, ..registration.belief() },
                        headers,
                        offer,
                        hidden: withhold,
                    }
                })
            }
        };
        match departure {
            Ok(departure) => self.depart(call, departure),
            Err((why, detail)) => {
                self.wire.tell(SipEvent::Ended { call, end: CallEnd::Lost { why, detail } });
            }
        }
    }

    fn depart(&mut self, id: CallId, departure: Departure) {
        if self.calls.contains_key(&id) {
            return;
        }
        if self.calls.len() >= self.wire.config.calls || self.closing.is_some() {
            let why = if self.closing.is_some() { Loss::Quitting } else { Loss::TooMany };
            let end = CallEnd::Lost { why, detail: String::new() };
            return self.wire.tell(SipEvent::Ended { call: id, end });
        }
        let call = Call::depart(&mut self.wire, id, departure);
        self.calls.insert(id, call);
        self.settle_call(id);
    }

    fn shutdown(&mut self, within: Duration) {
        self.closing = Some(self.wire.now + within);
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        for id in calls {
            self.with_call(id, |call, wire| call.hang_up(wire, 480));
        }
        self.stop_texts();
        let accounts: Vec<AccountId> = self.watches.desks.keys().copied().collect();
        for account in accounts {
            self.close_desk(account);
        }
        let numbers: Vec<u64> = self.registrations.keys().copied().collect();
        for number in numbers {
            self.with_registration(number, Registration::leave);
        }
    }
}

/// Who calls without being shown (RFC 3323 section 4.1).
fn anonymous() -> NameAddr {
    let host = Host::Name("anonymous.invalid".into());
    NameAddr::new(SipUri::new(Some("anonymous"), host, None)).with_display("Anonymous")
}

/// What such a call says of us to the PBX alone (RFC 3325 section 9.2), and that it is to tell nobody (section 9.3).
fn withheld(line: &Line) -> Vec<Header> {
    let header = |name: &'static str, value: Text| Header { name: name.into(), value };
    vec![header(name::PRIVACY, "id".into()), header(name::P_PREFERRED_IDENTITY, line.address().to_value())]
}

/// Credentials of nobody: a challenge is then a refusal.
pub(super) fn nobody() -> DigestClient {
    DigestClient::new(String::new(), Secret::new(String::new()))
}
