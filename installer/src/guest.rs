//! The toolchain that builds plugins: rustup's wasm target where it is installed, else Debian's second toolchain with `std` from source.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::{Error, Result, ask},
    tree::Tree,
};

/// What plugins are compiled for: no operating system at all, so that a guest cannot even name a file or a socket.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The Debian packages of the second toolchain.
pub(crate) const DEBIAN_PACKAGES: &[&str] =
    &["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-19"];

/// Where Debian's `rust-web-src` puts the sources of `std`.
const DEBIAN_STD: &str = "/usr/lib/rustlib/src/rust/library/Cargo.toml";

/// A toolchain that can build for [`TARGET`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guest {
    /// The toolchain everything else is built with, which has the target.
    Rustup,
    /// Debian's `rustc-web`, which has the sources of `std`.
    Debian,
}

impl Guest {
    /// The one this machine has; the first choice is the toolchain that builds everything else.
    pub(crate) fn find(tree: &Tree) -> Option<Self> {
        if rustup_has_target(tree) {
            Some(Self::Rustup)
        } else if debian_toolchain() && wasm_linker().is_some() {
            Some(Self::Debian)
        } else {
            None
        }
    }

    /// The same, or a sentence that says what to install.
    pub(crate) fn need(tree: &Tree) -> Result<Self> {
        Self::find(tree).ok_or_else(|| {
            Error::Missing(format!(
                "plugins are compiled for {TARGET}, and no toolchain here can do that. Run \
                 `rustup target add {TARGET}`; where that cannot be fetched, Debian 12 has a second toolchain: \
                 `apt install {}`.",
                DEBIAN_PACKAGES.join(" ")
            ))
        })
    }

    /// `cargo VERB` for the guest's target, release profile, in a build folder of its own.
    pub(crate) fn cargo(self, tree: &Tree, verb: &str) -> Command {
        let mut command = match self {
            Self::Rustup => {
                let mut command = tree.cargo();
                command.arg(verb);
                command.env("CARGO_TARGET_DIR", tree.target("guest"));
                command
            }
            Self::Debian => {
                let mut command = debian_cargo(tree);
                command.args([verb, "-Zbuild-std=std,panic_abort"]);
                command.env("CARGO_TARGET_DIR", tree.target("guest-debian"));
                if let Some(linker) = wasm_linker() {
                    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                }
                command
            }
        };
        command.args(["--release", "--target", TARGET]);
        command
    }

    /// The folder where that cargo leaves its modules.
    pub(crate) fn output(self, tree: &Tree) -> PathBuf {
        let folder = match self {
            Self::Rustup => "guest",
            Self::Debian => "guest-debian",
        };
        tree.target(folder).join(TARGET).join("release")
    }
}

/// Debian's cargo with Debian's compiler. Building `std` is an unstable flag, hence the bootstrap variable.
pub(crate) fn debian_cargo(tree: &Tree) -> Command {
    let mut command = tree.program("/usr/bin/cargo");
    command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
    for inherited in [
        "RUSTUP_TOOLCHAIN",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
    ] {
        command.env_remove(inherited);
    }
    command
}

/// Debian's toolchain is here, new enough for this tree, and has the sources of `std`.
pub(crate) fn debian_toolchain() -> bool {
    let new_enough = || {
        ask(Command::new("/usr/bin/rustc").arg("--version"))
            .and_then(|version| minor_version(&version))
            .is_some_and(|minor| minor >= 95)
    };
    Path::new("/usr/bin/cargo").exists() && Path::new(DEBIAN_STD).exists() && new_enough()
}

/// The `95` of `rustc 1.95.0 (…)`.
fn minor_version(text: &str) -> Option<u32> {
    text.strip_prefix("rustc 1.")?.split('.').next()?.parse().ok()
}

/// Whether rustup's toolchain has the target's `std`.
pub(crate) fn rustup_has_target(tree: &Tree) -> bool {
    let rustc =
        env::var_os("CARGO").map_or_else(|| "rustc".into(), |cargo| sibling(Path::new(&cargo), "rustc"));
    ask(tree.program(rustc).args(["--print", "target-libdir", "--target", TARGET]))
        .is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

fn sibling(program: &Path, name: &str) -> PathBuf {
    program.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX))
}

fn wasm_linker() -> Option<PathBuf> {
    ["/usr/bin/wasm-ld-19", "/usr/bin/wasm-ld"].into_iter().map(PathBuf::from).find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::minor_version;

    #[test]
    fn reads_the_minor_version() {
        assert_eq!(minor_version("rustc 1.96.0 (1.96.0+dfsg1-1~deb12u2)"), Some(96));
        assert_eq!(minor_version("rustc 2.0"), None);
    }
}
