//! A call follows its account when the computer is reached at another address (RFC 3261 section 12.2: the Contact of the
//! next request in the dialog tells the other side).

use crate::{
    call::model::{Call, Stage},
    flow::Flow,
    message::SipUri,
    wire::Toward,
};

impl Call {
    /// The account reaches the machine it reached over `before` over `after` now, and is reached at `contact`. Calls that go
    /// another way stay on it.
    pub(crate) fn follow(&mut self, before: Flow, after: Flow, contact: Option<&SipUri>) {
        let moved = |flow: Flow| {
            let same_end = flow.transport == before.transport && flow.local == before.local;
            if !same_end || before.peer != after.peer || before.transport != after.transport {
                return None;
            }
            match flow.peer == before.peer {
                true => Some(after),
                // A PBX of several machines: over UDP all of them are reached from one socket.
                false => (!flow.transport.reliable()).then_some(Flow { local: after.local, ..flow }),
            }
        };
        let Some(flow) = self.flow.and_then(moved) else { return };
        self.flow = Some(flow);
        if let (Some(own), Some(contact)) = (&mut self.contact, contact) {
            (own.host, own.port) = (contact.host.clone(), contact.port);
        }
        if let Stage::Calling(calling) = &mut self.stage
            && let Toward::Flow(flow) = &mut calling.toward
            && let Some(moved) = moved(*flow)
        {
            *flow = moved;
        }
    }
}
