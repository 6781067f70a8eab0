//! Every channel is bounded; beside one that is not stands what caps it all the same.
//!
//! It reads lines. A channel of the standard library, which here carries one word and then ends, is not looked at.

use crate::Finding;

/// What makes a channel without a bound.
const UNBOUNDED: [&str; 2] = ["unbounded_channel(", "unbounded("];

/// The demo plays one story with one person: nobody can fill its queues.
const LEFT: &str = "agent/src/demo/";

/// Holds one Rust file of the program against the rule.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    if !path.starts_with("agent/") || !path.contains("/src/") || path.starts_with(LEFT) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut before = "";
    for (number, line) in text.lines().map(str::trim_start).enumerate() {
        if line == "#[cfg(test)]" {
            break;
        }
        let code = !line.starts_with("//") && UNBOUNDED.iter().any(|word| line.contains(word));
        if code && !before.starts_with("//") {
            let line = number + 1;
            findings.push(format!(
                "{path}:{line}: a channel without a bound: bound it, or say above it what caps it"
            ));
        }
        before = line;
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_channel_without_a_bound_says_why() {
        let bare = "fn f() {\n    let (a, b) = mpsc::unbounded_channel();\n}";
        assert_eq!(check("agent/sip/src/x.rs", bare).len(), 1);
        let said = "fn f() {\n    // One word a call.\n    let (a, b) = async_channel::unbounded();\n}";
        assert_eq!(check("agent/sip/src/x.rs", said), [""; 0]);
        assert_eq!(check("agent/sip/src/x.rs", "let (a, b) = mpsc::channel(64);"), [""; 0]);
        assert_eq!(check("agent/sip/src/x.rs", &format!("#[cfg(test)]\nmod tests {{ {bare} }}")), [""; 0]);
        assert_eq!(check("agent/sip/tests/x.rs", bare), [""; 0]);
    }
}
