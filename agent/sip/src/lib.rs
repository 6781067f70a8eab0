//! SIP, sans-IO: messages, transactions, dialogs, digest, registration, calls and text messages, with a thin transport.

pub mod auth;
mod call;
pub mod config;
mod deadlines;
mod device;
pub mod dialog;
pub mod endpoint;
pub mod event;
pub mod flow;
mod handle;
mod line;
mod measure;
pub mod message;
pub mod probe;
mod registration;
pub mod rng;
mod stun;
mod subscription;
mod texting;
pub mod transaction;
mod transfer;
mod transport;
pub mod ways;
mod wire;

pub use device::Device;
pub use handle::{SipConfig, SipHandle, Tell, Told, serve, start, start_watched};
pub use line::proven_name;
