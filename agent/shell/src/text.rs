//! Words from outside made fit to be drawn: no control or direction characters, and bounded.

/// The most characters of a toast's first line, a menu entry or a button.
pub(crate) const SHORT: usize = 200;
/// The most characters of a toast's text or a tooltip.
pub(crate) const LONG: usize = 1000;

/// The text as one line of at most `most` characters, cut with an ellipsis.
///
/// Control characters become spaces; characters that turn the writing direction or are invisible are left out: a
/// caller's name must not be able to rewrite the words beside it.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    clean(text, most, false)
}

/// As [`one_line`], but line breaks stay, five at the most.
pub(crate) fn lines(text: &str, most: usize) -> String {
    clean(text, most, true)
}

fn clean(text: &str, most: usize, breaks: bool) -> String {
    let mut out = String::with_capacity(text.len().min(most * 4));
    let (mut count, mut broken) = (0, 0);
    for c in text.chars() {
        let c = match c {
            '\n' if breaks && broken < 5 => {
                broken += 1;
                '\n'
            }
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => ' ',
            c if invisible(c) => continue,
            c => c,
        };
        if count == most {
            out.pop();
            out.push('…');
            break;
        }
        count += 1;
        out.push(c);
    }
    out
}

/// Direction marks, embeddings, overrides and isolates, zero-width characters, tags, and what is no character at all.
fn invisible(c: char) -> bool {
    matches!(c,
        '\u{061C}' | '\u{00AD}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
        || u32::from(c) & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_do_not_get_through() {
        assert_eq!(one_line("a\u{0}b\tc\r\nd\u{7f}\u{9b}31m", 99), "a b c  d  31m");
        assert_eq!(one_line("\u{202E}gpj.exe\u{202C}\u{200B}!", 99), "gpj.exe!");
        assert_eq!(lines("a\nb\n\n\n\nc\nd", 99), "a\nb\n\n\n\nc d");
        assert_eq!(one_line("Zoë 田中 👩‍👧", 99), "Zoë 田中 👩‍👧", "a joiner inside an emoji is part of it");
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        let long = "ä".repeat(10_000);
        let cut = one_line(&long, SHORT);
        assert_eq!(cut.chars().count(), SHORT);
        assert!(cut.ends_with('…'));
        assert_eq!(one_line("abc", 3), "abc");
    }
}
