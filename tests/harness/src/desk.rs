//! A desk whose network comes and goes: two ways lead to the PBX, and each interface, address and route can be changed.

use std::path::Path;

use crate::{
    network::{address, cable, holder, run, through, within},
    proc::Proc,
};

/// The PBX, where the test runs.
pub const PBX: &str = "10.99.0.1";
/// Its second machine, likewise.
pub const SECOND: &str = "10.99.0.2";
/// The name server, likewise.
pub const NAMES: &str = "10.99.0.53";

/// The desk. Its interfaces are `way-a` (10.99.1.2, the way to the PBX at first) and `way-b` (10.99.2.2).
pub struct Desk {
    desk: Proc,
}

impl Desk {
    /// Builds it, seen from the network the test runs in.
    ///
    /// # Panics
    /// When the kernel does not give it.
    pub fn with_two_ways(folder: &Path) -> Self {
        let desk = holder("desk", folder);
        for (here, there, network) in [("to-a", "way-a", "10.99.1"), ("to-b", "way-b", "10.99.2")] {
            cable((here, None), (there, Some(&desk)));
            address(None, here, &format!("{network}.1"));
            address(Some(&desk), there, &format!("{network}.2"));
        }
        for own in [PBX, SECOND, NAMES] {
            run("ip", &["addr", "add", &format!("{own}/32"), "dev", "lo"]);
        }
        let desk = Self { desk };
        desk.ip("route add 10.99.0.0/24 via 10.99.1.1");
        desk
    }

    /// `ip`, with these words, at the desk.
    ///
    /// # Panics
    /// When it fails.
    pub fn ip(&self, words: &str) {
        let words: Vec<&str> = words.split(' ').collect();
        within(&self.desk, "ip", &words);
    }

    /// What a program at the desk is started through.
    pub fn at_desk(&self) -> Vec<String> {
        through(&self.desk)
    }

    /// The same for one that asks [`NAMES`] for names.
    ///
    /// # Panics
    /// When `folder` cannot be written to.
    pub fn at_desk_with_names(&self, folder: &Path) -> Vec<String> {
        let file = folder.join("resolv.conf");
        std::fs::write(&file, format!("nameserver {NAMES}\n")).expect("the folder is ours");
        let script = format!("mount --bind {} /etc/resolv.conf && exec \"$0\" \"$@\"", file.display());
        let more = ["unshare", "--mount", "sh", "-c", &script].map(str::to_owned);
        self.at_desk().into_iter().chain(more).collect()
    }
}
