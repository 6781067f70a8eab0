//! Who the other side is by now: what requests and answers within a call say of it (RFC 4916).

use crate::{
    call::{identity, model::Call},
    flow::Flow,
    message::{Headers, Request, name},
    wire::Wire,
};
use agent_core::{party::Party, port::sip::SipEvent};

impl Call {
    /// An answer of theirs may name who answers. It came over the road our request took.
    pub(super) fn connected(&mut self, wire: &mut Wire, headers: &Headers) {
        self.asserted |= identity::is_asserted(headers, &self.belief, false);
        let party = identity::connected(headers, &self.belief, None);
        self.is_with(wire, party);
    }

    /// A request of theirs within the call may name somebody else, when it comes from where the call's own road leads: past
    /// that anybody in the dialog could say anything. From is what the other side itself writes: it counts only where they
    /// say that they change it (RFC 4916 section 4.4.1), and never against what the network has asserted.
    pub(crate) fn requested(&mut self, wire: &mut Wire, request: &Request, from: &Flow) {
        if !self.flow.is_some_and(|flow| flow.leads_where(from)) {
            return;
        }
        self.asserted |= identity::is_asserted(&request.headers, &self.belief, false);
        let changes = request.headers.has_word(name::SUPPORTED, "from-change") && !self.asserted;
        let known = self.dialog.as_ref().map(|dialog| dialog.remote_uri().clone()).filter(|_| changes);
        let party = identity::connected(&request.headers, &self.belief, known.as_ref());
        self.is_with(wire, party);
    }

    /// Whether the other side's requests may come over this road. A call over a secure one has no other (section 26.2.2 of
    /// RFC 3261): what comes in the open is from somebody who overheard or guessed its names.
    pub(crate) fn hears(&self, from: &Flow) -> bool {
        self.flow.is_none_or(|flow| !flow.transport.secure() || from.transport.secure())
    }

    /// Whether who sends from there may answer and hold this call for us.
    pub(crate) fn obeys(&self, from: &Flow) -> bool {
        let same_road = self.flow.is_some_and(|flow| flow.leads_where(from));
        same_road && self.belief.registrar && self.belief.told && self.belief.obeys
    }

    fn is_with(&mut self, wire: &mut Wire, party: Option<Party>) {
        let Some(mut party) = party else { return };
        if let Some(known) = &self.party
            && known.number == party.number
            && known.withheld == party.withheld
        {
            // The same again, at most with a name that was not known.
            party.name = party.name.or_else(|| known.name.clone());
            if party.name == known.name {
                return;
            }
        }
        self.party = Some(party.clone());
        self.tell(wire, SipEvent::Party { call: self.id, party });
    }
}
