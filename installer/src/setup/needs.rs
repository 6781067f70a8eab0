//! What each command needs of the system, by its name on each family of systems.

use std::{env, process::Command};

use super::{group::Group, system::System};
use crate::error::ask;

/// How to see, without a package manager, that a need is met.
enum Probe {
    /// A program that can be started; what it says to no argument is not looked at.
    Starts(&'static str),
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

/// What the demo's pages are opened with, on every Linux.
const OPENER: Need = Need {
    what: "xdg-open",
    probe: Probe::Program("xdg-open", "--version"),
    fedora: "xdg-utils",
    arch: "xdg-utils",
    suse: "xdg-utils",
};

/// With what the demo's script looks at toasts and tray, where there is a desktop to have them.
const BUS_EYES: Need = Need {
    what: "dbus-monitor and dbus-send",
    probe: Probe::Starts("dbus-send"),
    fedora: "dbus-tools",
    arch: "dbus",
    suse: "dbus-1-tools",
};

const DEBIAN_BUILD: &[&str] = &["gcc", "libc6-dev", "pkg-config", "libasound2-dev"];

/// `OPENER` and `BUS_EYES` by Debian's names.
const DEBIAN_DEMO: &[&str] = &["xdg-utils"];
const DEBIAN_BUS_EYES: &[&str] = &["dbus-bin"];

/// Real peers on loopback, a sound server without a card, and a desktop without a screen.
const DEBIAN_TEST: &[&str] = &[
    // g++ for libFuzzer; git for the clean tree and the tidy tests
    "g++",
    "git",
    // peers
    "baresip-core",
    "sip-tester",
    "kamailio",
    "kamailio-presence-modules",
    "kamailio-tls-modules",
    "kamailio-websocket-modules",
    "linphone-cli",
    // pjsua2 comes from Python's package index
    "python3-pip",
    // a NAT between two networks
    "iproute2",
    "nftables",
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
    "x11-xserver-utils",
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

/// Whether the environment names a display: the demo will play on it.
pub(super) fn desktop() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The Debian packages of a group, without the guest's toolchain.
pub(super) fn debian(group: Group, desktop: bool) -> Vec<&'static str> {
    let groups: &[&[&str]] = match group {
        Group::Build => &[DEBIAN_BUILD],
        // What else a desktop lacks, the agent says and does without.
        Group::Demo if desktop => &[DEBIAN_BUILD, DEBIAN_DEMO, DEBIAN_BUS_EYES],
        Group::Demo => &[DEBIAN_BUILD, DEBIAN_DEMO],
        Group::Test => &[DEBIAN_BUILD, DEBIAN_TEST],
        Group::Cross => &[DEBIAN_BUILD, DEBIAN_CROSS, crate::guest::DEBIAN_PACKAGES],
        Group::CleanTree => &[DEBIAN_CLEAN_TREE],
    };
    groups.concat()
}

/// What a system other than Debian lacks for a group, as sentences.
pub(super) fn elsewhere(system: System, group: Group, desktop: bool) -> Vec<String> {
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
            _ => {
                let demo = (group == Group::Demo).then_some(&OPENER);
                let eyes = (group == Group::Demo && desktop).then_some(&BUS_EYES);
                let needs = BUILD.iter().chain(demo).chain(eyes);
                needs.filter(|need| !met(&need.probe)).map(|need| sentence(need, system)).collect()
            }
        },
    }
}

fn met(probe: &Probe) -> bool {
    let mut command = match probe {
        Probe::Starts(program) => return Command::new(program).output().is_ok(),
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
            assert!(debian(group, false).contains(&"libasound2-dev"), "{group:?}");
        }
    }

    #[test]
    fn the_demo_has_what_opens_its_pages_and_looks_at_its_toasts() {
        assert!(debian(Group::Demo, false).contains(&"xdg-utils"));
        assert!(!debian(Group::Demo, false).contains(&"dbus-bin"), "there is no bus to look at");
        assert!(debian(Group::Demo, true).contains(&"dbus-bin"));
        assert!(!debian(Group::Build, true).contains(&"xdg-utils"), "a build opens no page");
    }

    #[test]
    fn the_tests_have_every_peer_and_what_stands_between_them() {
        let packages = debian(Group::Test, false);
        let peers = ["baresip-core", "sip-tester", "kamailio", "linphone-cli", "python3-pip"];
        let modules = ["presence", "tls", "websocket"].map(|what| format!("kamailio-{what}-modules"));
        let all = peers.into_iter().chain(modules.iter().map(String::as_str)).chain(["nftables", "iproute2"]);
        for package in all {
            assert!(packages.contains(&package), "{package}");
        }
        assert!(!debian(Group::Demo, true).contains(&"linphone-cli"), "the demo needs no other phone");
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
