//! The plugin contract changes only with its version: `plugin-api/wit.lock` holds the digest of each version's text.

use sha2::{Digest, Sha256};

use crate::{Finding, tree::TextFile};

/// Holds the WIT files against the lock file, whose lines are `VERSION DIGEST`.
pub fn check(files: &[TextFile], lock: Option<&str>) -> Vec<Finding> {
    let mut versions: Vec<&str> = files.iter().filter_map(|file| version(&file.text)).collect();
    versions.sort_unstable();
    versions.dedup();
    let [version] = versions[..] else {
        return vec![format!("plugin-api/wit: one `package …@VERSION;` expected, found {versions:?}")];
    };
    let digest = digest(files);
    let locked = lock
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(of, _)| *of == version);
    match locked {
        Some((_, locked)) if locked.trim() == digest => Vec::new(),
        Some(_) => vec![format!(
            "plugin-api/wit: the contract {version} has changed. Raise its version and add `NEWVERSION DIGEST` to \
             plugin-api/wit.lock (unless {version} was never released: then its line becomes `{version} {digest}`)"
        )],
        None => vec![format!("plugin-api/wit.lock lacks the line `{version} {digest}`")],
    }
}

/// The version in `package trayphone:plugin@0.1.0;`.
fn version(text: &str) -> Option<&str> {
    let line = text.lines().find(|line| line.starts_with("package "))?;
    line.split_once('@')?.1.strip_suffix(';')
}

/// Over names and texts; comments count, for they say what the words mean.
fn digest(files: &[TextFile]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        hash.update(format!("{name} {}\n", file.text.len()));
        hash.update(&file.text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{check, digest};
    use crate::tree::TextFile;

    fn wit(text: &str) -> Vec<TextFile> {
        vec![TextFile { path: "plugin-api/wit/a.wit".to_owned(), text: text.to_owned() }]
    }

    #[test]
    fn a_change_needs_a_new_version() {
        let before = wit("package a:b@0.1.0;\n");
        let lock = format!("0.1.0 {}\n", digest(&before));
        assert!(check(&before, Some(&lock)).is_empty());
        let after = wit("package a:b@0.1.0;\ninterface c {}\n");
        assert!(check(&after, Some(&lock))[0].contains("has changed"));
        let raised = wit("package a:b@0.2.0;\ninterface c {}\n");
        let findings = check(&raised, Some(&lock));
        assert!(findings[0].contains("lacks the line `0.2.0 "), "{findings:?}");
        assert!(check(&before, None)[0].contains("lacks"));
    }

    #[test]
    fn there_is_one_version() {
        assert_eq!(check(&[], None).len(), 1);
    }
}
