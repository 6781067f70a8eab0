//! Digest authentication (RFC 2617, 7616, 8760): answering challenges, and making and checking them.

mod challenge;
mod client;
mod digest;
mod server;

pub use challenge::{Challenge, challenges};
pub use client::{AuthError, DigestClient};
pub use digest::{Algorithm, DigestInput, Qop, response as digest_response};
pub use server::{DigestServer, Verdict};
