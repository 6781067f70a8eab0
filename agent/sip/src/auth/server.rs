//! The server's side: makes challenges and checks credentials. The pocket exchange and the tests ask with it.

use crate::{
    auth::{
        challenge::{Fields, push_bare, push_quoted},
        digest::{Algorithm, DigestInput, Qop, response as digest},
    },
    message::{Request, Text, name},
};
use agent_core::secret::Secret;
use std::{collections::BTreeMap, time::Duration};

/// Nonces whose counts are remembered; the oldest are forgotten first, and then count as stale.
const MAX_NONCES: usize = 4096;

/// A server that asks for digests. Time is whatever clock the caller has, as long as it only goes on.
#[derive(Debug, Clone)]
pub struct DigestServer {
    realm: String,
    algorithms: Vec<Algorithm>,
    life: Duration,
    key: [u8; 32],
    /// Highest count seen of each nonce.
    counts: BTreeMap<Vec<u8>, u32>,
}

/// What credentials are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They are right: this user.
    Right(String),
    /// There are none for our realm: challenge.
    Missing,
    /// They are right but for an old or reused nonce: challenge with `stale`.
    Stale,
    /// They are wrong.
    Wrong,
}

impl DigestServer {
    /// Asks with these algorithms, one challenge each in this order; a nonce serves for `life`. `key` is random and
    /// secret: it is what makes a nonce ours.
    pub fn new(realm: impl Into<String>, algorithms: Vec<Algorithm>, life: Duration, key: [u8; 32]) -> Self {
        Self { realm: realm.into(), algorithms, life, key, counts: BTreeMap::new() }
    }

    /// The values of WWW-Authenticate (or Proxy-Authenticate), one a header field.
    pub fn challenges(&self, now: Duration, stale: bool) -> Vec<Text> {
        self.challenges_in(&self.algorithms, now, stale)
    }

    /// The same, but only in these algorithms, for a client that chokes on others (the server must have them too).
    pub fn challenges_in(&self, algorithms: &[Algorithm], now: Duration, stale: bool) -> Vec<Text> {
        let nonce = self.nonce(now);
        let one = |algorithm: &Algorithm| {
            let mut out = Vec::with_capacity(192);
            push_quoted(&mut out, "realm", self.realm.as_bytes());
            push_quoted(&mut out, "nonce", nonce.as_bytes());
            if stale {
                push_bare(&mut out, "stale", "true");
            }
            push_bare(&mut out, "algorithm", algorithm.name());
            push_quoted(&mut out, "qop", b"auth,auth-int");
            Text::from(out)
        };
        algorithms.iter().filter(|algorithm| self.algorithms.contains(algorithm)).map(one).collect()
    }

    /// Checks the credentials of a request. `password_of` knows the users; an unknown user is as wrong as a wrong
    /// password. With `qop` each count serves once.
    pub fn verify(
        &mut self,
        request: &Request,
        now: Duration,
        password_of: impl Fn(&str) -> Option<Secret>,
    ) -> Verdict {
        let lines =
            request.headers.all(name::AUTHORIZATION).chain(request.headers.all(name::PROXY_AUTHORIZATION));
        let ours = |fields: &Fields| {
            fields.scheme.eq_ignore_case("Digest")
                && fields.get("realm").is_some_and(|realm| *realm == self.realm.as_str())
        };
        let Some(fields) = lines.filter_map(|line| Fields::parse(line)).find(ours) else {
            return Verdict::Missing;
        };
        let Some((user, nonce, count)) = self.check(&fields, request, password_of) else {
            return Verdict::Wrong;
        };
        if !self.is_fresh(&nonce, now) {
            return Verdict::Stale;
        }
        if let Some(count) = count {
            let known = self.counts.get(&nonce).copied().unwrap_or(0);
            if count <= known {
                return Verdict::Stale;
            }
            if self.counts.len() >= MAX_NONCES {
                // A nonce begins with its time: the first of the map is the oldest.
                self.counts.pop_first();
            }
            self.counts.insert(nonce, count);
        }
        Verdict::Right(user)
    }

    /// User, nonce and count when the digest is right.
    fn check(
        &self,
        fields: &Fields,
        request: &Request,
        password_of: impl Fn(&str) -> Option<Secret>,
    ) -> Option<(String, Vec<u8>, Option<u32>)> {
        let get = |name| fields.get(name).map(|text| text.as_bytes());
        let algorithm = get("algorithm").map_or(Some(Algorithm::Md5), Algorithm::from_name)?;
        if !self.algorithms.contains(&algorithm) {
            return None;
        }
        let user = fields.get("username")?.as_str()?.to_owned();
        let qop = get("qop").map_or(Some(None), |qop| Qop::from_name(qop).map(Some))?;
        let count = match qop {
            None => None,
            Some(_) => Some(u32::from_str_radix(fields.get("nc")?.as_str()?, 16).ok()?),
        };
        let password = password_of(&user)?;
        let nonce = get("nonce")?;
        let made = digest(&DigestInput {
            algorithm,
            qop,
            username: user.as_bytes(),
            realm: self.realm.as_bytes(),
            password: &password,
            nonce,
            cnonce: get("cnonce").unwrap_or_default(),
            count: count.unwrap_or(0),
            method: &request.method,
            uri: get("uri")?,
            body: &request.body,
        });
        let right = same_bytes(made.as_bytes(), &get("response")?.to_ascii_lowercase());
        right.then(|| (user, nonce.to_vec(), count))
    }

    fn nonce(&self, now: Duration) -> String {
        let stamp = format!("{:016x}", u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let seal = Algorithm::Sha256.hex(&[stamp.as_bytes(), &self.key]);
        format!("{stamp}{}", &seal[..32])
    }

    fn is_fresh(&self, nonce: &[u8], now: Duration) -> bool {
        let stamp = nonce.get(..16).and_then(|stamp| std::str::from_utf8(stamp).ok());
        let Some(made) =
            stamp.and_then(|stamp| u64::from_str_radix(stamp, 16).ok()).map(Duration::from_millis)
        else {
            return false;
        };
        same_bytes(self.nonce(made).as_bytes(), nonce) && made <= now && now - made < self.life
    }
}

/// Compares without telling by its time where the difference is.
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (x, y)| differ | (x ^ y)) == 0
}
