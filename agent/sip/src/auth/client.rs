//! The client's side: remembers challenges, answers them, and counts how often a nonce was used.

use crate::{
    auth::{
        challenge::{Challenge, Fields, challenges, push_bare, push_quoted},
        digest::{Algorithm, DigestInput, response as digest},
    },
    message::{Request, Response, Text, name},
};
use agent_core::secret::Secret;
use std::net::IpAddr;

/// Why a challenge cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The credentials were sent and refused: the password or the name is wrong.
    #[error("the user name or password is wrong")]
    Rejected,
    /// There is no challenge in a scheme and algorithm we know.
    #[error("the server asks for a kind of authentication that is not supported")]
    Unsupported,
    /// It would take less than it took before: who asks now may be somebody who wants to try passwords.
    #[error("the server asks for a weaker authentication than before")]
    Weaker,
    /// The realm is neither the registrar's nor one of the account's places: whoever asks there is somebody else.
    #[error("the credentials are not for who asks for them")]
    Stranger,
}

/// How many realms are remembered: one registrar and the proxies on the way.
const MAX_REALMS: usize = 8;

/// Answers for one account. Challenges are kept per realm and answered ahead of being asked again.
#[derive(Debug, Clone)]
pub struct DigestClient {
    username: String,
    password: Secret,
    known: Vec<Known>,
    /// The strongest that each realm has asked for, the latest realm last; not forgotten with the challenges.
    strongest: Vec<Strength>,
    /// Whom the credentials are for, where this is not the registrar's own client.
    bounds: Option<Bounds>,
}

/// How strong a challenge is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Strength {
    realm: Text,
    algorithm: Algorithm,
    /// With a count, so that an answer heard by others serves nobody twice (RFC 7616 section 5.5).
    counted: bool,
}

impl Strength {
    fn of(challenge: &Challenge) -> Self {
        Self {
            realm: challenge.realm.clone(),
            algorithm: challenge.algorithm,
            counted: challenge.qop.is_some(),
        }
    }

    /// Whether this is weaker than what was asked for before.
    fn is_below(&self, before: &Self) -> bool {
        self.algorithm < before.algorithm || (before.counted && !self.counted)
    }
}

/// Whom credentials are for: what answers a challenge lets its asker try passwords for as long as he likes, so that not
/// everybody who asks gets one.
#[derive(Debug, Clone)]
struct Bounds {
    /// The strongest that the registrar itself has asked for, one a realm.
    registrar: Vec<Strength>,
    /// Where the account's requests go: names and addresses.
    places: Vec<String>,
    /// Realms its settings name besides.
    realms: Vec<String>,
}

impl Bounds {
    /// Whether a realm is the registrar's, or names a place of the account or a machine of its domain.
    fn know(&self, realm: &Text) -> bool {
        let asked = realm.to_display();
        self.registrar.iter().any(|own| own.realm == *realm)
            || self.realms.contains(&asked)
            || self.places.iter().any(|place| {
                let below = asked.len().checked_sub(place.len()).and_then(|at| asked.get(at..));
                let same = below.is_some_and(|end| end.eq_ignore_ascii_case(place));
                let dotted = || place.contains('.') && place.parse::<IpAddr>().is_err();
                let ahead = || asked.get(..asked.len() - place.len());
                same && (asked.len() == place.len()
                    || (dotted() && ahead().is_some_and(|it| it.ends_with('.'))))
            })
    }
}

#[derive(Debug, Clone)]
struct Known {
    challenge: Challenge,
    /// How often its nonce was used.
    uses: u32,
}

impl DigestClient {
    /// For this user.
    pub fn new(username: impl Into<String>, password: Secret) -> Self {
        let (known, strongest) = (Vec::new(), Vec::new());
        Self { username: username.into(), password, known, strongest, bounds: None }
    }

    /// One for a call of the same account: it answers the registrar's realms, never a weaker challenge than the registrar's
    /// own, and realms that are these places.
    pub(crate) fn for_call(registrar: &Self, places: Vec<String>, realms: &[String]) -> Self {
        let realms = realms.to_vec();
        let bounds = Some(Bounds { registrar: registrar.strongest.clone(), places, realms });
        Self { bounds, ..Self::new(registrar.username.clone(), registrar.password.clone()) }
    }

    /// From now on it answers whom `other` would.
    pub(crate) fn bound_as(&mut self, other: &Self) {
        self.bounds.clone_from(&other.bounds);
    }

    /// Whether the account's requests go to this host.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let places = self.bounds.iter().flat_map(|bounds| &bounds.places);
        places.into_iter().any(|place| place.eq_ignore_ascii_case(host))
    }

    /// Takes the challenges of a 401 or 407 that answered `sent`. `Ok`: authorize a new copy of the request and send it.
    /// The credentials count as refused when they were made for the very nonce that is challenged again, or for a nonce
    /// that was fresh, and the server does not call it stale.
    pub fn challenged(&mut self, sent: &Request, response: &Response) -> Result<(), AuthError> {
        let (mut stranger, mut weaker) = (false, false);
        let mut offered = challenges(&response.headers);
        offered.retain(|challenge| {
            let known = self.bounds.as_ref().is_none_or(|bounds| bounds.know(&challenge.realm));
            let below = known && self.is_below(challenge);
            stranger |= !known;
            weaker |= below;
            known && !below
        });
        let mut answerable = false;
        let mut taken: Vec<(bool, Text)> = Vec::new();
        for challenge in offered {
            // Strongest first: the first of a realm is the one to answer.
            let key = (challenge.proxy, challenge.realm.clone());
            if taken.contains(&key) {
                continue;
            }
            taken.push(key);
            if self.is_refusal(sent, &challenge) {
                return Err(AuthError::Rejected);
            }
            answerable = true;
            self.remember(challenge);
        }
        match () {
            () if answerable => Ok(()),
            () if weaker => Err(AuthError::Weaker),
            () if stranger => Err(AuthError::Stranger),
            () => Err(AuthError::Unsupported),
        }
    }

    /// Whether a challenge is weaker than one of the same realm before, here or at the registrar.
    fn is_below(&self, challenge: &Challenge) -> bool {
        let strength = Strength::of(challenge);
        let registrar = self.bounds.iter().flat_map(|bounds| &bounds.registrar);
        let mut before = registrar.chain(&self.strongest).filter(|before| before.realm == strength.realm);
        before.any(|before| strength.is_below(before))
    }

    /// Adds credentials for every realm that has challenged so far, in place of any the request has. `cnonce` must be
    /// new and unguessable. Nothing is added before the first challenge.
    pub fn authorize(&mut self, request: &mut Request, cnonce: &str) {
        request.headers.remove(name::AUTHORIZATION);
        request.headers.remove(name::PROXY_AUTHORIZATION);
        for at in 0..self.known.len() {
            self.known[at].uses = self.known[at].uses.saturating_add(1);
            let known = &self.known[at];
            let field = if known.challenge.proxy { name::PROXY_AUTHORIZATION } else { name::AUTHORIZATION };
            let value = self.credentials(known, request, cnonce);
            request.headers.push(field, value);
        }
    }

    /// Forgets every challenge (another registrar, another network), but not how strong they were.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    fn is_refusal(&self, sent: &Request, challenge: &Challenge) -> bool {
        let field = if challenge.proxy { name::PROXY_AUTHORIZATION } else { name::AUTHORIZATION };
        let same_realm = |fields: &Fields| fields.get("realm") == Some(&challenge.realm);
        let Some(fields) = sent.headers.all(field).filter_map(|line| Fields::parse(line)).find(same_realm)
        else {
            return false;
        };
        let Some(nonce) = fields.get("nonce") else { return true };
        if *nonce == challenge.nonce {
            return true;
        }
        // A nonce that had served before may have run out without the server saying so; a fresh one cannot have.
        let known = self.known.iter().find(|known| known.challenge.nonce == *nonce);
        !challenge.stale && known.is_some_and(|known| known.uses <= 1)
    }

    fn remember(&mut self, challenge: Challenge) {
        self.strongest.retain(|before| before.realm != challenge.realm);
        if self.strongest.len() == MAX_REALMS {
            self.strongest.remove(0);
        }
        self.strongest.push(Strength::of(&challenge));
        self.known.retain(|known| {
            (known.challenge.proxy, &known.challenge.realm) != (challenge.proxy, &challenge.realm)
        });
        if self.known.len() == MAX_REALMS {
            self.known.remove(0);
        }
        self.known.push(Known { challenge, uses: 0 });
    }

    fn credentials(&self, known: &Known, request: &Request, cnonce: &str) -> Vec<u8> {
        let challenge = &known.challenge;
        let uri = request.uri.to_string();
        let made = digest(&DigestInput {
            algorithm: challenge.algorithm,
            qop: challenge.qop,
            username: self.username.as_bytes(),
            realm: &challenge.realm,
            password: &self.password,
            nonce: &challenge.nonce,
            cnonce: cnonce.as_bytes(),
            count: known.uses,
            method: &request.method,
            uri: uri.as_bytes(),
            body: &request.body,
        });
        let mut out = Vec::with_capacity(256);
        push_quoted(&mut out, "username", self.username.as_bytes());
        push_quoted(&mut out, "realm", &challenge.realm);
        push_quoted(&mut out, "nonce", &challenge.nonce);
        push_quoted(&mut out, "uri", uri.as_bytes());
        push_quoted(&mut out, "response", made.as_bytes());
        if challenge.algorithm_written {
            push_bare(&mut out, "algorithm", challenge.algorithm.name());
        }
        if let Some(qop) = challenge.qop {
            push_bare(&mut out, "qop", qop.name());
            push_bare(&mut out, "nc", &format!("{:08x}", known.uses));
        }
        if challenge.qop.is_some() || challenge.algorithm.is_session() {
            push_quoted(&mut out, "cnonce", cnonce.as_bytes());
        }
        if let Some(opaque) = &challenge.opaque {
            push_quoted(&mut out, "opaque", opaque);
        }
        out
    }
}

#[cfg(test)]
mod tests;
