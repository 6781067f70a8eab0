//! `cargo xtask test`: everything a change must pass, in stages, with the minutes of each at the end.

use std::{
    env,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    cross::{self, Platform},
    error::{Error, Result, run as run_command},
    fuzz, peers,
    plugins::{self, Warnings},
    policy,
    programs::{self, Profile},
    setup::{self, Consent, Group},
    stages::Stages,
    tree::Tree,
};

/// The harness's test that plays the demo's script twenty times in a row, on a desktop of its own and without one.
const DEMO_ROUNDS: &str = "the_story_is_told_twenty_times_in_a_row";

/// The files of tests whose ignored ones take too long for every change. (The other ignored ones are children that a test
/// starts, or only measure.)
const LONG_TESTS: [&str; 2] = ["audio", "peers"];

/// How long each fuzz target runs with `--full`: enough to see that it builds, starts and stands its corpus. `cargo xtask
/// fuzz` is for looking.
const FUZZ_SECONDS: u32 = 30;

/// What a whole run without `--full` may take on a machine that only tests (`CI` is set); elsewhere nobody is held to it.
const PROMISED: Duration = Duration::from_secs(50 * 60);

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    full: bool,
    consent: Consent,
    filter: Option<String>,
}

impl Wanted {
    fn of(arguments: Vec<String>) -> Result<Self> {
        let mut wanted = Self { full: false, consent: Consent::Ask, filter: None };
        for argument in arguments {
            match argument.as_str() {
                "--full" => wanted.full = true,
                "--yes" | "-y" => wanted.consent = Consent::Given,
                flag if flag.starts_with('-') => {
                    return Err(Error::Usage(format!("`{flag}`: the options are --full and --yes")));
                }
                _ if wanted.filter.is_some() => {
                    return Err(Error::Usage(format!("`{argument}`: one filter is enough")));
                }
                _ => wanted.filter = Some(argument),
            }
        }
        Ok(wanted)
    }
}

/// Runs all stages even when one fails, so that one run says everything; ends with the table.
pub(crate) fn run(tree: &Tree, arguments: Vec<String>) -> Result<()> {
    let wanted = Wanted::of(arguments)?;
    let mut stages = Stages::new();
    if !stages.run("set-up", || setup::ensure(tree, Group::Test, wanted.consent)) {
        return stages.close();
    }
    let without = without(tree, &mut stages);
    if wanted.filter.is_none() {
        lints(tree, &mut stages);
    }
    // The tests install the plugins and start the programs: without them every one would fail for the same reason.
    let plugins = stages.run("plugins", || plugins::build(tree, Warnings::Denied));
    let programs = stages.run("programs", || programs::build(tree, Profile::Dev));
    if plugins && programs {
        stages.run("tests", || tests(tree, &wanted, &without));
        if wanted.full && wanted.filter.is_none() {
            longer(tree, &mut stages, &without);
        }
    } else {
        stages.skip("tests", "the programs they drive were not built");
    }
    if !wanted.full && wanted.filter.is_none() && env::var_os("CI").is_some_and(|ci| !ci.is_empty()) {
        stages.within(PROMISED);
    }
    stages.close()
}

/// What the tests are told to leave out. Without the package index there is no pjsua2: its tests alone do not run then, and
/// the table says so.
fn without(tree: &Tree, stages: &mut Stages) -> Vec<&'static str> {
    match peers::provide(tree) {
        Ok(()) => Vec::new(),
        Err(error) => {
            stages.skip("tests with pjsua2", &format!("it cannot be had here: {error}"));
            vec!["--skip", peers::NEEDS_PJSUA2]
        }
    }
}

fn lints(tree: &Tree, stages: &mut Stages) {
    stages.run("formatting", || run_command(tree.cargo().args(["fmt", "--all", "--check"])));
    stages.run("lints", || {
        run_command(denying_warnings(clippy(tree).args(tree.workspace()?)))?;
        run_command(denying_warnings(clippy(tree).args(["--package", "agent-compile"])))
    });
    policy::stages(tree, stages);
}

fn clippy(tree: &Tree) -> Command {
    let mut command = tree.cargo();
    command.args(["clippy", "--all-targets"]);
    command
}

fn denying_warnings(command: &mut Command) -> &mut Command {
    command.args(["--", "-D", "warnings"])
}

fn tests(tree: &Tree, wanted: &Wanted, without: &[&str]) -> Result<()> {
    let mut all = tree.cargo();
    all.args(["test", "--no-fail-fast"]).args(tree.workspace()?).args(&wanted.filter);
    if !without.is_empty() {
        all.arg("--").args(without);
    }
    let mut compile = tree.cargo();
    compile.args(["test", "--package", "agent-compile"]).args(&wanted.filter);
    if wanted.full {
        // Cases nobody has drawn yet; `PROPTEST_RNG_SEED=… cargo test` draws these again.
        let seed = seed_of_the_day();
        println!("random tests draw with PROPTEST_RNG_SEED={seed}");
        all.env("PROPTEST_RNG_SEED", seed.to_string());
    }
    for tests in [&mut all, &mut compile] {
        tests.env("TRAYPHONE_PLUGINS", tree.plugins());
    }
    let first = run_command(&mut all);
    let second = run_command(&mut compile);
    first.and(second)
}

/// The seed of the random tests: another one each day.
fn seed_of_the_day() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs() / (24 * 60 * 60)
}

/// What takes too long for every change.
fn longer(tree: &Tree, stages: &mut Stages, without: &[&str]) {
    stages.run("long tests", || {
        let mut tests = tree.cargo();
        tests.args(["test", "--no-fail-fast"]).args(tree.workspace()?);
        tests
            .args(LONG_TESTS.iter().flat_map(|name| ["--test", name]))
            .args(["--", "--ignored"])
            .args(without);
        run_command(tests.env("TRAYPHONE_PLUGINS", tree.plugins()))
    });
    stages.run("demo, 20 times in a row", || {
        // The whole workspace as in the other tests, for else cargo would choose other features and build anew.
        let mut rounds = tree.cargo();
        rounds.args(["test", "--tests"]).args(tree.workspace()?).env("TRAYPHONE_PLUGINS", tree.plugins());
        run_command(rounds.args(["--", "--ignored", "--exact", "--nocapture", DEMO_ROUNDS]))
    });
    fuzz::stages(tree, stages, FUZZ_SECONDS);
    for platform in [Platform::Windows, Platform::MacOs] {
        // `--full` names the cross builds, so it is a yes to what they install
        stages.run(platform.stage(), || cross::build(tree, platform, Consent::Given));
    }
}

#[cfg(test)]
mod tests {
    use super::{Consent, DEMO_ROUNDS, Wanted};

    fn of(arguments: &[&str]) -> Result<Wanted, String> {
        Wanted::of(arguments.iter().map(|&argument| argument.to_owned()).collect())
            .map_err(|error| error.to_string())
    }

    /// A name that nothing has would be a stage that runs nothing and is green.
    #[test]
    fn the_rounds_of_the_demo_are_a_test_of_the_harness() {
        let tests = include_str!("../../tests/harness/tests/demo.rs");
        assert!(tests.contains(&format!("fn {DEMO_ROUNDS}()")));
    }

    #[test]
    fn reads_its_command_line() {
        assert_eq!(of(&[]), Ok(Wanted { full: false, consent: Consent::Ask, filter: None }));
        assert_eq!(
            of(&["--full", "--yes", "hold"]),
            Ok(Wanted { full: true, consent: Consent::Given, filter: Some("hold".to_owned()) })
        );
    }

    #[test]
    fn refuses_what_it_would_otherwise_ignore() {
        assert!(of(&["--fast"]).is_err_and(|error| error.contains("--fast")));
        assert!(of(&["a", "b"]).is_err_and(|error| error.contains("`b`")));
    }
}
