//! What can be set about the exchange and about a call it makes.

use agent_core::secret::Secret;
use agent_sip::auth::Algorithm;
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

/// Somebody who may register.
#[derive(Debug, Clone)]
pub struct User {
    /// The extension; also the digest user name.
    pub extension: String,
    /// The password.
    pub password: Secret,
    /// What this user's phone is challenged in, when it is not all the exchange has: baresip 1 gives up when SHA-256 is
    /// among the challenges.
    pub algorithms: Option<Vec<Algorithm>>,
}

impl User {
    /// An extension with its password.
    pub fn new(extension: &str, password: &str) -> Self {
        Self { extension: extension.to_owned(), password: Secret::new(password.to_owned()), algorithms: None }
    }

    /// The same, challenged in MD5 alone.
    #[must_use]
    pub fn md5_only(mut self) -> Self {
        self.algorithms = Some(vec![Algorithm::Md5]);
        self
    }
}

/// What can be set about an exchange.
#[derive(Debug, Clone)]
pub struct ExchangeConfig {
    /// Where to listen, UDP and TCP.
    pub ip: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Who may register.
    pub users: Vec<User>,
    /// The digest realm.
    pub realm: String,
    /// One challenge each, in this order.
    pub algorithms: Vec<Algorithm>,
    /// How long a nonce serves.
    pub nonce_life: Duration,
    /// Whether calls by registered users are challenged too (407).
    pub challenge_calls: bool,
    /// Shorter registrations are refused with 423.
    pub least_expires: Duration,
    /// Longer registrations are cut to this.
    pub most_expires: Duration,
    /// The tone extension's tone.
    pub tone_hz: f64,
    /// Its level, dBov.
    pub tone_dbov: f64,
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self {
            ip: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            users: Vec::new(),
            realm: "pocket-exchange".to_owned(),
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            nonce_life: Duration::from_secs(300),
            challenge_calls: true,
            least_expires: Duration::from_secs(30),
            most_expires: Duration::from_secs(3600),
            tone_hz: 440.0,
            tone_dbov: -12.0,
        }
    }
}

/// A call the exchange makes to a registered phone.
#[derive(Debug, Clone)]
pub struct Ring {
    /// Whom to ring.
    pub extension: String,
    /// The number shown; empty for a withheld one.
    pub from: String,
    /// The display name shown; empty for none.
    pub name: String,
    /// The tone the caller plays.
    pub tone_hz: f64,
    /// Its level, dBov.
    pub tone_dbov: f64,
}

impl Ring {
    /// Rings an extension with a number, playing 440 Hz at -12 dBov.
    pub fn new(extension: &str, from: &str) -> Self {
        Self {
            extension: extension.to_owned(),
            from: from.to_owned(),
            name: String::new(),
            tone_hz: 440.0,
            tone_dbov: -12.0,
        }
    }

    /// The same with a display name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The same with another tone.
    #[must_use]
    pub fn playing(mut self, hz: f64, dbov: f64) -> Self {
        (self.tone_hz, self.tone_dbov) = (hz, dbov);
        self
    }
}
