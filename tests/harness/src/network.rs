//! Networks of a test's own: the test runs again in a network namespace, and beside it an office behind a router with NAT.
//!
//! Nothing of it is seen outside, and all of it is gone with the processes that hold it. Root, or a kernel that gives
//! everybody namespaces, is what it takes.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

use crate::{proc::Proc, wait::SOON};

/// Set in a test's second life.
const INSIDE: &str = "TRAYPHONE_TEST_NETWORK";
/// The public side: where the PBX is (RFC 5737: nobody's addresses).
pub const OUTSIDE: &str = "203.0.113.1";
/// What the world sees of the office.
pub const ROUTER: &str = "203.0.113.2";
/// The desk in the office.
pub const DESK: &str = "192.168.7.2";

/// Runs `test`, which is called `name`, again in a network of its own, where nothing but loopback is. Where this user may
/// not have one, says so and runs nothing.
///
/// # Panics
/// When the test fails.
pub fn alone(name: &str, test: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        run("ip", &["link", "set", "lo", "up"]);
        return test();
    }
    // Root of the machine, or of a user namespace.
    let ways: [&[&str]; 2] = [&["--net"], &["--net", "--map-root-user"]];
    let may = |way: &&[&str]| {
        let probe = Command::new("unshare").args(*way).arg("true").stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success())
    };
    let Some(way) = ways.into_iter().find(may) else {
        println!("left out: this user may have no network of its own");
        return;
    };
    let own = env::current_exe().expect("a test knows its program");
    let status = Command::new("unshare")
        .args(way)
        .arg(own)
        .args(["--exact", name, "--nocapture", "--include-ignored"])
        .env(INSIDE, "1")
        .status()
        .expect("unshare starts");
    assert!(status.success(), "{name} failed in a network of its own");
}

/// The router's: addresses are translated on the way out, and nothing comes in that was not sent for.
const RULES: &str = "
flush ruleset
table ip nat {
  chain out {
    type nat hook postrouting priority srcnat
    oifname uplink meta l4proto { tcp, udp } @TRANSLATION@
  }
}
table ip guard {
  chain forward {
    type filter hook forward priority filter
    policy drop
    ct state established,related accept
    iifname lan accept
  }
}
";

/// Asks the kernel to forget every flow of a network: a deletion (message 2 of subsystem 1 of netfilter's family) that names
/// none of them, with an answer.
const FORGET: &str = "
import socket, struct
door = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
door.bind((0, 0))
door.send(struct.pack('=IHHIIBBH', 20, (1 << 8) | 2, 5, 1, 0, 2, 0, 0))
error = struct.unpack('=IHHIIi', door.recv(4096)[:20])[5]
assert error == 0, error
";

/// An office behind a router that translates addresses, seen from the network the test runs in.
pub struct Office {
    router: Proc,
    desk: Proc,
}

impl Office {
    /// Builds it: [`OUTSIDE`] is here, [`DESK`] in the office, and the desk's packets come from [`ROUTER`]. As at home, what
    /// was not sent for from the inside is dropped.
    ///
    /// # Panics
    /// When the kernel does not give it.
    pub fn behind_nat(folder: &Path) -> Self {
        let (router, desk) = (holder("router", folder), holder("desk", folder));
        let office = Self { router, desk };
        cable(("outside", None), ("uplink", Some(&office.router)));
        cable(("lan", Some(&office.router)), ("desk", Some(&office.desk)));
        address(None, "outside", OUTSIDE);
        address(Some(&office.router), "uplink", ROUTER);
        address(Some(&office.router), "lan", "192.168.7.1");
        address(Some(&office.desk), "desk", DESK);
        within(&office.desk, "ip", &["route", "add", "default", "via", "192.168.7.1"]);
        within(&office.router, "sh", &["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
        office.rules("masquerade");
        office
    }

    /// What a program at the desk is started through.
    pub fn at_desk(&self) -> Vec<String> {
        through(&self.desk)
    }

    /// The router is switched off and on: it knows of no flow any more, and gives the next ones other ports.
    ///
    /// # Panics
    /// When it does not forget.
    pub fn restart_router(&self) {
        self.rules("masquerade to :40000-49999 random");
        within(&self.router, "python3", &["-c", FORGET]);
    }

    /// How many flows the router keeps.
    ///
    /// # Panics
    /// When the kernel does not say.
    pub fn flows(&self) -> usize {
        let count = output(&self.router, "cat", &["/proc/sys/net/netfilter/nf_conntrack_count"]);
        count.trim().parse().unwrap_or_else(|_| panic!("{count:?} flows"))
    }

    fn rules(&self, translation: &str) {
        let rules = RULES.replace("@TRANSLATION@", translation);
        within(&self.router, "sh", &["-c", &format!("echo '{rules}' | nft -f -")]);
    }
}

/// A process that holds a network namespace until it ends.
pub(crate) fn holder(name: &str, folder: &Path) -> Proc {
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep infinity"]);
    let mut proc = Proc::start(name, &mut command, folder);
    proc.wait_for_text("ready", SOON);
    proc
}

pub(crate) fn through(holder: &Proc) -> Vec<String> {
    ["nsenter", "--net", "--target", &holder.id().to_string()].map(str::to_owned).to_vec()
}

pub(crate) type End<'a> = (&'a str, Option<&'a Proc>);

/// A cable between two of the networks; no holder is the one the test runs in.
pub(crate) fn cable(near: End<'_>, far: End<'_>) {
    run("ip", &["link", "add", near.0, "type", "veth", "peer", "name", far.0]);
    for (name, network) in [near, far] {
        if let Some(holder) = network {
            run("ip", &["link", "set", name, "netns", &holder.id().to_string()]);
        }
    }
}

pub(crate) fn address(network: Option<&Proc>, device: &str, address: &str) {
    let address = format!("{address}/24");
    let commands: [&[&str]; 2] = [&["addr", "add", &address, "dev", device], &["link", "set", device, "up"]];
    for arguments in commands {
        match network {
            Some(holder) => within(holder, "ip", arguments),
            None => run("ip", arguments),
        }
    }
}

pub(crate) fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output().expect("it is installed");
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

pub(crate) fn within(holder: &Proc, program: &str, arguments: &[&str]) {
    output(holder, program, arguments);
}

fn output(holder: &Proc, program: &str, arguments: &[&str]) -> String {
    let way = through(holder);
    let done = Command::new(&way[0]).args(&way[1..]).arg(program).args(arguments).output();
    let done = done.expect("nsenter starts");
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}
