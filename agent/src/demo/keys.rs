//! One key at a time from the terminal.

use crossterm::{
    event::{self, Event, KeyCode, KeyEventKind, KeyModifiers},
    terminal,
};
use std::io::{IsTerminal, Write};
use tokio::sync::mpsc;

/// The terminal, with every key told at once. Gives the terminal back when it is dropped.
pub(crate) struct Keys {
    pressed: mpsc::UnboundedReceiver<char>,
}

impl Keys {
    /// Takes the terminal; `None` where there is none to read from.
    pub(crate) fn take() -> Option<Self> {
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            return None;
        }
        terminal::enable_raw_mode().ok()?;
        let (tell, pressed) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            while let Ok(event) = event::read() {
                let Event::Key(key) = event else { continue };
                if key.kind == KeyEventKind::Release {
                    continue;
                }
                let quits = key.modifiers.contains(KeyModifiers::CONTROL)
                    && matches!(key.code, KeyCode::Char('c' | 'd'));
                let pressed = match key.code {
                    _ if quits => 'q',
                    KeyCode::Char(letter) => letter,
                    KeyCode::Enter => 'a',
                    KeyCode::Esc => 'q',
                    _ => continue,
                };
                if tell.send(pressed).is_err() {
                    return;
                }
            }
        });
        Some(Self { pressed })
    }

    /// The next key.
    pub(crate) async fn next(&mut self) -> Option<char> {
        self.pressed.recv().await
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = terminal::disable_raw_mode();
    }
}

/// Prints a line whether or not the terminal is ours at the moment.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = write!(out, "{}\r\n", crate::commands::print::tame(text));
    let _ = out.flush();
}
