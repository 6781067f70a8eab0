//! Header fields that strangers fill: challenges and their answers, Via, Contact, Route.

use agent_core::secret::Secret;
use agent_sip::{
    auth::{Algorithm, DigestClient, DigestServer, Verdict, challenges},
    message::{Contacts, Headers, Method, Request, Response, SipUri, Text, Via, name},
};
use std::time::Duration;

/// A challenge: whatever it says, the answer is a field that can be read, and no password stands in it.
pub fn digest(bytes: &[u8]) {
    let mut headers = Headers::new();
    for (number, line) in lines(bytes).enumerate() {
        let name = if number % 2 == 0 { name::WWW_AUTHENTICATE } else { name::PROXY_AUTHENTICATE };
        headers.push(name, Text::from(line));
    }
    for challenge in challenges(&headers) {
        assert!(challenge.realm.len() <= bytes.len() && challenge.nonce.len() <= bytes.len());
    }
    let mut request = invite();
    let mut response = Response::to(&request, 401, Some("tag"));
    for header in headers.iter() {
        response.headers.push(header.name.clone(), header.value.clone());
    }
    let mut client = DigestClient::new("1001", Secret::new(PASSWORD.to_owned()));
    for turn in 0..3 {
        if client.challenged(&request, &response).is_err() {
            break;
        }
        request = invite();
        client.authorize(&mut request, &format!("cnonce{turn}"));
        let printed = request.to_bytes();
        assert!(!printed.windows(PASSWORD.len()).any(|it| it == PASSWORD.as_bytes()), "the password is told");
    }
}

/// An answer to a challenge of ours, as a registrar reads it: nothing that was made up passes.
pub fn authorization(bytes: &[u8]) {
    let mut server =
        DigestServer::new("realm", vec![Algorithm::Md5, Algorithm::Sha256], Duration::from_secs(60), [7; 32]);
    let mut request = invite();
    for line in lines(bytes) {
        request.headers.push(name::AUTHORIZATION, Text::from(line));
    }
    let verdict = server.verify(&request, Duration::from_secs(1), |_| Some(Secret::new(PASSWORD.to_owned())));
    assert!(!matches!(verdict, Verdict::Right(_)), "nobody can guess that: {verdict:?}");
}

/// Via, Contact and Route: what was read is printed so that it reads the same again.
pub fn addresses(bytes: &[u8]) {
    let mut headers = Headers::new();
    for (number, line) in lines(bytes).enumerate() {
        let name = [name::VIA, name::CONTACT, "Route", "From"][number % 4];
        headers.push(name, Text::from(line));
    }
    if let Ok(vias) = headers.vias() {
        for via in vias {
            let mut again = Headers::new();
            again.push(name::VIA, via.to_value());
            assert_eq!(again.via().as_ref(), Ok(&via), "a Via");
            let _ = via.answer_address(5060);
        }
    }
    for name in ["Route", name::CONTACT] {
        let Ok(list) = headers.addresses(name) else { continue };
        for address in list {
            let mut again = Headers::new();
            again.push(name, address.to_value());
            assert_eq!(again.addresses(name).ok().as_deref(), Some(&[address][..]), "{name}");
        }
    }
    if let Ok(Contacts::List(list)) = headers.contacts() {
        assert!(list.len() <= agent_sip::message::MAX_ITEMS, "a list without an end");
    }
}

/// What nobody may ever see.
const PASSWORD: &str = "a-password-that-is-nowhere-else";

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&b| b == b'\n' || b == b'\r').filter(|line| !line.is_empty()).take(64)
}

fn invite() -> Request {
    let uri = SipUri::new(Some("600"), std::net::IpAddr::from([192, 0, 2, 10]).into(), None);
    let mut headers = Headers::new();
    let here = std::net::IpAddr::from([192, 0, 2, 1]);
    let via = Via::new("UDP", here, Some(5060), Text::from_static("z9hG4bKx"));
    headers.push(name::VIA, via.to_value());
    headers.push(name::CSEQ, "1 INVITE");
    headers.push(name::CALL_ID, "x");
    Request { method: Method::Invite, uri: uri.into(), headers, body: bytes::Bytes::new() }
}
