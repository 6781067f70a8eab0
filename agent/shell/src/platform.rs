//! The one place that knows which desktop this is.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{display, run};

#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
pub(crate) use windows::{display, run};

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
pub(crate) use macos::{display, run};

#[cfg(not(target_os = "macos"))]
mod markup;

#[cfg(not(target_os = "linux"))]
mod native;
