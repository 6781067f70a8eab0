//! What is known of calls that change hands: REFER and its reports (RFC 3515, 3892, 4488), Replaces (RFC 3891).
//!
//! The words of the wire are read and written here, and what is under way is remembered; `endpoint/transfer` acts on it.

mod desk;
mod follow;
mod fragment;
mod refer_to;
mod remote;
mod replaces;

pub(crate) use desk::{Report, Theirs, Transfers};
pub(crate) use follow::Followed;
pub(crate) use fragment::Fragment;
pub(crate) use refer_to::ReferTo;
pub(crate) use remote::{Remote, Remotes};
pub(crate) use replaces::Replaces;

/// RFC 3515 section 2.1.
pub(crate) const REFER_TO: &str = "Refer-To";
/// RFC 3892 section 2.1.
pub(crate) const REFERRED_BY: &str = "Referred-By";
/// RFC 4488 section 4.
pub(crate) const REFER_SUB: &str = "Refer-Sub";
/// RFC 3891 section 6.1.
pub(crate) const REPLACES: &str = "Replaces";
/// RFC 6665 section 8.2.1.
pub(crate) const EVENT: &str = "Event";
/// RFC 6665 section 8.2.3.
pub(crate) const SUBSCRIPTION_STATE: &str = "Subscription-State";
/// RFC 5806 section 9.
pub(crate) const DIVERSION: &str = "Diversion";
