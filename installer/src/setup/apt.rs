//! Debian's packages: which are missing, and how they are installed without starting any service.

use std::process::Command;

use crate::error::{Error, Result, ask, run};

/// Runs as root. A package's own scripts ask `policy-rc.d` before they start a service; where the machine has no such
/// policy, ours says "no" for as long as apt runs; one that a killed run of ours left behind is taken over and goes too. Lists older than an archive's last change make apt fail with 404,
/// hence one `update` before a second try. A broken third-party source must not stop us: what counts is the install.
const INSTALL: &str = r#"
set -u
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ] || grep -q 'cargo xtask setup' "$policy"; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  printf '#!/bin/sh\n# Written by cargo xtask setup for the time of one apt run: start no service.\nexit 101\n' > "$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt="apt-get -q -o DPkg::Lock::Timeout=600 -o APT::Install-Recommends=false"
for package in "$@"; do
  if [ -z "$(apt-cache policy "$package" | sed -n 's/^  Candidate: //p' | grep -v '^(none)$')" ]; then
    $apt update
    updated=1
    break
  fi
done
$apt install -y "$@" && exit 0
[ -n "${updated:-}" ] && exit 1
$apt update
$apt install -y "$@"
"#;

/// Those of `packages` that dpkg does not have.
pub(super) fn missing<'a>(packages: &[&'a str]) -> Result<Vec<&'a str>> {
    // dpkg-query fails when a package is unknown to it and still prints the others.
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${binary:Package} ${db:Status-Status}\n"]).args(packages);
    let output =
        query.output().map_err(|source| Error::Start { program: "dpkg-query".to_owned(), source })?;
    Ok(without_installed(packages, &String::from_utf8_lossy(&output.stdout)))
}

fn without_installed<'a>(packages: &[&'a str], shown: &str) -> Vec<&'a str> {
    let installed: Vec<&str> = shown
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, status)| *status == "installed")
        // `libasound2-dev:amd64` is `libasound2-dev`
        .map(|(package, _)| package.split_once(':').map_or(package, |(name, _)| name))
        .collect();
    packages.iter().copied().filter(|package| !installed.contains(package)).collect()
}

/// Installs `packages`, as root or through sudo.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    let root = ask(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let mut command = if root {
        Command::new("sh")
    } else if ask(Command::new("sudo").arg("--version")).is_some() {
        let mut command = Command::new("sudo");
        command.arg("sh");
        command
    } else {
        return Err(Error::Missing(format!(
            "installing takes root, and there is no sudo here. As root: apt install --no-install-recommends {}",
            packages.join(" ")
        )));
    };
    command.args(["-c", INSTALL, "xtask-setup"]).args(packages);
    // Progress, as all of ours is.
    command.stdout(std::io::stderr());
    run(&mut command)?;
    // apt is content with a name that another package provides; then the files may lie elsewhere
    let missing = missing(packages)?;
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Missing(format!("apt ran, and these are still not installed: {}", missing.join(" "))))
}

#[cfg(test)]
mod tests {
    use super::{INSTALL, without_installed};

    #[test]
    fn only_what_is_fully_installed_counts() {
        let shown = "gcc installed\nlibasound2-dev:amd64 installed\nxterm config-files\n";
        assert_eq!(without_installed(&["gcc", "libasound2-dev", "xterm", "sipp"], shown), ["xterm", "sipp"]);
    }

    #[test]
    fn no_service_is_started_and_the_policy_goes_again() {
        let written = INSTALL.find("exit 101").expect("the policy says no");
        let installed = INSTALL.find("install -y").expect("apt installs");
        assert!(written < installed);
        assert!(INSTALL.contains("grep -q 'cargo xtask setup'"), "a killed run leaves nothing for good");
        assert!(INSTALL.contains("trap 'rm -f \"$policy\"' EXIT"));
    }
}
