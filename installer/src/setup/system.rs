//! Which operating system this is, as far as package names differ.

use std::{env, fs};

/// A family of systems whose packages have the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    /// Debian and what is made from it: apt.
    Debian,
    /// Fedora and its kin: dnf.
    Fedora,
    /// Arch Linux and its kin: pacman.
    Arch,
    /// openSUSE and SLE: zypper.
    Suse,
    /// A Linux we have no package names for.
    OtherLinux,
    /// Windows.
    Windows,
    /// macOS.
    MacOs,
    /// Anything else.
    Unknown,
}

impl System {
    /// This machine's.
    pub(super) fn this() -> Self {
        match env::consts::OS {
            "linux" => Self::of_linux(&fs::read_to_string("/etc/os-release").unwrap_or_default()),
            "windows" => Self::Windows,
            "macos" => Self::MacOs,
            _ => Self::Unknown,
        }
    }

    /// Reads `ID` and `ID_LIKE` of os-release(5).
    fn of_linux(os_release: &str) -> Self {
        let ids = os_release
            .lines()
            .filter_map(|line| line.split_once('='))
            .filter(|(key, _)| matches!(*key, "ID" | "ID_LIKE"))
            .flat_map(|(_, value)| value.trim_matches('"').split_whitespace());
        for id in ids {
            match id {
                "debian" | "ubuntu" => return Self::Debian,
                "fedora" | "rhel" => return Self::Fedora,
                "arch" => return Self::Arch,
                "suse" | "opensuse" => return Self::Suse,
                _ => {}
            }
        }
        Self::OtherLinux
    }

    /// What to call it in a sentence.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Debian => "Debian",
            Self::Fedora => "Fedora",
            Self::Arch => "Arch Linux",
            Self::Suse => "openSUSE",
            Self::OtherLinux => "Linux",
            Self::Windows => "Windows",
            Self::MacOs => "macOS",
            Self::Unknown => "system",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::System;

    #[test]
    fn os_release_tells_the_family() {
        assert_eq!(System::of_linux("PRETTY_NAME=\"x\"\nID=debian\n"), System::Debian);
        assert_eq!(System::of_linux("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), System::Debian);
        assert_eq!(System::of_linux("ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n"), System::Suse);
        assert_eq!(System::of_linux("ID=rocky\nID_LIKE=\"rhel centos fedora\"\n"), System::Fedora);
        assert_eq!(System::of_linux("ID=nixos\n"), System::OtherLinux);
        assert_eq!(System::of_linux(""), System::OtherLinux);
    }
}
