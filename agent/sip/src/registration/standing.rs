//! A registration as others see it: whether it stands and over which road, and what the registrar tells of it besides.

use crate::{
    event::reginfo::ContactEvent,
    flow::Flow,
    message::{NameAddr, Response, SipUri, name},
    registration::state::{Phase, Registration},
    wire::Wire,
};
use agent_core::{
    id::AccountId,
    port::sip::{Registration as Told, RegistrationProblem as Problem},
};
use std::time::Duration;

/// The most machines a registrar may put on the way.
const MOST_SERVICE: usize = 8;
/// A binding is not looked after for doubts sooner after it was confirmed.
const LEAST_DOUBT: Duration = Duration::from_secs(5);

/// Whether a registration stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Standing {
    /// A 200 was received, its interval runs, and nothing is under way: over this road, under this Contact, by these
    /// proxies.
    Up(Box<(Flow, SipUri, Vec<NameAddr>)>),
    /// It stands, and is being refreshed or moved.
    Busy,
    /// It does not.
    Down,
}

impl Registration {
    /// Whose it is; `None` once another took its place.
    pub(crate) fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// Whether it stands.
    pub(crate) fn standing(&self) -> Standing {
        if self.leaving || !matches!(self.state, Told::Registered) {
            return Standing::Down;
        }
        match (&self.phase, self.flow(), self.contact()) {
            (Phase::Still, Some(flow), Some(contact)) => {
                Standing::Up(Box::new((flow, contact, self.routes())))
            }
            _ => Standing::Busy,
        }
    }

    /// The proxies a request of the account that begins something goes through, but for REGISTER: those of the settings, then
    /// those the registrar named (RFC 3608 section 5). It leaves by the same road in any case: whoever answers a REGISTER
    /// can put a machine on the way behind the first one, and never in its place.
    pub(crate) fn routes(&self) -> Vec<NameAddr> {
        let own = &self.line.routes;
        let known = |route: &&NameAddr| {
            let place = |route: &NameAddr| route.uri.as_sip().map(|uri| (uri.host.clone(), uri.port));
            own.iter().any(|own| place(own) == place(route))
        };
        own.iter().chain(self.service.iter().skip_while(known)).cloned().collect()
    }

    /// Takes the way to heart that a 200 names, and forgets one it names no more.
    pub(super) fn take_service(&mut self, response: &Response) {
        let named = response.headers.addresses(name::SERVICE_ROUTE).unwrap_or_default();
        let loose = |route: &NameAddr| {
            route.uri.as_sip().is_some_and(|uri| uri.params.iter().any(|(name, _)| name.eq_ignore_case("lr")))
        };
        // One that cannot be followed makes all of it useless.
        self.service =
            if named.len() <= MOST_SERVICE && named.iter().all(loose) { named } else { Vec::new() };
    }

    /// The PBX knows nothing any more of what it had agreed to besides: it began anew, and may have forgotten the binding as
    /// well, which over UDP nothing else tells before the refresh.
    pub(crate) fn doubted(&mut self, wire: &mut Wire) {
        let old = self.binding.as_ref().is_some_and(|it| wire.now.duration_since(it.since) >= LEAST_DOUBT);
        if let Some(flow) = self.flow.filter(|_| old && matches!(self.phase, Phase::Still) && !self.leaving) {
            self.refresh(wire, flow);
        }
    }

    /// The registrar says what became of our binding (RFC 3680 section 5.3): it registers again, at once or later.
    pub(crate) fn questioned(&mut self, wire: &mut Wire, event: ContactEvent) {
        let Some(flow) = self.flow.filter(|_| matches!(self.phase, Phase::Still) && !self.leaving) else {
            return;
        };
        let refused = |status, phrase: &str| Problem::Refused { status, phrase: phrase.to_owned() };
        match event {
            ContactEvent::Usual => {}
            ContactEvent::Shortened => self.ask(wire, flow, false),
            ContactEvent::Deactivated => {
                self.binding = None;
                self.expiry = None;
                self.ask(wire, flow, false);
            }
            ContactEvent::Probation | ContactEvent::Rejected => {
                self.binding = None;
                self.expiry = None;
                let rejected = event == ContactEvent::Rejected;
                let problem = if rejected { refused(403, "rejected") } else { refused(480, "probation") };
                self.fail(wire, problem, None);
            }
        }
    }
}
