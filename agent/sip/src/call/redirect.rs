//! Calls of ours that are redirected (RFC 3261 section 8.1.3.4): the next address is tried, and the user is told.

use crate::{
    call::{
        identity,
        model::{Call, Stage},
    },
    message::{Contacts, NameAddr, Response},
    wire::Wire,
};
use agent_core::port::sip::{PhoneEvent, SipEvent};

impl Call {
    /// Sends the call on after a refusal: to a Contact of a 300, 301 or 302, or to the next one where such an address
    /// failed. False when the call ends here. 305 is not followed: nobody may choose our proxy.
    pub(super) fn redirected(&mut self, wire: &mut Wire, response: &Response) -> bool {
        let Stage::Calling(calling) = &mut self.stage else { return false };
        // 6xx speaks for everybody (section 21.6).
        if calling.given_up || !self.manners.redirects || response.status >= 600 {
            return false;
        }
        let request = &calling.out.request;
        if matches!(response.status, 300..=302)
            && let (Ok(Contacts::List(contacts)), Ok(from)) =
                (response.headers.contacts(), request.headers.from())
        {
            let pbx = self.flow.map(|flow| flow.peer.ip());
            self.targets.take_in(contacts, (&request.uri, &from.uri), pbx);
        }
        let Some(next) = self.targets.next() else { return false };
        // Credentials are asked for anew at each address, which are few.
        calling.out.tries = 0;
        let to = identity::shown(&NameAddr::new(next.clone()), None);
        self.party = Some(to.clone());
        self.tell(wire, SipEvent::Phone(PhoneEvent::Moved { call: self.id, to }));
        self.invite_again(wire, response, |request| request.uri = next);
        true
    }
}
