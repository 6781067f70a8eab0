//! Which addresses may be handed to a browser: checked here once more, whoever asked.

use url::Url;

/// Longer addresses are not opened, bytes.
const MOST: usize = 8192;

/// The address as it is handed over: parsed and printed anew, so that it holds no space, quote or control character.
pub(crate) fn checked(url: &str) -> Result<String, String> {
    if url.len() > MOST {
        return Err(format!("The page's address is longer than {MOST} characters, so it was not opened."));
    }
    let parsed =
        Url::parse(url).map_err(|e| format!("The page's address is not one ({e}), so it was not opened."))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(format!(
            "Only http and https pages are opened; this one says \"{}\".",
            crate::text::one_line(parsed.scheme(), 20)
        ));
    }
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err("The page's address names no host, so it was not opened.".to_owned());
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("The page's address carries a user name or password, so it was not opened.".to_owned());
    }
    let text = parsed.to_string();
    // The parser leaves an apostrophe in paths; some openers go through a shell's word splitting ($BROWSER).
    Ok(text.replace('\'', "%27"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_pass() {
        assert_eq!(
            checked("https://crm.example/c/7?q=a b").as_deref(),
            Ok("https://crm.example/c/7?q=a%20b")
        );
        assert_eq!(checked("http://127.0.0.1:8080/x'y").as_deref(), Ok("http://127.0.0.1:8080/x%27y"));
        for bad in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "tel:+49",
            "-n",
            "",
            "https://",
            "https://u:p@h/",
            "data:,x",
        ] {
            assert!(checked(bad).is_err(), "{bad}");
        }
        assert!(checked(&format!("https://h/{}", "a".repeat(9000))).is_err());
    }

    #[test]
    fn nothing_passes_that_a_shell_would_read() {
        let opened = checked("https://h/$(x)`y`\"z\"\n;rm -rf|&<>").expect("a page");
        assert!(!opened.contains(['"', '\'', '`', ' ', '\n', '<', '>']), "{opened}");
    }
}
