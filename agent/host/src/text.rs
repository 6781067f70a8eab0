//! Text from strangers, made fit to be shown: one line, no control or direction characters, bounded.

/// Combining marks piled on one letter; more than this is no language.
const MOST_MARKS: usize = 4;

/// One line of at most `most` characters: line breaks and tabs become spaces, what steers terminals or the direction
/// of writing is dropped, space at both ends too.
pub(crate) fn line(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most * 4));
    let (mut count, mut marks) = (0, 0);
    for c in text.chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if hidden(c) || (c == ' ' && (out.is_empty() || out.ends_with(' '))) {
            continue;
        }
        marks = if mark(c) { marks + 1 } else { 0 };
        if marks > MOST_MARKS {
            continue;
        }
        if count == most {
            break;
        }
        count += 1;
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out
}

/// Control characters, direction overrides and isolates, joiners of nothing, tags: invisible, and used to deceive.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' | '\u{fff9}'
                ..='\u{fffb}'
        )
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e0fff}')
}

/// Marks that combine with the letter before them.
fn mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn what_deceives_or_steers_is_dropped() {
        assert_eq!(line("  Alice\r\n\u{1b}[31m \u{202e}Schmidt\0 ", 80), "Alice [31m Schmidt");
        assert_eq!(line("Zoë Ångström 王", 80), "Zoë Ångström 王");
        assert_eq!(line(&format!("a{}b", "\u{301}".repeat(100_000)), 80).chars().count(), 6);
        assert_eq!(line(&"x".repeat(1000), 10), "x".repeat(10));
        assert_eq!(line(" \u{2028}\u{200b} ", 10), "");
    }
}
