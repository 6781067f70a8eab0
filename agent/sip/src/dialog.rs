//! Dialogs (RFC 3261 section 12): who talks to whom, over which route, and in which order.

use crate::{
    flow::Hop,
    message::{CSeq, FieldError, Headers, Method, NameAddr, Request, Response, Text, Uri, name},
};

/// What names a dialog (RFC 3261 section 12). A peer of RFC 2543 has no tag: then it is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId {
    /// Call-ID.
    pub call_id: Text,
    /// Our tag.
    pub local_tag: Text,
    /// Their tag.
    pub remote_tag: Text,
}

impl DialogId {
    /// The dialog a request from them belongs to; `None` when it carries no tag of ours.
    pub fn of_request(headers: &Headers) -> Result<Option<Self>, FieldError> {
        let Some(local_tag) = headers.to()?.tag().cloned() else { return Ok(None) };
        let remote_tag = headers.from()?.tag().cloned().unwrap_or_default();
        Ok(Some(Self { call_id: headers.call_id()?, local_tag, remote_tag }))
    }

    /// The dialog that a response to a request of ours makes or belongs to.
    pub fn of_response(headers: &Headers) -> Result<Self, FieldError> {
        let local_tag = headers.from()?.tag().cloned().unwrap_or_default();
        let remote_tag = headers.to()?.tag().cloned().unwrap_or_default();
        Ok(Self { call_id: headers.call_id()?, local_tag, remote_tag })
    }
}

/// One dialog, early or confirmed.
#[derive(Debug, Clone)]
pub struct Dialog {
    call_id: Text,
    local: NameAddr,
    remote: NameAddr,
    local_number: u32,
    remote_number: Option<u32>,
    routes: Vec<NameAddr>,
    target: Uri,
}

impl Dialog {
    /// The dialog that a response to a request of ours makes (section 12.1.2). Where it names no Contact, `asked`, the
    /// address the request went to, stays the target.
    pub fn by_response(response: &Response, asked: Option<&Uri>) -> Result<Self, FieldError> {
        let headers = &response.headers;
        let mut routes = headers.addresses(name::RECORD_ROUTE)?;
        routes.reverse();
        let contact = headers.contact().map(|contact| contact.uri).filter(|uri| uri.as_sip().is_some());
        Ok(Self {
            call_id: headers.call_id()?,
            local: headers.from()?,
            remote: headers.to()?,
            local_number: headers.cseq()?.number,
            remote_number: None,
            routes,
            target: contact.or_else(|| asked.cloned()).ok_or(missing_contact())?,
        })
    }

    /// The dialog that their `request` makes once it is answered with `tag` (section 12.1.1). To a peer of RFC 2543,
    /// which knew no branches and demanded no Contact, its From leads.
    pub fn by_request(request: &Request, tag: &str) -> Result<Self, FieldError> {
        let old = request.headers.via()?.transaction_branch().is_none();
        let target = match request.headers.contact() {
            Some(contact) => contact.uri,
            None if old => request.headers.from()?.uri,
            None => return Err(missing_contact()),
        };
        Ok(Self {
            call_id: request.headers.call_id()?,
            local: request.headers.to()?.with_tag(tag),
            remote: request.headers.from()?,
            local_number: 0,
            remote_number: Some(request.headers.cseq()?.number),
            routes: request.headers.addresses(name::RECORD_ROUTE)?,
            target,
        })
    }

    /// The same dialog, confirmed: route set and target are those of the 2xx (RFC 3261 section 13.2.2.4), the numbers go
    /// on. Where the 2xx names no Contact the target stays.
    pub fn confirm(&mut self, response: &Response) -> Result<(), FieldError> {
        let Self { routes, target, .. } = Self::by_response(response, Some(&self.target))?;
        (self.routes, self.target) = (routes, target);
        Ok(())
    }

    /// The dialog that their NOTIFY makes, after our SUBSCRIBE with that CSeq number (RFC 6665 section 4.4.1).
    pub fn by_notify(request: &Request, number: u32) -> Result<Self, FieldError> {
        let tag = request.headers.to()?.tag().map(|tag| tag.to_text().into_owned()).unwrap_or_default();
        Ok(Self { local_number: number, ..Self::by_request(request, &tag)? })
    }

    /// Its name.
    pub fn id(&self) -> DialogId {
        let tag = |of: &NameAddr| of.tag().cloned().unwrap_or_default();
        DialogId { call_id: self.call_id.clone(), local_tag: tag(&self.local), remote_tag: tag(&self.remote) }
    }

    /// The other side's address, as it stood in the message that made the dialog.
    pub fn remote_uri(&self) -> &Uri {
        &self.remote.uri
    }

    /// Whether the other side's To or From tag is this one.
    pub fn is_with(&self, remote_tag: &Text) -> bool {
        self.id().remote_tag == *remote_tag
    }

    /// The other side, as it is called.
    pub fn remote(&self) -> &NameAddr {
        &self.remote
    }

    /// Where the other side is reached.
    pub fn target(&self) -> &Uri {
        &self.target
    }

    /// A request within the dialog, with the next CSeq (section 12.2.1.1).
    pub fn request(&mut self, method: Method) -> Request {
        self.local_number += 1;
        self.build(method, self.local_number)
    }

    /// The same request once more, with the next CSeq and the target as it is now: what the dialog and the road say is
    /// made anew, everything else is carried over.
    pub fn repeat(&mut self, request: &Request) -> Request {
        const MADE_ANEW: [&str; 11] = [
            name::VIA,
            name::ROUTE,
            name::MAX_FORWARDS,
            name::FROM,
            name::TO,
            name::CALL_ID,
            name::CSEQ,
            name::USER_AGENT,
            name::AUTHORIZATION,
            name::PROXY_AUTHORIZATION,
            name::CONTENT_LENGTH,
        ];
        let mut again = self.request(request.method.clone());
        for header in request.headers.iter() {
            if !MADE_ANEW.iter().any(|made| header.name.eq_ignore_case(made)) {
                again.headers.push(header.name.clone(), header.value.clone());
            }
        }
        again.body = request.body.clone();
        again
    }

    /// The ACK to the 2xx of the INVITE with that CSeq number (section 13.2.2.4).
    pub fn ack(&self, number: u32) -> Request {
        self.build(Method::Ack, number)
    }

    /// Where its requests go next; `None` when no transport of ours leads there.
    pub fn hop(&self) -> Option<Hop> {
        let next = self.routes.first().map_or(&self.target, |route| &route.uri);
        next.as_sip().and_then(Hop::to)
    }

    /// Checks the order of a request from them and remembers it (section 12.2.2): one that is not newer is out of
    /// order and gets 500.
    pub fn in_order(&mut self, number: u32) -> bool {
        let fine = self.remote_number.is_none_or(|last| number > last);
        if fine {
            self.remote_number = Some(number);
        }
        fine
    }

    /// Follows a new Contact (target refresh, section 12.2): INVITE and its 2xx carry one.
    pub fn retarget(&mut self, headers: &Headers) {
        if let Some(contact) = headers.contact().filter(|contact| contact.uri.as_sip().is_some()) {
            self.target = contact.uri;
        }
    }

    fn build(&self, method: Method, number: u32) -> Request {
        let (uri, routes) = self.path();
        let mut request = Request::new(method.clone(), uri);
        let headers = &mut request.headers;
        for route in routes {
            headers.push(name::ROUTE, route.to_value());
        }
        headers.push(name::MAX_FORWARDS, "70");
        headers.push(name::FROM, self.local.to_value());
        headers.push(name::TO, self.remote.to_value());
        headers.push(name::CALL_ID, self.call_id.clone());
        headers.push(name::CSEQ, CSeq { number, method }.to_string());
        request
    }

    /// Request-URI and Route headers. A first hop without `lr` is a strict router: it finds itself in the Request-URI
    /// and the target at the end of the list (section 12.2.1.1).
    fn path(&self) -> (Uri, Vec<NameAddr>) {
        let strict = |route: &NameAddr| route.uri.as_sip().is_some_and(|uri| uri.param("lr").is_none());
        match self.routes.split_first() {
            Some((first, rest)) if strict(first) => {
                let mut routes = rest.to_vec();
                routes.push(NameAddr::new(self.target.clone()));
                (first.uri.clone(), routes)
            }
            _ => (self.target.clone(), self.routes.clone()),
        }
    }
}

/// A request that makes a dialog needs a Contact (section 12.1.1).
fn missing_contact() -> FieldError {
    FieldError { field: name::CONTACT, what: "it is missing" }
}

#[cfg(test)]
mod tests;
