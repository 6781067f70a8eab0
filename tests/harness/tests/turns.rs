//! What the kernel tells of its networks wakes the agent once for each thing that happens, and only where a way to a PBX may
//! have changed.

use agent_net::{Turn, Watch};
use harness::{
    network,
    wait::{self, SOON},
};
use std::{process::Command, time::Duration};
use tokio::time::timeout;

/// Longer than any swarm of changes may last.
const QUIET: Duration = Duration::from_millis(1500);

#[test]
fn an_interface_that_comes_up_is_one_turn() {
    network::alone("an_interface_that_comes_up_is_one_turn", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(one_turn());
    });
}

async fn one_turn() {
    ip("link add name first type veth peer name second");
    let mut watch = Watch::start();
    // Whoever listens begins to.
    tokio::task::yield_now().await;
    for words in ["link set first up", "link set second up", "address add 192.0.2.1/24 dev first"] {
        ip(words);
    }
    assert_eq!(timeout(SOON, watch.next()).await, Ok(Turn::Network));
    // The kernel waits a while before it uses the addresses it made itself.
    let settled = wait::until(SOON, || {
        let addresses = ip("-6 address show scope link");
        (addresses.matches("inet6 fe80:").count() == 2 && !addresses.contains("tentative")).then_some(())
    });
    assert!(settled.is_some(), "no addresses: {}", ip("address"));
    assert!(timeout(QUIET, watch.next()).await.is_err(), "an address of one link alone is no way to a PBX");
    ip("address add 2001:db8::1/64 dev first nodad");
    assert_eq!(timeout(SOON, watch.next()).await, Ok(Turn::Network));
}

/// Runs `ip` with these words; what it says.
fn ip(words: &str) -> String {
    let output = Command::new("ip").args(words.split(' ')).output().expect("ip starts");
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
