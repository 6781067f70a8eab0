//! Where things lie in this tree, and the cargo commands that work on it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::{Error, Result};

/// This tree: its root and its build folder.
pub(crate) struct Tree {
    root: PathBuf,
    target: PathBuf,
}

impl Tree {
    /// The tree this program was started from (cargo says where), and `CARGO_TARGET_DIR` where it is set.
    pub(crate) fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map(PathBuf::from)
            .ok_or_else(|| Error::Usage("start me as `cargo xtask …`, inside the tree".to_owned()))?;
        let root = manifest.parent().unwrap_or(&manifest).to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => env::current_dir().map_err(Error::file(Path::new(".")))?.join(folder),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The tree's root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the root.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// A path below the build folder.
    pub(crate) fn target(&self, below: &str) -> PathBuf {
        self.target.join(below)
    }

    /// Where built plugins lie, one folder each, whatever the build folder is: the tests and the demo look there.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.root.join("target/plugins")
    }

    /// A program built here with the `dev` profile.
    pub(crate) fn debug_program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// A program built here with the `release` profile.
    pub(crate) fn release_program(&self, name: &str) -> PathBuf {
        self.target.join("release").join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// The plugins' names: the folders below `plugins/` that have a manifest. Folder and crate have the same name.
    pub(crate) fn plugin_names(&self) -> Result<Vec<String>> {
        let folder = self.path("plugins");
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).map_err(Error::file(&folder))? {
            let path = entry.map_err(Error::file(&folder))?.path();
            if path.join("plugin.toml").exists()
                && let Some(name) = path.file_name()
            {
                names.push(name.to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The arguments that choose every crate an ordinary cargo run takes along. Left out: plugins, which are wasm only,
    /// and the compile helper, whose Cranelift must not unify into the agent.
    pub(crate) fn workspace(&self) -> Result<Vec<String>> {
        let mut arguments = vec!["--workspace".to_owned()];
        for apart in self.plugin_names()?.into_iter().chain(["agent-compile".to_owned()]) {
            arguments.extend(["--exclude".to_owned(), apart]);
        }
        Ok(arguments)
    }

    /// The cargo that started us, in the tree's root and without the variables it set for this program alone.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        forget_cargo_run(&mut command);
        command
    }

    /// Another program, in the tree's root and without the variables cargo set for this program alone.
    pub(crate) fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        forget_cargo_run(&mut command);
        command
    }
}

/// Takes back what `cargo run` put into the environment: inherited, it would make build scripts believe that
/// something changed and build again, and a second toolchain would load the first one's libraries.
fn forget_cargo_run(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let ours =
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|start| text.starts_with(start));
        if ours || matches!(text, "CARGO" | "LD_LIBRARY_PATH" | "DYLD_FALLBACK_LIBRARY_PATH") {
            command.env_remove(&name);
        }
    }
}
