//! `cargo xtask`: everything that is done to this tree rather than by the program: set-up, plugins, demo, tests, cross builds.

mod bench;
mod check;
mod clean_tree;
mod cross;
mod demo;
mod error;
mod fuzz;
mod guest;
mod peers;
mod plugins;
mod policy;
mod programs;
mod setup;
mod stages;
mod tree;

use std::process::ExitCode;

use error::Result;
use tree::Tree;

/// One subcommand: its name, its arguments, what it is for, and what it does.
struct Subcommand {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&Tree, Vec<String>) -> Result<()>,
}

const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand {
        name: "demo",
        arguments: "[ARGUMENTS OF `trayphone demo`]",
        about: "sets up, builds, and runs the main job on loopback (`cargo xtask demo --script` needs nobody)",
        run: demo::run,
    },
    Subcommand {
        name: "test",
        arguments: "[--full] [FILTER]",
        about: "sets up, then formatting, lints, dependency policy, tests; with FILTER only the tests of that name",
        run: check::run,
    },
    Subcommand {
        name: "setup",
        arguments: "[build|demo|test|cross] [--yes]",
        about: "installs the system packages a command needs; lists them and asks first",
        run: setup::run,
    },
    Subcommand {
        name: "plugins",
        arguments: "",
        about: "builds every plugin from source into target/plugins",
        run: plugins::run,
    },
    Subcommand {
        name: "cross",
        arguments: "windows|macos",
        about: "cross-builds the workspace for Windows, or type-checks it for macOS",
        run: cross::run,
    },
    Subcommand {
        name: "fuzz",
        arguments: "[TARGET] [--seconds N]",
        about: "feeds strangers' bytes to the parsers: one target, or all one after the other (300 seconds each)",
        run: fuzz::run,
    },
    Subcommand {
        name: "bench",
        arguments: "[--json] [ARGUMENTS OF THE BENCH]",
        about: "measures the release build beside baresip",
        run: bench::run,
    },
    Subcommand {
        name: "clean-tree",
        arguments: "[--keep]",
        about: "proves that demo and test need nothing but this tree: a fresh Debian 12, a clone, both commands (root)",
        run: clean_tree::run,
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        print!("{}", help());
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(subcommand) = SUBCOMMANDS.iter().find(|subcommand| subcommand.name == name) else {
        eprintln!("xtask: there is no `{name}`\n\n{}", help());
        return ExitCode::from(2);
    };
    match Tree::find().and_then(|tree| (subcommand.run)(&tree, arguments.collect())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {name}: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn help() -> String {
    let mut text = "Usage: cargo xtask COMMAND\n\n".to_owned();
    for Subcommand { name, arguments, about, .. } in SUBCOMMANDS {
        let head = format!("{name} {arguments}");
        text.push_str(&format!("  {}\n      {about}\n", head.trim_end()));
    }
    text.push_str("\nExample: cargo xtask demo\n");
    text
}

#[cfg(test)]
mod tests {
    use super::{SUBCOMMANDS, help};

    #[test]
    fn help_names_every_subcommand_once() {
        for subcommand in SUBCOMMANDS {
            let heads = help()
                .lines()
                .filter(|line| line.trim_start().split(' ').next() == Some(subcommand.name))
                .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
                .count();
            assert_eq!(heads, 1, "{}", subcommand.name);
        }
    }
}
