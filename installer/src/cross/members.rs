//! Which crates of the workspace go to another platform, in which cargo runs, and which stay behind and why.

use crate::{
    error::{Error, Result, ask},
    tree::Tree,
};

/// Whose Cranelift must not unify into the agent: always in a cargo run of its own.
const COMPILER: &str = "agent-compile";

/// A crate that is taken along.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    name: String,
    programs: Vec<String>,
}

/// The workspace as one platform sees it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    taken: Vec<Member>,
    left: Vec<(String, &'static str)>,
}

impl Members {
    /// Asks cargo for the workspace's crates and sorts them: plugins stay behind, and so do those named in `left`.
    pub(super) fn read(tree: &Tree, left: &[(&str, &'static str)]) -> Result<Self> {
        let metadata = ask(tree.cargo().args(["metadata", "--no-deps", "--format-version", "1"]))
            .ok_or_else(|| {
                Error::Missing("`cargo metadata` does not tell the workspace's crates".to_owned())
            })?;
        let plugins = tree.plugin_names()?;
        Self::sort(&metadata, &plugins, left)
    }

    fn sort(metadata: &str, plugins: &[String], left: &[(&str, &'static str)]) -> Result<Self> {
        let strange =
            |what: &str| Error::Missing(format!("`cargo metadata` says what is not understood: {what}"));
        let metadata: serde_json::Value =
            serde_json::from_str(metadata).map_err(|error| strange(&error.to_string()))?;
        let packages = metadata["packages"].as_array().ok_or_else(|| strange("no packages"))?;
        let mut members = Self::default();
        for package in packages {
            let name = package["name"].as_str().ok_or_else(|| strange("a package without a name"))?;
            if plugins.iter().any(|plugin| plugin == name) {
                members.left.push((name.to_owned(), "a plugin: WebAssembly, the same file on every system"));
            } else if let Some((_, why)) = left.iter().find(|(other, _)| *other == name) {
                members.left.push((name.to_owned(), why));
            } else {
                members.taken.push(Member { name: name.to_owned(), programs: programs(package) });
            }
        }
        members.taken.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(members)
    }

    /// What is handed to cargo, one run each, with the words that announce it.
    pub(super) fn runs(&self) -> Vec<(String, Vec<String>)> {
        let mut workspace = vec!["--workspace".to_owned()];
        for apart in self.left.iter().map(|(name, _)| name.as_str()).chain([COMPILER]) {
            workspace.extend(["--exclude".to_owned(), apart.to_owned()]);
        }
        let count = self.taken.iter().filter(|member| member.name != COMPILER).count();
        let compiler = vec!["--package".to_owned(), COMPILER.to_owned()];
        vec![
            (format!("run 1 of 2, {count} crates"), workspace),
            (format!("run 2 of 2, {COMPILER} by itself"), compiler),
        ]
    }

    /// The programs among them.
    pub(super) fn programs(&self) -> impl Iterator<Item = &str> {
        self.taken.iter().flat_map(|member| &member.programs).map(String::as_str)
    }

    /// The closing words: which crates were taken, which were not and why.
    pub(super) fn told(&self) -> String {
        let names: Vec<&str> = self.taken.iter().map(|member| member.name.as_str()).collect();
        let mut told = format!("{} crates: {}\n", names.len(), names.join(", "));
        for (name, why) in &self.left {
            told.push_str(&format!("Left out: {name} ({why})\n"));
        }
        told
    }
}

fn programs(package: &serde_json::Value) -> Vec<String> {
    let is_program = |target: &&serde_json::Value| {
        target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"))
    };
    let targets = package["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    targets
        .iter()
        .filter(is_program)
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{"packages": [
        {"name": "trayphone", "targets": [{"name": "trayphone", "kind": ["bin"]}, {"name": "t", "kind": ["test"]}]},
        {"name": "agent-compile", "targets": [{"name": "trayphone-compile", "kind": ["bin"]}]},
        {"name": "agent-core", "targets": [{"name": "agent_core", "kind": ["lib"]}]},
        {"name": "a-plugin", "targets": [{"name": "a_plugin", "kind": ["cdylib"]}]},
        {"name": "bench", "targets": []}
    ]}"#;

    fn members() -> Members {
        Members::sort(METADATA, &["a-plugin".to_owned()], &[("bench", "drives others")]).expect("understood")
    }

    #[test]
    fn takes_all_but_what_is_left_out_and_the_compiler_by_itself() {
        let runs: Vec<String> =
            members().runs().into_iter().map(|(_, arguments)| arguments.join(" ")).collect();
        let workspace = "--workspace --exclude a-plugin --exclude bench --exclude agent-compile";
        assert_eq!(runs, [workspace, "--package agent-compile"]);
        assert_eq!(members().programs().collect::<Vec<_>>(), ["trayphone-compile", "trayphone"]);
    }

    #[test]
    fn tells_what_stays_behind_and_why() {
        let told = members().told();
        assert!(told.starts_with("3 crates: agent-compile, agent-core, trayphone\n"), "{told}");
        assert!(told.contains("Left out: bench (drives others)\n"), "{told}");
        assert!(told.contains("a-plugin (a plugin"), "{told}");
    }

    #[test]
    fn refuses_what_is_no_metadata() {
        assert!(Members::sort("{}", &[], &[]).is_err() && Members::sort("", &[], &[]).is_err());
    }
}
