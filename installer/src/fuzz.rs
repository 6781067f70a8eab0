//! `cargo xtask fuzz`: libFuzzer on the stable toolchain; targets are the folders of `tests/fuzz/corpus`.

use std::{
    env, fs,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    error::{Error, Result, ask, finish, run as run_command, start},
    setup::{self, Consent, Group},
    stages::Stages,
    tree::Tree,
};

/// How long a target runs when nothing else is said, seconds.
const SECONDS: u32 = 300;

/// What LLVM adds to the code so that libFuzzer sees which way an input went. All of it is stable; only the address
/// sanitizer is not, and the parsers hold no `unsafe` code for it to watch.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                        -Cllvm-args=-sanitizer-coverage-pc-table \
                        -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    target: Option<String>,
    seconds: u32,
}

impl Wanted {
    fn of(arguments: Vec<String>) -> Result<Self> {
        let mut wanted = Self { target: None, seconds: SECONDS };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if argument == "--seconds" {
                wanted.seconds = arguments
                    .next()
                    .and_then(|number| number.parse().ok())
                    .filter(|&seconds| seconds > 0)
                    .ok_or_else(|| Error::Usage("--seconds takes a number above 0".to_owned()))?;
            } else if argument.starts_with('-') || wanted.target.is_some() {
                return Err(Error::Usage(format!("`{argument}`: usage is fuzz [TARGET] [--seconds N]")));
            } else {
                wanted.target = Some(argument);
            }
        }
        Ok(wanted)
    }
}

/// Runs one target, or each in turn.
pub(crate) fn run(tree: &Tree, arguments: Vec<String>) -> Result<()> {
    let wanted = Wanted::of(arguments)?;
    let known = targets(tree)?;
    let targets = match wanted.target {
        Some(target) if known.contains(&target) => vec![target],
        Some(target) => {
            return Err(Error::Usage(format!("no target `{target}`; there are {}", known.join(", "))));
        }
        None => known,
    };
    setup::ensure(tree, Group::Test, Consent::Ask)?;
    let mut stages = Stages::new();
    turns(tree, &mut stages, &targets, wanted.seconds);
    stages.close()
}

/// Every target in turn, `seconds` each, as stages of a longer run that has set up what it needs.
pub(crate) fn stages(tree: &Tree, stages: &mut Stages, seconds: u32) {
    let mut known = Vec::new();
    let found = stages.run("fuzz: targets", || {
        known = targets(tree)?;
        Ok(())
    });
    if found {
        turns(tree, stages, &known, seconds);
    }
}

fn turns(tree: &Tree, stages: &mut Stages, targets: &[String], seconds: u32) {
    let mut host = String::new();
    let built = stages.run("fuzz: build", || {
        host = self::host(tree)?;
        build(tree, &host)
    });
    for target in targets {
        let name = format!("fuzz: {target}");
        if built {
            stages.run(&name, || fuzz(tree, &host, target, seconds));
        } else {
            stages.skip(&name, "the fuzzer was not built");
        }
    }
}

fn targets(tree: &Tree) -> Result<Vec<String>> {
    let folder = tree.path("tests/fuzz/corpus");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .map_err(Error::file(&folder))?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// The machine's own target triple. Naming it keeps the coverage flags away from build scripts and macros.
fn host(tree: &Tree) -> Result<String> {
    let version = ask(tree.program("rustc").arg("-vV")).unwrap_or_default();
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| Error::Missing("`rustc -vV` does not say which machine it builds for".to_owned()))
}

/// Release code with the checks of a debug build: an overflow is a finding.
fn build(tree: &Tree, host: &str) -> Result<()> {
    let mut cargo = tree.cargo();
    cargo.args(["build", "--release", "--package", "fuzz", "--target", host]);
    cargo.env("CARGO_TARGET_DIR", tree.target("fuzz")).env("RUSTFLAGS", COVERAGE);
    for (setting, value) in
        [("OPT_LEVEL", "2"), ("LTO", "off"), ("STRIP", "false"), ("DEBUG", "1"), ("DEBUG_ASSERTIONS", "true")]
    {
        cargo.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
    cargo.env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
    run_command(&mut cargo)
}

/// New inputs go to `target`; the committed corpus is only read.
fn fuzz(tree: &Tree, host: &str, target: &str, seconds: u32) -> Result<()> {
    let found = tree.target("fuzz/corpus").join(target);
    let crashes = tree.target("fuzz/crashes").join(target);
    for folder in [&found, &crashes] {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    let program =
        tree.target("fuzz").join(host).join("release").join(format!("fuzz{}", env::consts::EXE_SUFFIX));
    let mut fuzzer = Command::new(program);
    fuzzer.current_dir(tree.root()).env("FUZZ_TARGET", target);
    fuzzer.arg(&found).arg(tree.path("tests/fuzz/corpus").join(target));
    fuzzer.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}/", crashes.display()));
    fuzzer.args([
        "-timeout=10",
        "-rss_limit_mb=1024",
        "-max_len=70000",
        "-print_final_stats=1",
        "-verbosity=1",
    ]);
    watch(&mut fuzzer, &tree.target("fuzz").join(format!("{target}.log"))).inspect_err(|_| {
        eprintln!(
            "The input lies in {}. Mend the code, then put the input into tests/fuzz/corpus/{target} so that it \
             replays with every test run.",
            crashes.display()
        );
    })
}

/// Runs libFuzzer with all it says in a file, and on the terminal what a person wants to see of it.
fn watch(fuzzer: &mut Command, log: &Path) -> Result<()> {
    let mut file = File::create(log).map_err(Error::file(log))?;
    let mut child = start(fuzzer.stderr(Stdio::piped()))?;
    if let Some(output) = child.stderr.take() {
        for line in BufReader::new(output).split(b'\n').map_while(io::Result::ok) {
            let line = String::from_utf8_lossy(&line);
            writeln!(file, "{line}").map_err(Error::file(log))?;
            if worth_showing(&line) {
                println!("{line}");
            }
        }
    }
    finish(fuzzer, &mut child)
}

/// Milestones, the closing figures, and everything about a crash; not each new input.
fn worth_showing(line: &str) -> bool {
    let each_input =
        line.starts_with('#') && ["NEW", "REDUCE", "RELOAD"].iter().any(|word| line.contains(word));
    !each_input && !line.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{Wanted, worth_showing};

    #[test]
    fn a_crash_is_shown_and_each_new_input_is_not() {
        assert!(worth_showing("thread '<unnamed>' panicked at tests/fuzz/src/targets/sip.rs:1:1:"));
        assert!(worth_showing("#1048576\tpulse  cov: 1701 ft: 7064"));
        assert!(!worth_showing("#873048\tREDUCE cov: 1701 ft: 7064"));
    }

    fn of(arguments: &[&str]) -> Option<Wanted> {
        Wanted::of(arguments.iter().map(|&argument| argument.to_owned()).collect()).ok()
    }

    #[test]
    fn reads_its_command_line() {
        assert_eq!(of(&[]), Some(Wanted { target: None, seconds: 300 }));
        assert_eq!(
            of(&["sdp", "--seconds", "5"]),
            Some(Wanted { target: Some("sdp".to_owned()), seconds: 5 })
        );
        assert_eq!(of(&["--seconds", "0"]), None);
        assert_eq!(of(&["--seconds"]), None);
        assert_eq!(of(&["sdp", "rtp"]), None);
    }
}
