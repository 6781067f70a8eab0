//! Builds every plugin from source: a core module by the guest toolchain, then a component by `wit-component`, into `target/plugins`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use wit_component::ComponentEncoder;

use crate::{
    error::{Error, Result, run as run_command},
    guest::Guest,
    setup::{self, Group},
    stages::announce,
    tree::Tree,
};

/// How strict the compiler is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Warnings {
    /// Shown.
    Shown,
    /// Errors, as in the tests.
    Denied,
}

/// `cargo xtask plugins`.
pub(crate) fn run(tree: &Tree, arguments: Vec<String>) -> Result<()> {
    if let Some(unknown) = arguments.first() {
        return Err(Error::Usage(format!(
            "`{unknown}`: `cargo xtask plugins` builds all of them and takes no arguments"
        )));
    }
    setup::ensure(tree, Group::Build, setup::Consent::Ask)?;
    build(tree, Warnings::Shown)
}

/// Builds all plugins; what is up to date stays as it is.
pub(crate) fn build(tree: &Tree, warnings: Warnings) -> Result<()> {
    let guest = Guest::need(tree)?;
    let names = names(tree)?;
    announce(&format!("plugins: {}", names.join(", ")));
    for name in &names {
        let mut cargo = guest.cargo(tree, "rustc");
        cargo.args(["--package", name, "--lib"]);
        if warnings == Warnings::Denied {
            cargo.args(["--", "-D", "warnings"]);
        }
        run_command(&mut cargo)?;
        let module = guest.output(tree).join(format!("{}.wasm", name.replace('-', "_")));
        package(tree, name, &module)?;
    }
    Ok(())
}

/// The folders below `plugins/` that are crates; folder and crate have the same name.
fn names(tree: &Tree) -> Result<Vec<String>> {
    let folder = tree.path("plugins");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(Error::file(&folder))? {
        let path = entry.map_err(Error::file(&folder))?.path();
        if path.join("Cargo.toml").exists()
            && let Some(name) = path.file_name()
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Lays `plugin.wasm` and `plugin.toml` where `trayphone plugin install` and the tests find them.
fn package(tree: &Tree, name: &str, module: &Path) -> Result<()> {
    let folder = tree.target("plugins").join(name);
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let component = folder.join("plugin.wasm");
    if !newer(&component, module) {
        let bytes = fs::read(module).map_err(Error::file(module))?;
        let encoded =
            encode(&bytes).map_err(|reason| Error::Component { plugin: name.to_owned(), reason })?;
        replace(&component, &encoded)?;
    }
    let manifest = tree.path("plugins").join(name).join("plugin.toml");
    let text = fs::read(&manifest).map_err(Error::file(&manifest))?;
    let copy = folder.join("plugin.toml");
    if fs::read(&copy).ok().as_ref() != Some(&text) {
        replace(&copy, &text)?;
    }
    println!("{}", folder.display());
    Ok(())
}

/// A module that imports anything but what its WIT world names (WASI, say) is refused here.
fn encode(module: &[u8]) -> std::result::Result<Vec<u8>, String> {
    ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| format!("{error:#}"))
}

/// Whether `made` is at least as new as what it was made from.
fn newer(made: &Path, source: &Path) -> bool {
    let time = |path: &Path| -> Option<SystemTime> { fs::metadata(path).ok()?.modified().ok() };
    matches!((time(made), time(source)), (Some(made), Some(source)) if made >= source)
}

/// Writes beside the place and moves in, so that nobody ever reads half a file.
fn replace(place: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = PathBuf::from(place);
    beside.set_extension("new");
    fs::write(&beside, bytes).map_err(Error::file(&beside))?;
    fs::rename(&beside, place).map_err(Error::file(place))
}
