//! A C compiler for macOS targets on a machine that is none: zig, as Python's package index ships it, behind wrappers cc-rs can call.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result, run},
    stages::announce,
    tree::Tree,
};

/// The release the wrappers were written for.
const ZIG: &str = "0.17.1";

/// zig in `target/tools`, and the wrappers beside it.
pub(super) struct Zig {
    folder: PathBuf,
}

impl Zig {
    /// Downloads and unpacks it where it is not there.
    pub(super) fn provide(tree: &Tree) -> Result<Self> {
        let folder = tree.target("tools").join(format!("zig-{ZIG}"));
        let zig = Self { folder };
        if zig.program().exists() {
            return Ok(zig);
        }
        announce(&format!("zig {ZIG}, once"));
        // Unpacked beside its place and moved in whole, so that a broken download is not taken for zig.
        let beside = tree.target("tools/zig-new");
        if beside.exists() {
            fs::remove_dir_all(&beside).map_err(Error::file(&beside))?;
        }
        fs::create_dir_all(&beside).map_err(Error::file(&beside))?;
        let mut pip = tree.program("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"])
            .arg(&beside);
        run(pip.arg(format!("ziglang=={ZIG}")))?;
        let wheel = the_wheel(&beside)?;
        run(tree.program("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&beside))?;
        fs::remove_file(&wheel).map_err(Error::file(&wheel))?;
        run(tree.program("chmod").arg("+x").arg(beside.join("ziglang/zig")))?;
        fs::rename(&beside, &zig.folder).map_err(Error::file(&zig.folder))?;
        Ok(zig)
    }

    fn program(&self) -> PathBuf {
        self.folder.join("ziglang/zig")
    }

    /// A C compiler for `target`: clang's flags for Apple's own clang are taken away, zig's target is put in.
    pub(super) fn compiler(&self, target: &str) -> Result<PathBuf> {
        let architecture = target.split('-').next().unwrap_or(target);
        let script = format!(
            r#"#!/bin/bash
kept=()
skip=
for argument in "$@"; do
  if [ -n "$skip" ]; then skip=; continue; fi
  case "$argument" in
    -arch) skip=1 ;;
    --target=*|-mmacosx-version-min=*|-gdwarf-2) ;;
    *) kept+=("$argument") ;;
  esac
done
exec "{}" cc -target {architecture}-macos "${{kept[@]}}"
"#,
            self.program().display()
        );
        self.script(&format!("cc-{architecture}"), &script)
    }

    /// An archiver.
    pub(super) fn archiver(&self) -> Result<PathBuf> {
        self.script("ar", &format!("#!/bin/sh\nexec \"{}\" ar \"$@\"\n", self.program().display()))
    }

    /// An empty folder to point `SDKROOT` at.
    pub(super) fn no_sdk(&self) -> Result<PathBuf> {
        let folder = self.folder.join("no-sdk");
        fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        Ok(folder)
    }

    fn script(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        // Unchanged stays untouched: build scripts look at its time.
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return Ok(path);
        }
        fs::write(&path, text).map_err(Error::file(&path))?;
        run(std::process::Command::new("chmod").arg("+x").arg(&path))?;
        Ok(path)
    }
}

fn the_wheel(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).map_err(Error::file(folder))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| Error::Missing(format!("pip left no wheel in {}", folder.display())))
}
