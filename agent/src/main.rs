//! Trayphone.
fn main() {}
