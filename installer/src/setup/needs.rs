//! What each command needs of the system, by its name on each family of systems.

use std::process::Command;

use super::{group::Group, system::System};
use crate::error::ask;

/// How to see, without a package manager, that a need is met.
enum Probe {
    /// A program that answers to this argument.
    Program(&'static str, &'static str),
    /// A library pkg-config knows.
    Library(&'static str),
}

/// One need of the build, with its package on systems where we only say what is missing.
struct Need {
    what: &'static str,
    probe: Probe,
    fedora: &'static str,
    arch: &'static str,
    suse: &'static str,
}

/// What compiling takes beside Rust on a Linux.
const BUILD: &[Need] = &[
    Need {
        what: "a C compiler",
        probe: Probe::Program("cc", "--version"),
        fedora: "gcc",
        arch: "gcc",
        suse: "gcc",
    },
    Need {
        what: "pkg-config",
        probe: Probe::Program("pkg-config", "--version"),
        fedora: "pkgconf-pkg-config",
        arch: "pkgconf",
        suse: "pkgconf-pkg-config",
    },
    Need {
        what: "the ALSA library's headers",
        probe: Probe::Library("alsa"),
        fedora: "alsa-lib-devel",
        arch: "alsa-lib",
        suse: "alsa-devel",
    },
];

const DEBIAN_BUILD: &[&str] = &["gcc", "libc6-dev", "pkg-config", "libasound2-dev"];

/// Real peers on loopback, a sound server without a card, and a desktop without a screen.
const DEBIAN_TEST: &[&str] = &[
    // g++ for libFuzzer; git for the clean tree and the tidy tests
    "g++",
    "git",
    // peers
    "baresip-core",
    "sip-tester",
    "kamailio",
    // sound
    "pulseaudio",
    "pulseaudio-utils",
    // the keyring
    "gnome-keyring",
    "libsecret-tools",
    // the session: X server, window manager, panel with a tray, two toast servers, bus
    "xvfb",
    "xfwm4",
    "xfce4-panel",
    "xfce4-notifyd",
    "dunst",
    "dbus",
    "dbus-x11",
    "libnotify-bin",
    "hicolor-icon-theme",
    "adwaita-icon-theme",
    "fonts-dejavu-core",
    "xdg-utils",
    "desktop-file-utils",
    // pointer, keys, pixels, windows to select text in
    "xdotool",
    "imagemagick",
    "x11-utils",
    "x11-apps",
    "xterm",
    "xclip",
    "mousepad",
    "chromium",
    "python3-gi",
    "gir1.2-gtk-3.0",
    "python3-dbus",
];

const DEBIAN_CROSS: &[&str] = &["gcc-mingw-w64-x86-64", "python3-pip"];

const DEBIAN_CLEAN_TREE: &[&str] = &["debootstrap", "git"];

/// The Debian packages of a group, without the guest's toolchain.
pub(super) fn debian(group: Group) -> Vec<&'static str> {
    let groups: &[&[&str]] = match group {
        // The demo needs nothing to run: what a desktop lacks, the agent says and does without.
        Group::Build | Group::Demo => &[DEBIAN_BUILD],
        Group::Test => &[DEBIAN_BUILD, DEBIAN_TEST],
        Group::Cross => &[DEBIAN_BUILD, DEBIAN_CROSS, crate::guest::DEBIAN_PACKAGES],
        Group::CleanTree => &[DEBIAN_CLEAN_TREE],
    };
    groups.concat()
}

/// What a system other than Debian lacks for a group, as sentences.
pub(super) fn elsewhere(system: System, group: Group) -> Vec<String> {
    match group {
        Group::Cross | Group::CleanTree => vec!["Debian 12: this command uses its toolchains".to_owned()],
        Group::Build | Group::Demo | Group::Test => match system {
            // Rust's own installer asks for the C compiler there, and the sound system needs nothing more.
            System::Windows | System::MacOs => {
                let compiler = match system {
                    System::MacOs => "Apple's command line tools: `xcode-select --install`",
                    _ => "the C++ build tools of Visual Studio (what `rustup` asks for)",
                };
                if system == System::MacOs && !met(&Probe::Program("cc", "--version")) {
                    vec![compiler.to_owned()]
                } else {
                    Vec::new()
                }
            }
            _ => BUILD.iter().filter(|need| !met(&need.probe)).map(|need| sentence(need, system)).collect(),
        },
    }
}

fn met(probe: &Probe) -> bool {
    let mut command = match probe {
        Probe::Program(program, argument) => {
            let mut command = Command::new(program);
            command.arg(argument);
            command
        }
        Probe::Library(library) => {
            let mut command = Command::new("pkg-config");
            command.args(["--exists", library]);
            command
        }
    };
    ask(&mut command).is_some()
}

fn sentence(need: &Need, system: System) -> String {
    let what = need.what;
    match system {
        System::Fedora => format!("{what}: `dnf install {}`", need.fedora),
        System::Arch => format!("{what}: `pacman -S {}`", need.arch),
        System::Suse => format!("{what}: `zypper install {}`", need.suse),
        _ => format!(
            "{what} (`{}` on Fedora, `{}` on Arch, `{}` on openSUSE)",
            need.fedora, need.arch, need.suse
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{BUILD, Group, System, debian, sentence};

    #[test]
    fn every_group_that_compiles_has_what_compiling_takes() {
        for group in [Group::Build, Group::Demo, Group::Test, Group::Cross] {
            assert!(debian(group).contains(&"libasound2-dev"), "{group:?}");
        }
    }

    #[test]
    fn a_missing_thing_is_named_as_the_system_names_it() {
        assert_eq!(
            sentence(&BUILD[2], System::Fedora),
            "the ALSA library's headers: `dnf install alsa-lib-devel`"
        );
        assert!(sentence(&BUILD[2], System::OtherLinux).contains("`alsa-devel` on openSUSE"));
    }
}
