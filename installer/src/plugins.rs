//! Builds every plugin from source: a core module by the guest toolchain, then a component by `wit-component`, into `target/plugins`.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use wit_component::ComponentEncoder;

use crate::{
    error::{Error, Result, finish, start},
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
    let names = tree.plugin_names()?;
    announce(&format!("plugins: {}", names.join(", ")));
    let mut cargo = guest.cargo(tree, "build");
    cargo.args(names.iter().flat_map(|name| ["--package", name]));
    let warned = compile(&mut cargo)?;
    if warned > 0 && warnings == Warnings::Denied {
        return Err(Error::Warned(warned));
    }
    for name in &names {
        package(tree, name, &guest.output(tree).join(format!("{}.wasm", name.replace('-', "_"))))?;
    }
    Ok(())
}

/// Runs cargo, shows what the compiler says, and counts its warnings. (`-D warnings` instead would be a second set of
/// flags: demo and tests would each build what the other has built.)
fn compile(cargo: &mut Command) -> Result<usize> {
    cargo.arg("--message-format=json").stdout(Stdio::piped());
    let mut child = start(cargo)?;
    let mut warnings = 0;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(io::Result::ok) {
            let Ok(message) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
            if message["reason"] != "compiler-message" {
                continue;
            }
            eprint!("{}", message["message"]["rendered"].as_str().unwrap_or_default());
            warnings += usize::from(message["message"]["level"] == "warning");
        }
    }
    finish(cargo, &mut child)?;
    Ok(warnings)
}

/// Lays `plugin.wasm` and `plugin.toml` where `trayphone plugin install` and the tests find them.
fn package(tree: &Tree, name: &str, module: &Path) -> Result<()> {
    let folder = tree.plugins().join(name);
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
    eprintln!("{}", folder.display());
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
