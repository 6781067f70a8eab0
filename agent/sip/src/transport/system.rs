//! What the operating systems do differently about UDP sockets: who learns that a peer refuses.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
pub(super) use linux::{WATCHED, take_refusals, want_refusals};
#[cfg(target_os = "macos")]
pub(super) use macos::{WATCHED, take_refusals, want_refusals};
#[cfg(target_os = "windows")]
pub(super) use windows::{WATCHED, take_refusals, want_refusals};
