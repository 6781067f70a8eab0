//! The selection by way of the clipboard: the program is made to copy, and what was in the clipboard is put back.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long a program may take to copy.
const COPY: Duration = Duration::from_millis(300);
/// How often is looked whether it has.
const STEP: Duration = Duration::from_millis(10);

/// What `press` (the system's keys for copying) brings into the clipboard, at most so many bytes of it; empty when
/// nothing came. `counter` is the system's count of changes to the clipboard: the text alone would not tell a copy of
/// the same text from none. An error is a sentence for the user.
pub(crate) fn copied<Count: PartialEq>(
    most: usize,
    counter: impl Fn() -> Count,
    press: impl FnOnce() -> Result<(), String>,
) -> Result<String, String> {
    let busy =
        |_| "The clipboard is held by another program; copy the number and dial it by hand.".to_owned();
    let mut clipboard = arboard::Clipboard::new().map_err(busy)?;
    let before = clipboard.get_text().ok();
    let count = counter();
    press()?;
    let until = Instant::now() + COPY;
    while counter() == count {
        if Instant::now() >= until {
            // Nothing was copied: nothing is selected, and the clipboard is as it was.
            return Ok(String::new());
        }
        thread::sleep(STEP);
    }
    let mut text = clipboard.get_text().unwrap_or_default();
    if let Some(before) = before
        && clipboard.set_text(before).is_err()
    {
        tracing::debug!("the clipboard could not be put back");
    }
    text.truncate(text.floor_char_boundary(most));
    Ok(text)
}
