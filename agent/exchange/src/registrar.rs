//! The registrar (RFC 3261 section 10.3): who is reached where, and for how long.

use crate::{
    config::{ExchangeConfig, User},
    faults::Faults,
};
use agent_sip::{
    auth::{DigestServer, Verdict},
    flow::Flow,
    message::{Contacts, NameAddr, Request, Response, SipUri, Text, name},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// The most phones at one extension.
const MOST_PHONES: usize = 8;

/// A phone that is registered.
#[derive(Debug, Clone)]
pub struct Binding {
    /// Its Contact.
    pub contact: SipUri,
    /// The road its REGISTER came over; calls go back there.
    pub flow: Flow,
    /// Until when.
    pub until: Instant,
    call_id: Text,
    number: u32,
}

/// Users, their phones, and the questions asked of both.
pub(crate) struct Registrar {
    users: BTreeMap<String, User>,
    bindings: BTreeMap<String, Vec<Binding>>,
    digest: DigestServer,
    least: Duration,
    most: Duration,
    started: Instant,
    faults: Faults,
}

impl Registrar {
    pub(crate) fn new(config: &ExchangeConfig, faults: Faults, key: [u8; 32]) -> Self {
        let users = config.users.iter().map(|user| (user.extension.clone(), user.clone()));
        Self {
            users: users.collect(),
            bindings: BTreeMap::new(),
            digest: DigestServer::new(&config.realm, config.algorithms.clone(), config.nonce_life, key),
            least: config.least_expires,
            most: config.most_expires,
            started: Instant::now(),
            faults,
        }
    }

    /// The phones at an extension, the newest registration first.
    pub(crate) fn phones(&self, extension: &str, now: Instant) -> Vec<Binding> {
        let all = self.bindings.get(extension).into_iter().flatten();
        let mut phones: Vec<Binding> = all.filter(|binding| binding.until > now).cloned().collect();
        phones.sort_by_key(|binding| std::cmp::Reverse(binding.until));
        phones
    }

    /// Whether somebody of that name may register.
    pub(crate) fn knows(&self, extension: &str) -> bool {
        self.users.contains_key(extension)
    }

    /// Forgets every phone, as a registrar does that restarts.
    pub(crate) fn forget(&mut self) {
        self.bindings.clear();
    }

    /// The challenge or refusal a request gets; `None` when its credentials are right. `proxy` asks as a proxy does, for the
    /// caller; otherwise as a registrar, for who is to be registered.
    pub(crate) fn refuses(&mut self, request: &Request, tag: &str, proxy: bool) -> Option<Response> {
        let now = self.started.elapsed();
        let whose = if proxy { request.headers.from() } else { request.headers.to() };
        let whose = whose.ok().and_then(|whose| whose.uri.user_text());
        let users = &self.users;
        let mut verdict =
            self.digest.verify(request, now, |name| users.get(name).map(|user| user.password.clone()));
        if self.faults.refuses_passwords() && verdict != Verdict::Missing {
            verdict = Verdict::Wrong;
        }
        let stale = match verdict {
            Verdict::Right(user) => {
                // RFC 3261 section 22.1: whose credentials they are and for whom is asked must agree.
                let same = whose.is_some_and(|text| text == user.as_str());
                return (!same).then(|| Response::to(request, 403, Some(tag)));
            }
            Verdict::Wrong => return Some(Response::to(request, 403, Some(tag))),
            Verdict::Stale => true,
            Verdict::Missing => false,
        };
        let (status, field) =
            if proxy { (407, name::PROXY_AUTHENTICATE) } else { (401, name::WWW_AUTHENTICATE) };
        let mut response = Response::to(request, status, Some(tag));
        let own = whose.and_then(|text| self.users.get(text.as_str()?)?.algorithms.as_deref());
        let challenges = match own {
            Some(algorithms) => self.digest.challenges_in(algorithms, now, stale),
            None => self.digest.challenges(now, stale),
        };
        for challenge in challenges {
            response.headers.push(field, challenge);
        }
        Some(response)
    }

    /// Answers a REGISTER; `None` when the registrar plays dead.
    pub(crate) fn register(
        &mut self,
        request: &Request,
        flow: Flow,
        now: Instant,
        tag: &str,
    ) -> Option<Response> {
        if self.faults.is_registrar_silent() {
            return None;
        }
        if let Some(refusal) = self.refuses(request, tag, false) {
            return Some(refusal);
        }
        let extension = request.headers.to().ok()?.uri.user_text()?.to_text().into_owned();
        let refusal = self.bind(&extension, request, flow, now).err();
        if let Some(status) = refusal {
            let mut response = Response::to(request, status, Some(tag));
            if status == 423 {
                response.headers.push(name::MIN_EXPIRES, self.least.as_secs().to_string());
            }
            return Some(response);
        }
        let mut response = Response::to(request, 200, Some(tag));
        for binding in self.phones(&extension, now) {
            let left = (binding.until - now).as_secs_f64().round() as u64;
            let mut contact = NameAddr::new(binding.contact);
            contact.params.set("expires", Some(left.to_string().into()));
            response.headers.push(name::CONTACT, contact.to_value());
        }
        Some(response)
    }

    /// Adds, renews and removes as the request says, all of it or (with a status) nothing.
    fn bind(&mut self, extension: &str, request: &Request, flow: Flow, now: Instant) -> Result<(), u16> {
        let headers = &request.headers;
        let contacts = headers.contacts().map_err(|_| 400_u16)?;
        let call_id = headers.call_id().map_err(|_| 400_u16)?;
        let number = headers.cseq().map_err(|_| 400_u16)?.number;
        let mut list = self.phones(extension, now);
        // Section 10.3: an older request of the same phone changes nothing.
        if list.iter().any(|binding| binding.call_id == call_id && binding.number >= number) {
            return Err(500);
        }
        let whole = headers.expires().map(|seconds| Duration::from_secs(seconds.into()));
        match contacts {
            Contacts::All if whole == Some(Duration::ZERO) => list.clear(),
            Contacts::All => return Err(400),
            Contacts::List(contacts) => {
                for contact in contacts {
                    let own = contact.params.value("expires").and_then(|value| value.as_str()?.parse().ok());
                    let asked = own.map(Duration::from_secs).or(whole).unwrap_or(self.most);
                    let uri = contact.uri.as_sip().ok_or(400_u16)?.clone();
                    list.retain(|binding| {
                        !agent_sip::message::Uri::from(binding.contact.clone()).same(&contact.uri)
                    });
                    if asked.is_zero() {
                        continue;
                    }
                    if asked < self.least {
                        return Err(423);
                    }
                    let until = now + asked.min(self.most);
                    list.push(Binding { contact: uri, flow, until, call_id: call_id.clone(), number });
                }
            }
        }
        if list.len() > MOST_PHONES {
            return Err(503);
        }
        self.bindings.insert(extension.to_owned(), list);
        Ok(())
    }
}
