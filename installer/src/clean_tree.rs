//! `cargo xtask clean-tree`: a fresh Debian 12, this commit cloned into it, and the README's commands for demo and tests, timed.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    error::{Error, Result, ask, finish, run as run_command, start},
    setup::{self, Consent, Group},
    stages::Stages,
    tree::Tree,
};

/// The release the README promises.
const SUITE: &str = "bookworm";

/// What a developer's machine has before anything of ours, by the README.
const PACKAGES: &str = "build-essential,git,ca-certificates";

/// Where things lie inside.
const CLONE: &str = "srv/trayphone";
const HOME: &str = "srv/home";
const RUST: &str = "opt/rust";

/// Variables that say how to reach the network; everything else of this machine stays outside.
const NETWORK: &[&str] =
    &["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "CARGO_HTTP_PROXY"];

/// Runs inside mount and process namespaces of its own, so that nothing stays mounted and nothing keeps running. The root
/// is the namespace's own, no chroot: in one the kernel refuses user namespaces, and a fresh machine has them.
const INSIDE: &str = r#"
set -eu
root=$1
shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
cd "$root"
mkdir -p mnt
pivot_root . mnt
umount -l /mnt
exec "$@"
"#;

/// Sets up, runs the commands, closes with the table.
pub(crate) fn run(tree: &Tree, arguments: Vec<String>) -> Result<()> {
    let keep = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--keep"] => true,
        _ => return Err(Error::Usage("usage is clean-tree [--keep]".to_owned())),
    };
    setup::ensure(tree, Group::CleanTree, Consent::Ask)?;
    if ask(Command::new("id").arg("-u")).is_none_or(|id| id.trim() != "0") {
        return Err(Error::Missing("debootstrap and chroot take root: run it as root".to_owned()));
    }
    let root = tree.target("clean-tree");
    let mut stages = Stages::new();
    let ready = stages.run("fresh Debian 12", || debian(tree, &root))
        && stages.run("Rust toolchain, clone", || clone(tree, &root));
    if ready {
        stages.run("cargo xtask demo", || run_command(&mut inside(&root, "cargo xtask demo")));
        stages.run("cargo xtask demo, again", || building_nothing(&mut inside(&root, "cargo xtask demo")));
        stages.run("cargo xtask demo --script", || {
            run_command(&mut inside(&root, "cargo xtask demo --script"))
        });
        stages.run("cargo xtask test", || run_command(&mut inside(&root, "cargo xtask test")));
    }
    if !keep && root.exists() {
        stages.run("clean up", || fs::remove_dir_all(&root).map_err(Error::file(&root)));
    }
    stages.close()
}

fn debian(tree: &Tree, root: &Path) -> Result<()> {
    if root.exists() {
        fs::remove_dir_all(root).map_err(Error::file(root))?;
    }
    let mut debootstrap = tree.program("debootstrap");
    debootstrap.args(["--variant=minbase", &format!("--include={PACKAGES}"), SUITE]).arg(root);
    // The mirror this machine uses, where it is a Debian; else debootstrap's own.
    debootstrap.args(mirror());
    run_command(&mut debootstrap)?;
    for file in ["etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt"] {
        copy(&Path::new("/").join(file), &root.join(file))?;
    }
    let sources = root.join("etc/apt/sources.list.d");
    for entry in fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("debian") {
            copy(&entry.path(), &sources.join(entry.file_name()))?;
        }
    }
    let list = Path::new("/etc/apt/sources.list");
    if list.exists() { copy(list, &root.join("etc/apt/sources.list")) } else { Ok(()) }
}

fn mirror() -> Option<String> {
    let targets = ask(Command::new("apt-get").args(["indextargets", "--format", "$(CODENAME) $(REPO_URI)"]))?;
    targets.lines().find_map(|line| Some(line.strip_prefix(SUITE)?.strip_prefix(' ')?.to_owned()))
}

/// The toolchain that runs this, as a folder; and the last commit, without what was built or not committed.
fn clone(tree: &Tree, root: &Path) -> Result<()> {
    let sysroot = ask(tree.program("rustc").args(["--print", "sysroot"]))
        .map(|sysroot| PathBuf::from(sysroot.trim()))
        .ok_or_else(|| Error::Missing("`rustc --print sysroot` does not answer".to_owned()))?;
    run_command(tree.program("cp").arg("-a").arg(&sysroot).arg(root.join(RUST)))?;
    fs::create_dir_all(root.join(HOME)).map_err(Error::file(root))?;
    run_command(
        tree.program("git")
            .args(["clone", "--quiet", "--no-hardlinks"])
            .arg(tree.root())
            .arg(root.join(CLONE)),
    )
}

/// One command line in the clone, as on a machine of its own. `CI` is set: there is nobody to ask.
fn inside(root: &Path, command: &str) -> Command {
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", INSIDE, "inside"]).arg(root);
    shell.args(["/usr/bin/env", "-i", "CI=true", "LANG=C.UTF-8"]);
    shell.arg(format!("HOME=/{HOME}")).arg(format!("PATH=/{RUST}/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
    for name in NETWORK {
        if let Ok(value) = std::env::var(name) {
            shell.arg(format!("{name}={value}"));
        }
    }
    shell.args(["sh", "-c", &format!("cd /{CLONE} && {command}")]).stdin(Stdio::null());
    shell
}

/// Runs what has run before: nothing has changed since, so that a crate which cargo compiles anew is a fault of ours.
fn building_nothing(command: &mut Command) -> Result<()> {
    let mut child = start(command.stderr(Stdio::piped()))?;
    let mut built = Vec::new();
    if let Some(output) = child.stderr.take() {
        for line in BufReader::new(output).split(b'\n').map_while(io::Result::ok) {
            let line = String::from_utf8_lossy(&line);
            eprintln!("{line}");
            built.extend(line.trim_start().strip_prefix("Compiling ").map(str::to_owned));
        }
    }
    finish(command, &mut child)?;
    if built.is_empty() { Ok(()) } else { Err(Error::Rebuilt(built.join(", "))) }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    fs::copy(from, to).map(drop).map_err(Error::file(from))
}

#[cfg(test)]
mod tests {
    use super::building_nothing;
    use std::process::Command;

    #[test]
    fn a_second_run_that_compiles_has_failed() {
        let run = |script: &str| building_nothing(Command::new("sh").args(["-c", script]));
        assert!(run("echo '    Finished `dev` profile' >&2").is_ok());
        let built = run("echo '   Compiling trayphone v0.1.0' >&2").map_err(|error| error.to_string());
        assert_eq!(built, Err("nothing had changed, and yet it compiled trayphone v0.1.0".to_owned()));
        assert!(run("exit 1").is_err());
    }
}
