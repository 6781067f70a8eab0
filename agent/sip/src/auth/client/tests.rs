//! Client against server: both sides of every exchange.

use super::{AuthError, DigestClient};
use crate::{
    auth::{Algorithm, DigestServer, Verdict},
    message::{Method, Request, Response, Uri, name},
};
use agent_core::secret::Secret;
use std::time::Duration;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn server(algorithms: &[Algorithm]) -> DigestServer {
    DigestServer::new("pbx \"one\"", algorithms.to_vec(), Duration::from_secs(60), [7; 32])
}

fn register() -> Request {
    Request::new(Method::Register, "sip:pbx.example".parse::<Uri>().expect("an address"))
}

fn challenge(server: &DigestServer, now: u64, stale: bool) -> Response {
    let mut response = Response::to(&register(), 401, None);
    for value in server.challenges(Duration::from_secs(now), stale) {
        response.headers.push(name::WWW_AUTHENTICATE, value);
    }
    response
}

fn verify(server: &mut DigestServer, request: &Request, now: u64) -> Verdict {
    server.verify(request, Duration::from_secs(now), |user| (user == "1001").then(|| secret("pass")))
}

#[test]
fn every_algorithm_is_answered_and_counted() {
    for algorithm in Algorithm::ALL {
        let mut server = server(&[algorithm]);
        let mut client = DigestClient::new("1001", secret("pass"));
        let mut request = register();
        client.authorize(&mut request, "c0");
        assert_eq!(verify(&mut server, &request, 1), Verdict::Missing, "nothing before the challenge");
        client.challenged(&request, &challenge(&server, 1, false)).expect("answerable");
        for count in 1..4 {
            client.authorize(&mut request, "c1");
            let value = request.headers.get(name::AUTHORIZATION).expect("credentials").to_text().into_owned();
            assert!(value.contains(&format!("nc=0000000{count}")), "{value}");
            assert_eq!(verify(&mut server, &request, 2), Verdict::Right("1001".to_owned()), "{algorithm:?}");
        }
        assert_eq!(verify(&mut server, &request, 2), Verdict::Stale, "the same count twice is a replay");
    }
}

#[test]
fn the_strongest_of_several_is_answered() {
    let mut server = server(&[Algorithm::Md5, Algorithm::Sha256]);
    let mut client = DigestClient::new("1001", secret("pass"));
    let mut request = register();
    client.challenged(&request, &challenge(&server, 1, false)).expect("answerable");
    client.authorize(&mut request, "c");
    let values: Vec<_> = request.headers.all(name::AUTHORIZATION).collect();
    assert_eq!(values.len(), 1);
    assert!(values[0].to_text().contains("algorithm=SHA-256"));
    assert_eq!(verify(&mut server, &request, 1), Verdict::Right("1001".to_owned()));
}

#[test]
fn a_wrong_password_is_refused_once_and_for_all() {
    let mut server = server(&[Algorithm::Md5]);
    let mut client = DigestClient::new("1001", secret("wrong"));
    let mut request = register();
    client.challenged(&request, &challenge(&server, 1, false)).expect("answerable");
    client.authorize(&mut request, "c");
    assert_eq!(verify(&mut server, &request, 1), Verdict::Wrong);
    assert_eq!(
        client.challenged(&request, &challenge(&server, 1, false)),
        Err(AuthError::Rejected),
        "same nonce"
    );
    assert_eq!(
        client.challenged(&request, &challenge(&server, 2, false)),
        Err(AuthError::Rejected),
        "fresh nonce"
    );
}

#[test]
fn an_old_nonce_is_renewed() {
    let mut server = server(&[Algorithm::Sha256]);
    let mut client = DigestClient::new("1001", secret("pass"));
    let mut request = register();
    client.challenged(&request, &challenge(&server, 1, false)).expect("answerable");
    client.authorize(&mut request, "c");
    assert_eq!(verify(&mut server, &request, 100), Verdict::Stale);
    client.challenged(&request, &challenge(&server, 100, true)).expect("stale is no refusal");
    client.authorize(&mut request, "c");
    assert_eq!(verify(&mut server, &request, 100), Verdict::Right("1001".to_owned()));
    // A server that lets a nonce run out without saying so: the second use may be challenged anew.
    client.authorize(&mut request, "c");
    client.challenged(&request, &challenge(&server, 200, false)).expect("a used nonce may have run out");
}

#[test]
fn what_cannot_be_answered_says_so() {
    let mut client = DigestClient::new("1001", secret("pass"));
    let mut response = Response::to(&register(), 401, None);
    response.headers.push(name::WWW_AUTHENTICATE, "Basic realm=\"x\"");
    response.headers.push(name::WWW_AUTHENTICATE, "Digest realm=\"x\", nonce=\"1\", algorithm=FOO");
    assert_eq!(client.challenged(&register(), &response), Err(AuthError::Unsupported));
    response.headers.push(name::WWW_AUTHENTICATE, "Digest realm=\"x\", nonce=\"1\"");
    client.challenged(&register(), &response).expect("RFC 2069 is answerable");
    let mut request = register();
    client.authorize(&mut request, "c");
    let value = request.headers.get(name::AUTHORIZATION).expect("credentials").to_text().into_owned();
    assert!(!value.contains("qop") && !value.contains("nc=") && !value.contains("algorithm"), "{value}");
}

#[test]
fn proxy_and_server_are_answered_side_by_side() {
    let mut client = DigestClient::new("1001", secret("pass"));
    let mut response = Response::to(&register(), 407, None);
    response.headers.push(name::PROXY_AUTHENTICATE, "Digest realm=\"p\", nonce=\"1\", qop=\"auth\"");
    client.challenged(&register(), &response).expect("answerable");
    let mut server = server(&[Algorithm::Md5]);
    client.challenged(&register(), &challenge(&server, 1, false)).expect("answerable");
    let mut request = register();
    client.authorize(&mut request, "c");
    assert_eq!(request.headers.all(name::PROXY_AUTHORIZATION).count(), 1);
    assert_eq!(verify(&mut server, &request, 1), Verdict::Right("1001".to_owned()));
}

#[test]
fn a_forged_nonce_is_not_ours() {
    let (mut ours, theirs) = (
        server(&[Algorithm::Md5]),
        DigestServer::new("pbx \"one\"", vec![Algorithm::Md5], Duration::from_secs(60), [8; 32]),
    );
    let mut client = DigestClient::new("1001", secret("pass"));
    let mut request = register();
    client.challenged(&request, &challenge(&theirs, 1, false)).expect("answerable");
    client.authorize(&mut request, "c");
    assert_eq!(verify(&mut ours, &request, 1), Verdict::Stale);
}

fn asks(status: u16, value: &str) -> Response {
    let mut response = Response::to(&register(), status, None);
    let field = if status == 407 { name::PROXY_AUTHENTICATE } else { name::WWW_AUTHENTICATE };
    response.headers.push(field, value);
    response
}

#[test]
fn in_a_call_nobody_is_answered_whom_the_registrar_does_not_vouch_for() {
    let strong = "Digest realm=\"pbx\", nonce=\"1\", qop=\"auth\", algorithm=SHA-256";
    let mut registrar = DigestClient::new("1001", secret("pass"));
    registrar.challenged(&register(), &asks(401, strong)).expect("answerable");
    // What it forgets of a challenge is not how strong it was.
    registrar.forget();
    let places = ["pbx.example".to_owned(), "192.0.2.10".to_owned()];
    let realm = |realm: &str| format!("Digest realm=\"{realm}\", nonce=\"2\", qop=\"auth\", algorithm=MD5");
    for (status, value, outcome) in [
        (401, strong, Ok(())),
        // A machine of the account's, or of its domain, whatever its case.
        (407, &*realm("PBX.example"), Ok(())),
        (401, &realm("proxy.pbx.example"), Ok(())),
        (407, &realm("192.0.2.10"), Ok(())),
        // What the settings name.
        (407, &realm("asterisk"), Ok(())),
        // Anybody else, also where it looks like one of them.
        (401, &realm("other"), Err(AuthError::Stranger)),
        (407, &realm("other"), Err(AuthError::Stranger)),
        (407, &realm("notpbx.example"), Err(AuthError::Stranger)),
        (407, &realm("1.192.0.2.10"), Err(AuthError::Stranger)),
        (407, &realm("pbx.example.evil.example"), Err(AuthError::Stranger)),
        (407, &realm(""), Err(AuthError::Stranger)),
        (407, &realm("\u{fc}pbx.example"), Err(AuthError::Stranger)),
        // What is weaker than the registrar's own was made weaker by somebody.
        (401, "Digest realm=\"pbx\", nonce=\"3\", algorithm=SHA-256", Err(AuthError::Weaker)),
        (401, "Digest realm=\"pbx\", nonce=\"3\", qop=\"auth\", algorithm=MD5", Err(AuthError::Weaker)),
    ] {
        let mut client = DigestClient::for_call(&registrar, places.to_vec(), &["asterisk".to_owned()]);
        assert_eq!(client.challenged(&register(), &asks(status, value)), outcome, "{status} {value}");
    }
    // A registrar that never asked vouches for nobody.
    let free = DigestClient::new("1001", secret("pass"));
    let mut client = DigestClient::for_call(&free, places.to_vec(), &[]);
    assert_eq!(client.challenged(&register(), &asks(401, strong)), Err(AuthError::Stranger));
}

#[test]
fn nobody_is_answered_less_than_before() {
    let mut client = DigestClient::new("1001", secret("pass"));
    let ask =
        |algorithm: &str, qop: &str| asks(401, &format!("Digest realm=\"pbx\", nonce=\"n\"{qop}{algorithm}"));
    let counted = ", qop=\"auth\"";
    client.challenged(&register(), &ask(", algorithm=MD5", "")).expect("the first");
    client.challenged(&register(), &ask(", algorithm=SHA-256", counted)).expect("a stronger one");
    client.forget();
    for (algorithm, qop) in [(", algorithm=MD5", counted), ("", counted), (", algorithm=SHA-256", "")] {
        let outcome = client.challenged(&register(), &ask(algorithm, qop));
        assert_eq!(outcome, Err(AuthError::Weaker), "{algorithm} {qop}");
    }
    // Side by side with the weaker one, the one of before is answered.
    let mut both = ask(", algorithm=SHA-256", counted);
    both.headers.push(name::WWW_AUTHENTICATE, "Digest realm=\"pbx\", nonce=\"n\"");
    client.challenged(&register(), &both).expect("as before");
}
