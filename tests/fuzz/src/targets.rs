//! The promises each reader of strangers' bytes is held to.

pub mod dialog;
pub mod differential;
pub mod events;
pub mod fields;
pub mod settings;
pub mod sip;
