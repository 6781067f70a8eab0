//! A call follows its account when the computer is reached at another address (RFC 3261 section 12.2: the Contact of the
//! next request in the dialog tells the other side).

use crate::{
    call::model::{Call, Stage},
    flow::Flow,
    message::SipUri,
    wire::{Toward, Wire},
};

impl Call {
    /// The account reaches the machine it reached over `before` over `after` now, and is reached at `contact`. Calls that go
    /// another way stay on it: false.
    pub(crate) fn follow(&mut self, before: Flow, after: Flow, contact: &SipUri) -> bool {
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
        let Some(flow) = self.flow.and_then(moved) else { return false };
        self.flow = Some(flow);
        if let Some(own) = &mut self.contact {
            (own.host, own.port) = (contact.host.clone(), contact.port);
        }
        if let Stage::Calling(calling) = &mut self.stage
            && let Toward::Flow(flow) = &mut calling.toward
            && let Some(moved) = moved(*flow)
        {
            *flow = moved;
        }
        true
    }

    /// Tells the other side where it reaches us from now on (RFC 3261 section 12.2): else its next request, a BYE even, goes
    /// where nobody is.
    pub(crate) fn tell_place(&mut self, wire: &mut Wire) {
        if matches!(self.stage, Stage::Up) {
            self.send_refresh(wire);
        }
    }
}
