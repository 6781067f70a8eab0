//! A call for help and the ways it can go.

use crate::{id::AccountId, number::kind::Number};
use std::{collections::VecDeque, net::IpAddr};

/// One way to call for help: over which account, from which address, by which digits.
pub(crate) type Way = (AccountId, IpAddr, String);

/// A call for help, and the ways that are left.
#[derive(Debug)]
pub(crate) struct Help {
    pub number: Number,
    pub ways: VecDeque<Way>,
}
