//! Asking for a password on the terminal, and giving the terminal back on every way out of the program.

use crate::platform::Terminal;
use agent_core::secret::Secret;
use std::{
    io::{self, ErrorKind, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// One question at a time: two of them would take each other's letters.
static TURN: Mutex<()> = Mutex::new(());
static TERMINAL: Mutex<Lent> = Mutex::new(Lent::Free);

/// Who has the terminal.
enum Lent {
    /// Whoever started us.
    Free,
    /// A question, with echo switched off.
    Asking(Terminal),
    /// The program ends: nothing is asked any more. What was asked last may yet switch the echo off.
    Over(Option<Terminal>),
}

fn terminal() -> MutexGuard<'static, Lent> {
    TERMINAL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks and reads without echo; blocks for as long as somebody types. `Interrupted` after Ctrl+C or when the program
/// ends, `UnexpectedEof` after Ctrl+D.
pub(crate) fn password(question: &str) -> io::Result<Secret> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = Terminal::remember().ok_or_else(|| io::Error::other("there is no terminal to ask on"))?;
    match &mut *terminal() {
        Lent::Over(_) => return Err(ErrorKind::Interrupted.into()),
        lent => *lent = Lent::Asking(before),
    }
    let typed = rpassword::prompt_password(question);
    if typed.as_ref().is_err_and(|error| error.kind() == ErrorKind::UnexpectedEof) {
        // Every other way out of the question ends its line.
        let _ = writeln!(io::stderr());
    }
    let mut lent = terminal();
    if matches!(*lent, Lent::Asking(_)) {
        *lent = Lent::Free;
    }
    typed.map(Secret::new)
}

/// Gives the terminal back when the program ends, however it ends short of being killed. Lives as long as `main`.
pub(crate) struct GiveBack;

impl GiveBack {
    /// Gives it back now; nothing is asked from here on.
    pub(crate) fn now(&self) {
        let mut lent = terminal();
        *lent = match std::mem::replace(&mut *lent, Lent::Over(None)) {
            Lent::Asking(terminal) => {
                terminal.restore();
                // The question stands there without an answer and without a line end.
                let _ = writeln!(io::stderr());
                Lent::Over(Some(terminal))
            }
            Lent::Free => Lent::Over(None),
            over => over,
        };
    }
}

/// Once more, and last: a question switches the echo off just after it is shown, and the program may have been told to end
/// between the two.
impl Drop for GiveBack {
    fn drop(&mut self) {
        self.now();
        if let Lent::Over(Some(terminal)) = &*terminal() {
            terminal.restore();
        }
    }
}
