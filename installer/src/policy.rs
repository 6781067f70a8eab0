//! The dependency policy of `deny.toml`, kept by cargo-deny, which is built once into `target/tools`.

use std::{
    io::{self, BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc,
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
    match fetch_advisories(tree) {
        Ok(()) => {
            stages
                .run("advisories", || run(cargo_deny(tree).args(["check", "--disable-fetch", "advisories"])));
        }
        Err(why) => {
            let why = format!("their database cannot be had: {why}");
            println!("advisories: {why}");
            stages.skip("advisories", &why);
        }
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

/// The database, new; else why it did not come.
fn fetch_advisories(tree: &Tree) -> std::result::Result<(), String> {
    announce("advisories: fetching their database");
    quietly(cargo_deny(tree).args(["fetch", "db"]), DATABASE_PATIENCE)
}

/// Runs a command for at most so long; an error is the last thing it said.
fn quietly(command: &mut Command, patience: Duration) -> std::result::Result<(), String> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let (tell, told) = mpsc::sync_channel(1);
    if let Some(output) = child.stderr.take() {
        thread::spawn(move || {
            let lines = BufReader::new(output).split(b'\n').map_while(io::Result::ok);
            let last = lines.filter(|line| !line.trim_ascii().is_empty()).last().unwrap_or_default();
            // Whoever asked may have gone on.
            let _ = tell.send(String::from_utf8_lossy(&last).trim().to_owned());
        });
    }
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < patience => thread::sleep(Duration::from_millis(100)),
            Ok(None) => {
                // Neither failing matters: the process is gone or was never ours to wait for.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it did not come within {} s", patience.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
    };
    if status.success() {
        return Ok(());
    }
    // A child of its own may hold its output open.
    let said = told.recv_timeout(Duration::from_secs(2)).unwrap_or_default();
    Err(if said.is_empty() { status.to_string() } else { said })
}

#[cfg(test)]
mod tests {
    use super::quietly;
    use std::{process::Command, time::Duration};

    fn shell(script: &str, patience: u64) -> Result<(), String> {
        quietly(Command::new("sh").args(["-c", script]), Duration::from_secs(patience))
    }

    #[test]
    fn a_failure_is_told_in_its_own_last_words() {
        assert_eq!(shell("exit 0", 60), Ok(()));
        let said = shell("echo fetching >&2; echo 'no such host' >&2; echo >&2; exit 1", 60);
        assert_eq!(said, Err("no such host".to_owned()));
        assert_eq!(shell("exit 3", 60), Err("exit status: 3".to_owned()));
    }

    #[test]
    fn what_does_not_come_is_not_waited_for() {
        assert_eq!(shell("exec sleep 600", 0), Err("it did not come within 0 s".to_owned()));
        assert!(quietly(&mut Command::new("/nonexistent/program"), Duration::ZERO).is_err());
    }
}
