//! How the calls of an account behave, as its settings say.

/// What is a matter of taste, or of the PBX. The default is that of a switch, which wants nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Manners {
    /// Let a caller who can acknowledge that it rings here (RFC 3262), not only one who insists on it.
    pub(crate) reliable: bool,
    /// Follow redirections (RFC 3261 section 8.1.3.4).
    pub(crate) redirects: bool,
    /// The session interval to ask for (RFC 4028), seconds; 0: none.
    pub(crate) timer: u32,
}
