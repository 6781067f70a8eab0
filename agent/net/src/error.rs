//! Everything that can go wrong on the way out, one sentence each.

/// Why another machine was not reached. The texts name what is wrong; they hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The text is no host name.
    #[error("\"{0}\" is not a host name")]
    BadName(String),
    /// The name does not exist, or has no address.
    #[error("the name {0} is not known")]
    UnknownName(String),
    /// The name could not be looked up.
    #[error("the name {host} could not be looked up: {cause}")]
    Names {
        /// The name.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// Our own rules said no; nothing was sent.
    #[error("{host} was not contacted: {rule}")]
    Refused {
        /// The host asked for.
        host: String,
        /// The rule, as a sentence.
        rule: String,
    },
    /// No connection came about.
    #[error("no connection to {host} port {port}: {cause}")]
    Connect {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What the last address tried said.
        cause: String,
    },
    /// Nothing came back in time.
    #[error("{host} did not answer within {millis} ms")]
    Timeout {
        /// The host.
        host: String,
        /// How long was waited, milliseconds.
        millis: u64,
    },
    /// The encrypted connection failed: certificate, name or protocol.
    #[error("no safe connection to {host}: {cause}")]
    Tls {
        /// The host.
        host: String,
        /// What was wrong.
        cause: String,
    },
    /// The certificate at the other end is not believed.
    #[error("{0}")]
    Certificate(Box<agent_core::certificate::Untrusted>),
    /// A local socket could not be made.
    #[error("no socket on {address}: {cause}")]
    Socket {
        /// The local address.
        address: String,
        /// What the system said.
        cause: String,
    },
    /// The request cannot be sent as it is.
    #[error("the request is not valid: {0}")]
    BadRequest(String),
    /// The answer is not HTTP, or was cut off.
    #[error("{host} answered with something that is not HTTP: {cause}")]
    BadResponse {
        /// The host.
        host: String,
        /// What was wrong.
        cause: String,
    },
    /// Interim answers (RFC 9110 section 15.2) came without end, and never the answer they announce.
    #[error(
        "{host} sends interim answers (1xx) and never the answer itself: given up after {limit} bytes of them"
    )]
    NoFinalAnswer {
        /// The host.
        host: String,
        /// How much of them was taken, bytes.
        limit: usize,
    },
    /// Request, answer or headers are larger than allowed.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What.
        what: &'static str,
        /// The limit, bytes.
        limit: usize,
    },
    /// The proxy did not let us through.
    #[error("the proxy {proxy} refused the connection to {host}: {cause}")]
    Proxy {
        /// The proxy, without its password.
        proxy: String,
        /// The host asked for.
        host: String,
        /// What it said.
        cause: String,
    },
}
