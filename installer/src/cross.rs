//! `cargo xtask cross`: builds the workspace for Windows, or type-checks it for macOS, from a Debian machine.

mod members;
mod zig;

use std::{fs, process::Command};

use members::Members;

use crate::{
    error::{Error, Result, run as run_command},
    guest,
    setup::{self, Consent, Group},
    stages::announce,
    tree::Tree,
};

/// What makes no sense elsewhere.
const LEFT: &[(&str, &str)] =
    &[("harness", "drives Linux programs by Linux means: baresip, sipp, kamailio, an X session, PulseAudio")];

/// Where else the program shall run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    /// Compiled and linked.
    Windows,
    /// Type-checked: linking would take Apple's libraries.
    MacOs,
}

impl Platform {
    /// Its name as a stage of a longer run.
    pub(crate) fn stage(self) -> &'static str {
        match self {
            Self::Windows => "cross build for Windows",
            Self::MacOs => "type check for macOS",
        }
    }
}

/// `cargo xtask cross windows|macos`.
pub(crate) fn run(tree: &Tree, arguments: Vec<String>) -> Result<()> {
    let mut platform = None;
    let mut consent = Consent::Ask;
    for argument in arguments {
        match argument.as_str() {
            "windows" => platform = Some(Platform::Windows),
            "macos" => platform = Some(Platform::MacOs),
            "--yes" | "-y" => consent = Consent::Given,
            other => return Err(Error::Usage(format!("`{other}`: the platforms are windows and macos"))),
        }
    }
    let platform = platform.ok_or_else(|| Error::Usage("which platform? windows or macos".to_owned()))?;
    build(tree, platform, consent)
}

/// Sets up and builds, or checks, for one platform.
pub(crate) fn build(tree: &Tree, platform: Platform, consent: Consent) -> Result<()> {
    setup::ensure(tree, Group::Cross, consent)?;
    if !guest::debian_toolchain() {
        return Err(Error::Missing(
            "the cross builds take Debian 12's rustc-web with its sources, and this machine has another rustc in \
             /usr/bin"
                .to_owned(),
        ));
    }
    match platform {
        Platform::Windows => windows(tree),
        Platform::MacOs => macos(tree),
    }
}

fn windows(tree: &Tree) -> Result<()> {
    let target = "x86_64-pc-windows-gnu";
    let members = Members::read(tree, LEFT)?;
    for (run, packages) in members.runs() {
        announce(&format!("{target}: {run}"));
        let mut cargo = cross(tree, "build", target, "cross-windows");
        cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", "x86_64-w64-mingw32-gcc");
        cargo.env("CC_x86_64_pc_windows_gnu", "x86_64-w64-mingw32-gcc");
        run_command(cargo.args(packages))?;
    }
    let folder = tree.target("cross-windows").join(target).join("debug");
    println!("\nBuilt and linked for {target}, in {}:", folder.display());
    for program in members.programs() {
        let path = folder.join(format!("{program}.exe"));
        let size = fs::metadata(&path).map_err(Error::file(&path))?.len();
        println!("{:8.1} MB  {program}.exe", size as f64 / 1e6);
    }
    println!("{}Nothing was run: that takes Windows.", members.told());
    Ok(())
}

fn macos(tree: &Tree) -> Result<()> {
    let zig = zig::Zig::provide(tree)?;
    let members = Members::read(tree, LEFT)?;
    let targets =
        [("x86_64-apple-darwin", "x86_64_apple_darwin"), ("aarch64-apple-darwin", "aarch64_apple_darwin")];
    for (target, variable) in targets {
        for (run, packages) in members.runs() {
            announce(&format!("{target}: {run}"));
            let mut cargo = cross(tree, "check", target, "cross-macos");
            cargo.env(format!("CC_{variable}"), zig.compiler(target)?);
            cargo.env(format!("AR_{variable}"), zig.archiver()?);
            // cc-rs would ask Apple's tools for flags and for the SDK's place
            cargo.env("CRATE_CC_NO_DEFAULTS", "1").env("SDKROOT", zig.no_sdk()?);
            run_command(cargo.args(packages))?;
        }
    }
    println!("\nType-checked for {} (Intel) and {} (Apple silicon):", targets[0].0, targets[1].0);
    println!("{}Nothing was linked or run: that takes a Mac.", members.told());
    Ok(())
}

/// Debian's cargo for a target whose `std` is built here from its sources. A warning fails as an error does.
fn cross(tree: &Tree, verb: &str, target: &str, folder: &str) -> Command {
    let mut cargo = guest::debian_cargo(tree);
    cargo.args([verb, "--keep-going", "-Zbuild-std=std,panic_unwind", "-Zwarnings", "--target", target]);
    cargo.env("CARGO_TARGET_DIR", tree.target(folder)).env("CARGO_PROFILE_DEV_DEBUG", "0");
    cargo.env("CARGO_BUILD_WARNINGS", "deny");
    cargo
}
