//! A call for help and the ways it can go.

use crate::{
    id::{AccountId, CallId},
    number::kind::Number,
};
use std::{collections::VecDeque, net::IpAddr};

/// One way to call for help: over which account, from which address, by which digits.
pub(crate) type Way = (AccountId, IpAddr, String);

/// A call for help, and the ways that are left to it.
#[derive(Debug)]
pub(crate) struct Help {
    pub number: Number,
    /// A call beside which another way is tried has none left: they went on to the other.
    pub ways: VecDeque<Way>,
    /// The first call for this help: all that are made for it have the same.
    pub cry: CallId,
}
