//! `cargo xtask cross`: builds the workspace for Windows, or type-checks it for macOS, from a Debian machine.

mod zig;

use std::process::Command;

use crate::{
    error::{Error, Result, run as run_command},
    guest,
    setup::{self, Consent, Group},
    stages::announce,
    tree::Tree,
};

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
    for packages in [portable(tree)?, vec!["--package".to_owned(), "agent-compile".to_owned()]] {
        announce(&format!("{target}: {}", packages.join(" ")));
        let mut cargo = cross(tree, "build", target, "cross-windows");
        cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", "x86_64-w64-mingw32-gcc");
        cargo.env("CC_x86_64_pc_windows_gnu", "x86_64-w64-mingw32-gcc");
        run_command(cargo.args(packages))?;
    }
    println!("Built for Windows: {}", tree.target("cross-windows").join(target).join("debug").display());
    Ok(())
}

fn macos(tree: &Tree) -> Result<()> {
    let zig = zig::Zig::provide(tree)?;
    for (target, variable) in
        [("x86_64-apple-darwin", "x86_64_apple_darwin"), ("aarch64-apple-darwin", "aarch64_apple_darwin")]
    {
        announce(target);
        let mut cargo = cross(tree, "check", target, "cross-macos");
        cargo.env(format!("CC_{variable}"), zig.compiler(target)?);
        cargo.env(format!("AR_{variable}"), zig.archiver()?);
        // cc-rs would ask Apple's tools for flags and for the SDK's place
        cargo.env("CRATE_CC_NO_DEFAULTS", "1").env("SDKROOT", zig.no_sdk()?);
        run_command(cargo.args(portable(tree)?))?;
    }
    println!(
        "Type-checked for macOS on Intel and Apple silicon. Nothing was linked or run: that takes a Mac."
    );
    Ok(())
}

/// The workspace without the test bench, which drives Linux programs: baresip, Xvfb, PulseAudio.
fn portable(tree: &Tree) -> Result<Vec<String>> {
    let mut arguments = tree.workspace()?;
    arguments.extend(["--exclude".to_owned(), "harness".to_owned()]);
    Ok(arguments)
}

/// Debian's cargo for a target whose `std` is built here from its sources.
fn cross(tree: &Tree, verb: &str, target: &str, folder: &str) -> Command {
    let mut cargo = guest::debian_cargo(tree);
    cargo.args([verb, "--keep-going", "-Zbuild-std=std,panic_unwind", "--target", target]);
    cargo.env("CARGO_TARGET_DIR", tree.target(folder)).env("CARGO_PROFILE_DEV_DEBUG", "0");
    cargo
}
