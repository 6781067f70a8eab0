//! The promises each reader of strangers' bytes is held to.

pub mod settings;
pub mod sip;
