//! Words for those desktops that read markup in them.

/// `&`, `<`, `>`, `"` and `'` written so that a reader of markup shows them as they are.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_once() {
        assert_eq!(escape("<b>A & B's \"C\"</b>"), "&lt;b&gt;A &amp; B&#39;s &quot;C&quot;&lt;/b&gt;");
        assert_eq!(escape("&amp;"), "&amp;amp;");
    }
}
