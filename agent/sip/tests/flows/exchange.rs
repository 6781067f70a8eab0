//! A PBX that does as little as one can: it registers everybody, passes on what is for somebody, and says who answered.

use agent_sip::message::{Host, Message, Method, NameAddr, Request, Response, Uri, name};
use bytes::Bytes;
use std::{
    cell::RefCell,
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

/// It keeps no state: what comes again is passed on again.
pub(crate) struct Exchange {
    /// Where it is.
    pub(crate) ip: IpAddr,
    /// Who is rung for which number: one phone, or several.
    pub(crate) lines: BTreeMap<String, Vec<IpAddr>>,
    /// The last dialog that rang: Call-ID, the tag of who called, the tag of who is called.
    pub(crate) rang: RefCell<Option<[String; 3]>>,
    /// What each phone registered: under this it is asked for.
    pub(crate) contacts: RefCell<BTreeMap<IpAddr, Uri>>,
}

impl Exchange {
    /// What becomes of a message that arrives from there: what goes out, and whither.
    pub(crate) fn pass(&self, from: SocketAddr, bytes: &Bytes) -> Vec<(SocketAddr, Bytes)> {
        match Message::parse_datagram(bytes) {
            Ok(Message::Request(request)) => self.request(from, &request, bytes),
            Ok(Message::Response(response)) => self.response(from, response),
            // A keep-alive.
            Err(_) => Vec::new(),
        }
    }

    fn request(&self, from: SocketAddr, request: &Request, bytes: &Bytes) -> Vec<(SocketAddr, Bytes)> {
        if request.method == Method::Register {
            if let Some(contact) = request.headers.contact() {
                self.contacts.borrow_mut().insert(from.ip(), contact.uri);
            }
            let mut ok = Response::to(request, 200, Some("pbx"));
            ok.headers.copy(&request.headers, name::CONTACT);
            return vec![(from, ok.to_bytes().into())];
        }
        let user = request.uri.user_text().map(|user| user.to_text().into_owned()).unwrap_or_default();
        let host = request.uri.as_sip().and_then(|uri| match uri.host {
            // Where a phone is, as its Contact says.
            Host::V4(ip) => Some(IpAddr::V4(ip)),
            Host::V6(_) | Host::Name(_) => None,
        });
        let to = match self.lines.get(&user) {
            Some(phones) => phones.clone(),
            None if host.is_some_and(|ip| ip != self.ip) => {
                return host.map(|ip| (SocketAddr::new(ip, 5060), bytes.clone())).into_iter().collect();
            }
            None => Vec::new(),
        };
        if to.is_empty() && request.method != Method::Ack {
            let unknown = Response::to(request, 404, Some("pbx"));
            return vec![(from, unknown.to_bytes().into())];
        }
        let passed = |ip: IpAddr| {
            let contacts = self.contacts.borrow();
            let bytes =
                contacts.get(&ip).map_or_else(|| bytes.clone(), |contact| asked_for(request, contact));
            (SocketAddr::new(ip, 5060), bytes)
        };
        to.into_iter().map(passed).collect()
    }

    /// The number that rings this phone alone.
    fn number_of(&self, ip: IpAddr) -> Option<&str> {
        let line = self.lines.iter().find(|(_, phones)| phones.as_slice() == [ip]);
        line.map(|(number, _)| number.as_str())
    }

    fn response(&self, from: SocketAddr, mut response: Response) -> Vec<(SocketAddr, Bytes)> {
        let Ok(via) = response.headers.via() else { return Vec::new() };
        let Host::V4(back) = via.host else { return Vec::new() };
        let tag = |who: NameAddr| who.tag().map(ToString::to_string);
        let headers = &response.headers;
        if response.status == 180
            && let (Ok(call_id), Ok(from), Ok(to)) = (headers.call_id(), headers.from(), headers.to())
            && let (Some(from), Some(to)) = (tag(from), tag(to))
        {
            *self.rang.borrow_mut() = Some([call_id.to_string(), from, to]);
        }
        if let Some(number) = self.number_of(from.ip()).filter(|_| response.is_success()) {
            response.headers.push("P-Asserted-Identity", format!("<sip:{number}@pbx.example>"));
        }
        vec![(SocketAddr::new(back.into(), 5060), response.to_bytes().into())]
    }
}

/// The same request for that phone.
fn asked_for(request: &Request, contact: &Uri) -> Bytes {
    Request { uri: contact.clone(), ..request.clone() }.to_bytes().into()
}
