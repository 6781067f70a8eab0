//! A stranger's words made fit to be shown: one line, no characters that hide or reorder, of bounded length.

/// The longest text of a stranger that is shown, in characters.
pub const LONGEST: usize = 120;

/// The text without control, bidirectional and invisible characters, white space run together, at most
/// [`LONGEST`] characters. Linear in what is kept, whatever is passed in.
pub fn plain(text: &str) -> String {
    line(text, LONGEST)
}

/// A stranger's text of several lines: each as [`line`], at most `most` of them with at most `longest` characters each.
pub fn lines(text: &str, most: usize, longest: usize) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let mut kept: Vec<String> = text.trim().split('\n').take(most).map(|one| line(one, longest)).collect();
    if text.trim().split('\n').nth(most).is_some() {
        kept.push("…".to_owned());
    }
    kept.join("\n").trim().to_owned()
}

/// [`plain`] of at most `most` characters, and `…` where it is cut.
pub fn line(text: &str, most: usize) -> String {
    let mut out = String::new();
    let (mut count, mut marks) = (0, 0);
    let mut gap = false;
    for c in text.chars().take(most.saturating_mul(8)) {
        if c.is_whitespace() {
            gap = !out.is_empty();
            continue;
        }
        if c.is_control() || hidden(c) {
            continue;
        }
        marks = if mark(c) { marks + 1 } else { 0 };
        if marks > MOST_MARKS {
            continue;
        }
        if count >= most {
            out.push('…');
            break;
        }
        if gap {
            out.push(' ');
            count += 1;
            gap = false;
        }
        out.push(c);
        count += 1;
    }
    out
}

/// Marks piled on one letter; more than this is no language, and hides the lines above and below.
const MOST_MARKS: usize = 4;

/// Marks that combine with the letter before them.
fn mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// Whether a character steers what shows it, breaks its line, hides or turns round what stands beside it: nothing of a
/// stranger's that is shown, written down or printed may hold one.
pub fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || hidden(c)
}

/// Characters without a shape of their own that could hide text or turn it round (Unicode TR 36 and TR 9).
pub fn hidden(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_reorders_is_gone() {
        assert_eq!(plain("Ali\u{202E}ce\u{200B}\r\n  Smith\0"), "Alice Smith");
        assert_eq!(plain("\u{2066}\u{2069}"), "");
        assert_eq!(plain("Jürgen Groß 日本"), "Jürgen Groß 日本");
    }

    #[test]
    fn letters_do_not_steer() {
        assert!(
            ['\n', '\u{2028}', '\u{202E}', '\u{200B}', '\u{AD}', '\u{E0041}', '\u{3164}']
                .into_iter()
                .all(steers)
        );
        assert!(!"Jürgen Groß 日本 😀 '\"<&>".contains(steers));
    }

    #[test]
    fn no_letter_carries_a_tower() {
        assert_eq!(plain(&format!("a{}b", "\u{301}".repeat(100))).chars().count(), 6);
        assert_eq!(plain(&format!("a{}b", "\u{301}\u{301}\u{200B}".repeat(50))).chars().count(), 6);
        assert_eq!(plain("Zoe\u{308} A\u{30A}ngstro\u{308}m"), "Zoe\u{308} A\u{30A}ngstro\u{308}m");
    }

    #[test]
    fn lines_stay_lines_and_none_is_too_many() {
        assert_eq!(lines("one\r\ntwo\rthree\u{2028}fo\u{202E}ur\n\n", 9, 9), "one\ntwo\nthree\nfour");
        assert_eq!(lines("a\nb\nc", 2, 9), "a\nb\n…");
        assert_eq!(lines("abcdef\n\u{7}", 9, 3), "abc…");
        assert_eq!(lines(" \n\u{200B}\n", 9, 9), "");
    }

    #[test]
    fn long_text_is_cut() {
        let shown = plain(&"x".repeat(1_000_000));
        assert_eq!(shown.chars().count(), LONGEST + 1);
        assert!(shown.ends_with('…'));
    }
}
