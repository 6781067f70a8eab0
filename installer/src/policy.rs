//! The dependency policy of `deny.toml`, kept by cargo-deny, which is built once into `target/tools`.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Result, ask, run},
    stages::{Stages, announce},
    tree::Tree,
};

/// The release that `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// How long the advisory database may take to arrive.
const DATABASE_PATIENCE: Duration = Duration::from_secs(120);

/// Bans, licences and sources always; advisories where their database can be had.
pub(crate) fn stages(tree: &Tree, stages: &mut Stages) {
    if !stages.run("cargo-deny", || provide(tree)) {
        stages.skip("dependency policy", "cargo-deny could not be built");
        return;
    }
    stages.run("dependency policy", || {
        run(cargo_deny(tree).args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))
    });
    if fetch_advisories(tree) {
        stages.run("advisories", || run(cargo_deny(tree).args(["check", "--disable-fetch", "advisories"])));
    } else {
        let why = "the advisory database cannot be reached from here";
        println!("advisories: {why}");
        stages.skip("advisories", why);
    }
}

fn program(tree: &Tree) -> PathBuf {
    tree.target("tools/bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX))
}

fn cargo_deny(tree: &Tree) -> Command {
    tree.program(program(tree))
}

/// Builds cargo-deny where it is not there in the wanted release. Unoptimised: it runs for seconds and is built for minutes.
fn provide(tree: &Tree) -> Result<()> {
    let there =
        ask(cargo_deny(tree).arg("--version")).is_some_and(|version| version.trim().ends_with(CARGO_DENY));
    if there {
        return Ok(());
    }
    announce(&format!("cargo-deny {CARGO_DENY}, once"));
    let mut cargo = tree.cargo();
    cargo.args(["install", "--locked", "--debug", "--force", "--root"]).arg(tree.target("tools"));
    cargo.arg(format!("cargo-deny@{CARGO_DENY}"));
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_TARGET_DIR", tree.target("tools/build"));
    run(&mut cargo)?;
    // its objects are of no further use
    let leftovers = tree.target("tools/build");
    std::fs::remove_dir_all(&leftovers).map_err(Error::file(&leftovers))
}

/// `false` where there is no way to the database, or it does not come in time.
fn fetch_advisories(tree: &Tree) -> bool {
    announce("advisories: fetching their database");
    let mut fetch = cargo_deny(tree);
    fetch.args(["fetch", "db"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = fetch.spawn() else { return false };
    let started = Instant::now();
    while started.elapsed() < DATABASE_PATIENCE {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => thread::sleep(Duration::from_millis(100)),
            Err(_) => break,
        }
    }
    // Neither failing matters: the process is gone or was never ours to wait for.
    let _ = child.kill();
    let _ = child.wait();
    false
}
