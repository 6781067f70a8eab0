//! Calls of ours that are redirected (RFC 3261 section 8.1.3.4): the core is asked about each address, and the user is told.

use crate::{
    call::{
        identity,
        model::{Call, Stage},
        outgoing::refused,
    },
    message::{Contacts, NameAddr, Response, Uri, escape_user},
    transfer::ReferTo,
    wire::Wire,
};
use agent_core::port::sip::{PhoneEvent, SipEvent, TransferEvent};

impl Call {
    /// Sends the call on after a refusal, if the core will have it: to a Contact of a 300, 301 or 302, or to the next one where
    /// such an address failed. False when the call ends here. 305 is not followed: nobody may choose our proxy.
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
        self.ask_next(wire, response.clone())
    }

    /// Asks about the next address there is.
    fn ask_next(&mut self, wire: &mut Wire, response: Response) -> bool {
        let Stage::Calling(calling) = &mut self.stage else { return false };
        let Some(next) = self.targets.next() else { return false };
        let target = ReferTo::new(next.clone(), None).referred(self.manners.is_home(&next));
        calling.asking = Some((response, next));
        self.tell(wire, SipEvent::Transfer(TransferEvent::Redirected { call: self.id, target }));
        true
    }

    /// The core's word on the address it was asked about: whether it is called, and with which user part
    /// instead of its own.
    pub(crate) fn redirect(&mut self, wire: &mut Wire, follow: bool, user: Option<&str>) {
        let Stage::Calling(calling) = &mut self.stage else { return };
        let Some((response, next)) = calling.asking.take() else { return };
        if !follow {
            let end = refused(&response);
            if !self.ask_next(wire, response) {
                self.invite_ended(wire, end);
            }
            return;
        }
        // Credentials are asked for anew at each address, which are few.
        calling.out.tries = 0;
        let to = identity::shown(&NameAddr::new(next.clone()), None);
        self.party = Some(to.clone());
        self.tell(wire, SipEvent::Phone(PhoneEvent::Moved { call: self.id, to }));
        self.invite_again(wire, &response, |request| request.uri = with_user(next, user));
    }

    /// Whether our number is not shown in it.
    pub(crate) fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Whether an address is at the PBX this call goes over.
    pub(crate) fn is_home(&self, uri: &Uri) -> bool {
        self.manners.is_home(uri)
    }
}

/// The same address, at another user part where one is given.
fn with_user(uri: Uri, user: Option<&str>) -> Uri {
    match (uri, user) {
        (Uri::Sip(mut sip), Some(user)) => {
            sip.user = Some(escape_user(user).into());
            Uri::Sip(sip)
        }
        (uri, _) => uri,
    }
}
