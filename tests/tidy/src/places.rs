//! No place of one machine in the tree: home folders, work folders, and the addresses of package registries.

use crate::Finding;

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: &[&str] = &["/home/", "/root/", "/work/", "/Users/", "C:\\Users\\"];

/// Hosts that tools know by themselves. `Cargo.lock` names its registry: cargo writes that.
const REGISTRIES: &[&str] = &[
    "crates.io",
    "github.com/rust-lang/crates.io-index",
    "static.rust-lang.org",
    "deb.debian.org",
    "security.debian.org",
    "pypi.org",
    "files.pythonhosted.org",
    "registry.npmjs.org",
    "proxy.golang.org",
];

/// Holds one text file against both lists.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    if path == "Cargo.lock" || path == "tests/tidy/src/places.rs" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for place in MACHINE_PATHS.iter().filter(|place| begins_a_path(line, place)) {
            findings.push(format!("{path}:{}: `{place}…` is a place of one machine", number + 1));
        }
        for host in REGISTRIES.iter().filter(|host| line.contains(*host)) {
            findings.push(format!("{path}:{}: {host}: the package client knows its registry", number + 1));
        }
    }
    findings
}

/// `x/home/y` and `~/work/` are no absolute paths, nor is a URL's `https://pbx.example/home/`.
fn begins_a_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|before| !(before.is_alphanumeric() || "./~-_}$*<>{".contains(before)))
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn places_of_one_machine_are_found() {
        assert_eq!(check("a.rs", "let path = \"/home/me/x\";").len(), 1);
        assert_eq!(check("a.md", "cd /home/anna/src").len(), 1);
        assert_eq!(check("a.md", "see https://static.rust-lang.org/dist").len(), 1);
    }

    #[test]
    fn ordinary_paths_are_not() {
        for line in
            ["$T/home/.config", "https://pbx.example/home/x", "~/work/x", "/usr/bin/env", "the root folder"]
        {
            assert_eq!(check("a.md", line), [""; 0], "{line}");
        }
    }
}
