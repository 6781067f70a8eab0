//! A registrar of the tests: asks for a digest, checks it, and grants what it likes.

use crate::{
    script::{answer, expect},
    world::{Letter, Who, World},
};
use agent_core::secret::Secret;
use agent_sip::{
    auth::{Algorithm, DigestServer, Verdict},
    message::{Contacts, Method, Request, name},
};
use std::time::Duration;

pub(crate) struct Registrar {
    who: Who,
    digest: DigestServer,
    pub(crate) password: &'static str,
    /// Seconds granted.
    pub(crate) grants: u32,
}

impl Registrar {
    /// At `pbx.example`, asking with these algorithms.
    pub(crate) fn new(world: &mut World, algorithms: &[Algorithm]) -> Self {
        let who = world.script("192.0.2.10");
        let digest = DigestServer::new("pbx", algorithms.to_vec(), Duration::from_secs(60), [7; 32]);
        Self { who, digest, password: "secret", grants: 600 }
    }

    pub(crate) fn who(&self) -> Who {
        self.who
    }

    /// Answers the next REGISTER as a registrar would, and gives it with the status it got.
    pub(crate) fn serve(&mut self, world: &mut World) -> (Request, u16) {
        let (letter, request) = expect(world, self.who, Method::Register);
        let status = self.serve_this(world, &letter, &request);
        (request, status)
    }

    fn serve_this(&mut self, world: &mut World, letter: &Letter, request: &Request) -> u16 {
        let (now, password) = (world.clock(), self.password.to_owned());
        let known = move |user: &str| (user == "1001").then(|| Secret::new(password.clone()));
        let verdict = self.digest.verify(request, now, known);
        if verdict != Verdict::Right("1001".to_owned()) {
            let challenges = self.digest.challenges(now, verdict == Verdict::Stale);
            let challenges: Vec<String> = challenges.iter().map(ToString::to_string).collect();
            let lines: Vec<_> =
                challenges.iter().map(|line| (name::WWW_AUTHENTICATE, line.as_str())).collect();
            answer(world, letter, 401, &lines, "");
            return 401;
        }
        let contacts = bound(request, self.grants);
        let lines: Vec<_> = contacts.iter().map(|line| (name::CONTACT, line.as_str())).collect();
        answer(world, letter, 200, &lines, "");
        200
    }

    /// Serves until one is answered 200, and gives that.
    pub(crate) fn serve_through(&mut self, world: &mut World) -> Request {
        loop {
            if let (request, 200) = self.serve(world) {
                return request;
            }
        }
    }
}

/// The Contact lines of a 200: everything the request binds, with the seconds granted.
fn bound(request: &Request, grants: u32) -> Vec<String> {
    let Ok(Contacts::List(list)) = request.headers.contacts() else { return Vec::new() };
    let wants = |contact: &agent_sip::message::NameAddr| contact.params.get("expires") != Some(b"0");
    list.iter()
        .filter(|contact| wants(contact))
        .map(|contact| format!("<{}>;expires={grants}", contact.uri))
        .collect()
}
