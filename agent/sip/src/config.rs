//! What can be set about an endpoint.

use crate::{
    device::Device,
    message::Abilities,
    transaction::{Limits, TimerBase},
};
use agent_core::id::CallId;
use std::time::Duration;

/// Who may call an account straight, past its registrar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Callers {
    /// Only who sends from an address of the account's registrar (any port, any address its name stands for; any transport
    /// over which a sender is known as well as over the account's own, over TLS that connection alone), or asks for the
    /// random user of our Contact, which only the registrar was told, and through it whoever we were in a call with: a
    /// PBX of several machines calls from others than it registers at. Others get 403.
    #[default]
    Registrar,
    /// Whoever knows the number: an INVITE from any address is taken when its Request-URI names an account, by the
    /// random user of our Contact, by the user of the address of record, or by the digest user name. Others get 404.
    Anyone,
}

/// What an endpoint does by itself and what it leaves to its owner.
#[derive(Debug, Clone)]
pub struct Config {
    /// For User-Agent and Server: product and version, nothing else.
    pub user_agent: String,
    /// What all timers are made of.
    pub timers: TimerBase,
    /// Caps on transactions.
    pub limits: Limits,
    /// The most calls at once, those winding up included; more get 503.
    pub calls: usize,
    /// Who may call straight.
    pub callers: Callers,
    /// The id of the first call that comes in: behind those of an endpoint that was here before.
    pub first_call: CallId,
    /// Methods, extensions and bodies that are understood; the rest is refused as RFC 3261 section 8.2 says.
    pub abilities: Abilities<'static>,
    /// Requests outside dialogs (but ACK and CANCEL) go to the owner as [`Output::Outside`](crate::endpoint::Output)
    /// instead of being answered here: for a registrar.
    pub screened: bool,
    /// How long an account asks to be registered for. A registrar that restarts without its memory is not noticed over
    /// UDP before the next refresh, which comes at half of this.
    pub expires: Duration,
    /// The most SUBSCRIBEs of an account within any second, challenges and refreshes included (1 to 1000).
    pub subscribes_per_second: u32,
    /// A registration over UDP asks at the latest after so long whether its road still is one, so that routers and
    /// firewalls on the way keep the way back open and a registrar that is gone is noticed (RFC 5626 section 4.4.2 says 24
    /// to 29 s; over connections it is about four times as long). A registrar that names an interval gets that. Zero: never.
    pub keep_alive: Duration,
    /// What stays the same from one start to the next; `None`: nothing does.
    pub device: Option<Device>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            user_agent: concat!("Trayphone/", env!("CARGO_PKG_VERSION")).to_owned(),
            timers: TimerBase::default(),
            limits: Limits::default(),
            calls: 4096,
            callers: Callers::default(),
            first_call: CallId::FIRST_INCOMING,
            abilities: Abilities::PHONE,
            screened: false,
            expires: Duration::from_secs(120),
            subscribes_per_second: 10,
            keep_alive: Duration::from_secs(29),
            device: None,
        }
    }
}
