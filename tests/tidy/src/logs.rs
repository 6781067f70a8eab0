//! Log lines above DEBUG name nobody: no number, name or secret in a field, an argument or a `{capture}`.
//!
//! It reads words, so it sees what is called by its name; what is hidden behind another name it cannot see.

use proc_macro2::{Group, TokenStream, TokenTree};
use std::str::FromStr;

use crate::Finding;

/// The macros whose lines are written without being asked for.
const LOUD: [&str; 3] = ["info", "warn", "error"];

/// Words that stand for a person or a secret, alone or as a part of a longer name (`caller_number`).
const PERSONAL: &[&str] = &[
    "number",
    "numbers",
    "display",
    "caller",
    "callee",
    "card",
    "party",
    "person",
    "company",
    "password",
    "secret",
    "credentials",
    "digest",
    "nonce",
    "authorization",
    "username",
    "user",
    "aor",
    "uri",
    "selection",
    "dialled",
    "digits",
    "contact",
    "body",
    "offer",
    "sdp",
];

/// What makes a value of a person fit to be shown.
const HIDING: [&str; 3] = ["masked", "mask", "redacted"];

/// Holds one Rust file against the rule.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Ok(stream) = TokenStream::from_str(text) {
        look(path, stream, &mut findings);
    }
    findings
}

fn look(path: &str, stream: TokenStream, findings: &mut Vec<Finding>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            look(path, group.stream(), findings);
            if let Some(level) = log_macro(&tokens[..at]) {
                for word in personal(group) {
                    let line = group.span_open().start().line;
                    findings.push(format!(
                        "{path}:{line}: `{level}!` shows `{word}`: mask it, or say it at DEBUG"
                    ));
                }
            }
        }
    }
}

/// The level, when what stands before a group is `warn!` (with or without `tracing::`).
fn log_macro(before: &[TokenTree]) -> Option<String> {
    let [.., TokenTree::Ident(name), TokenTree::Punct(bang)] = before else { return None };
    (bang.as_char() == '!' && LOUD.iter().any(|level| name == level)).then(|| name.to_string())
}

/// The personal words of a log line's arguments: names outside strings, and captures inside them.
fn personal(group: &Group) -> Vec<String> {
    let mut words = Vec::new();
    collect(group.stream(), &mut words);
    words.retain(|word| word.split('_').any(|part| PERSONAL.contains(&part)));
    words
}

fn collect(stream: TokenStream, words: &mut Vec<String>) {
    let mut hidden = false;
    for token in stream {
        match token {
            TokenTree::Ident(ident) => {
                let word = ident.to_string();
                hidden = HIDING.contains(&word.as_str());
                words.push(word);
            }
            TokenTree::Group(group) => {
                // what `masked(…)` is given may be anybody
                if !hidden {
                    collect(group.stream(), words);
                }
                hidden = false;
            }
            TokenTree::Literal(literal) => {
                words.extend(captures(&literal.to_string()));
                hidden = false;
            }
            TokenTree::Punct(_) => hidden = false,
        }
    }
}

/// The `name` of `"… {name} …"` and `"… {name:?} …"`.
fn captures(literal: &str) -> Vec<String> {
    literal
        .split('{')
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;

    fn findings(line: &str) -> usize {
        check("a.rs", &format!("fn f() {{ {line} }}")).len()
    }

    #[test]
    fn people_and_secrets_are_found() {
        assert_eq!(findings("tracing::info!(%number, \"rings\");"), 1);
        assert_eq!(findings("warn!(from = %call.caller_number, \"rings\");"), 1);
        assert_eq!(findings("error!(\"no answer from {caller:?}\");"), 1);
        assert_eq!(findings("info!(\"{}\", account.password);"), 1);
        assert_eq!(findings("if x { match y { _ => info!(?card) } }"), 1);
    }

    #[test]
    fn what_is_masked_or_quiet_is_left_alone() {
        assert_eq!(
            findings("tracing::info!(number = masked(&number), \"rings\");"),
            1,
            "the field's own name"
        );
        assert_eq!(findings("tracing::info!(who = masked(&number), \"rings\");"), 0);
        assert_eq!(findings("tracing::debug!(%number, \"rings\");"), 0);
        assert_eq!(findings("tracing::warn!(%error, \"the number of connections is low\");"), 0);
        assert_eq!(findings("let info = number;"), 0);
    }
}
