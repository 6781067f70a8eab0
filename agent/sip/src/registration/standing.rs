//! A registration as others see it: whether it stands and over which road, and what the registrar tells of it besides.

use crate::{
    event::reginfo::ContactEvent,
    flow::Flow,
    message::SipUri,
    registration::state::{Phase, Registration},
    wire::Wire,
};
use agent_core::{
    id::AccountId,
    port::sip::{Registration as Told, RegistrationProblem as Problem},
};

/// Whether a registration stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Standing {
    /// A 200 was received, its interval runs, and nothing is under way: over this road, under this Contact.
    Up(Box<(Flow, SipUri)>),
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
            (Phase::Still, Some(flow), Some(contact)) => Standing::Up(Box::new((flow, contact))),
            _ => Standing::Busy,
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
