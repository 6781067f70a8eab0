//! Event packages: what the bodies of NOTIFY mean. Pure functions of bytes, lenient with what PBXs write and capped in
//! everything a stranger decides about; for fuzzing, too.

pub mod dialog_info;
pub mod features;
pub mod lines;
pub mod mwi;
pub mod pidf;
pub mod reginfo;
pub mod xml;

/// The longest text of a body that is kept, in characters.
const LONGEST: usize = 256;

/// A stranger's text as it is kept: of bounded length, without blanks at its ends; `None` when nothing is left.
fn kept(text: &str) -> Option<String> {
    let text: String = text.trim().chars().take(LONGEST).collect();
    (!text.is_empty()).then_some(text)
}
