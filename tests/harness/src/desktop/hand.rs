//! A hand and an eye that are there before they are needed: no program has to start first.

use super::{Area, Child, Desktop, screen};
use std::{
    io::Write,
    process::{ChildStdin, Stdio},
};

/// A pointer and a keyboard that are waiting for what to do.
#[derive(Debug)]
pub struct Hand {
    orders: ChildStdin,
    _xdotool: Child,
}

impl Hand {
    /// Does one thing at once, in xdotool's words (`click 1`).
    pub fn does(&mut self, what: &str) -> Result<(), String> {
        writeln!(self.orders, "{what}")
            .and_then(|()| self.orders.flush())
            .map_err(|e| format!("xdotool: {e}"))
    }
}

impl Desktop {
    /// A hand that is there already: what it does, it does without a program having to start first.
    pub fn hand(&self) -> Result<Hand, String> {
        let mut command = self.command("xdotool");
        command.arg("-").stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = Child::spawn(command)?;
        let orders = child.stdin().ok_or("xdotool has no input")?;
        Ok(Hand { orders, _xdotool: child })
    }

    /// Whether a program has the whole keyboard to itself right now, wherever the focus is.
    pub fn keyboard_is_grabbed(&self) -> Result<bool, String> {
        screen::keyboard_is_grabbed(&self.display)
    }

    /// What an area of the screen shows right now, to be held against another time: read in a moment, without a program.
    pub fn pixels(&self, area: Area) -> Result<Vec<u8>, String> {
        screen::pixels(&self.display, area)
    }
}
