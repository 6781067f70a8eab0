//! What the manifests may say: members with a comment, no features of our own, and bans that say why.

use crate::Finding;

/// Every member stands in a line of its own with a comment that says what it is.
pub fn members(root_manifest: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let members = root_manifest
        .lines()
        .enumerate()
        .skip_while(|(_, line)| !line.starts_with("members"))
        .skip(1)
        .take_while(|(_, line)| !line.starts_with(']'));
    let mut count = 0;
    for (number, line) in members {
        count += 1;
        let commented = line
            .split_once("\",")
            .and_then(|(_, rest)| rest.trim().strip_prefix('#'))
            .is_some_and(|comment| !comment.trim().is_empty());
        let by_hand = !line.contains('*') && line.matches('"').count() >= 2;
        if !commented || !by_hand {
            findings.push(format!("Cargo.toml:{}: one member a line, by name, with a comment", number + 1));
        }
    }
    if count == 0 {
        findings.push("Cargo.toml: no `members = [` with one member a line".to_owned());
    }
    findings
}

/// A crate of ours has no features: the program does the same however it was built.
pub fn features(path: &str, manifest: &str) -> Vec<Finding> {
    let Ok(table) = manifest.parse::<toml::Table>() else {
        return vec![format!("{path}: not TOML")];
    };
    match table.get("features").and_then(toml::Value::as_table) {
        Some(features) if !features.is_empty() => {
            let names: Vec<&str> = features.keys().map(String::as_str).collect();
            vec![format!("{path}: features ({}) would make two programs of one", names.join(", "))]
        }
        _ => Vec::new(),
    }
}

/// Every entry of `bans.deny` carries a reason of more than a word.
pub fn bans(deny: &str) -> Vec<Finding> {
    let Ok(table) = deny.parse::<toml::Table>() else { return vec!["deny.toml: not TOML".to_owned()] };
    let entries = table.get("bans").and_then(|bans| bans.get("deny")).and_then(toml::Value::as_array);
    let Some(entries) = entries.filter(|entries| !entries.is_empty()) else {
        return vec!["deny.toml: it bans nothing".to_owned()];
    };
    entries
        .iter()
        .filter(|entry| {
            let reason = entry.get("reason").and_then(toml::Value::as_str).unwrap_or_default();
            reason.split_whitespace().count() < 3
        })
        .map(|entry| format!("deny.toml: {entry} says no reason"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{bans, features, members};

    #[test]
    fn members_are_listed_by_hand_with_a_comment() {
        assert!(members("members = [\n  \"a\", # what a is\n]\n").is_empty());
        assert_eq!(members("members = [\n  \"a\",\n]\n").len(), 1);
        assert_eq!(members("members = [\n  \"a/*\", # all of them\n]\n").len(), 1);
        assert_eq!(members("[workspace]\n").len(), 1);
    }

    #[test]
    fn features_are_refused() {
        assert!(features("Cargo.toml", "[package]\nname = \"a\"\n[features]\n").is_empty());
        assert!(features("Cargo.toml", "[features]\nfast = []\n")[0].contains("fast"));
    }

    #[test]
    fn bans_say_why() {
        let deny = |reason: &str| bans(&format!("[bans]\ndeny = [{{ crate = \"x\"{reason} }}]\n"));
        assert!(deny(", reason = \"it does too much\"").is_empty());
        assert_eq!(deny("").len(), 1);
        assert_eq!(deny(", reason = \"bad\"").len(), 1);
        assert_eq!(bans("[bans]\n").len(), 1);
    }
}
