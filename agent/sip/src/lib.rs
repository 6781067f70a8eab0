//! SIP, sans-IO: messages, transactions, dialogs, digest, registration and calls, with a thin transport.

pub mod rng;
