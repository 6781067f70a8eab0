//! What can go wrong in a `cargo xtask` command, said so that the reader knows what to do next.

use std::{
    io,
    path::Path,
    process::{Child, Command},
};

/// The result of every step here.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Something this machine lacks, with the words that say how to get it.
    #[error("{0}")]
    Missing(String),
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start `{program}`: {source}")]
    Start {
        /// Which one.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program ran and failed; what it had to say stands above.
    #[error("`{command}` failed ({status})")]
    Failed {
        /// Its command line.
        command: String,
        /// How it ended.
        status: String,
        /// Its exit code, where it had one.
        code: Option<u8>,
    },
    /// One or more stages failed; the table above names them.
    #[error("failed: {0}")]
    Stages(String),
    /// A run took longer than is promised.
    #[error(
        "it took {took} minutes, and the README promises {promised}: make a stage shorter, or move it to --full"
    )]
    Slow {
        /// Whole minutes.
        took: u64,
        /// Minutes.
        promised: u64,
    },
    /// A second run compiled again although nothing had changed.
    #[error("nothing had changed, and yet it compiled {0}")]
    Rebuilt(String),
    /// A plugin compiles, but not cleanly.
    #[error("the plugins compile with {0} warnings, and the tests allow none")]
    Warned(usize),
    /// A plugin's module cannot become a component.
    #[error("plugin {plugin}: {reason}")]
    Component {
        /// Which plugin.
        plugin: String,
        /// What the encoder says.
        reason: String,
    },
}

impl Error {
    /// What `cargo xtask` ends with: 2 for a wrong command line, a started program's own code, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed { code: Some(code), .. } if *code != 0 => *code,
            _ => 1,
        }
    }

    /// An error about a file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::File { path, source }
    }
}

/// Runs a command with our own terminal; its failure is ours.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let mut child = start(command)?;
    finish(command, &mut child)
}

/// Starts a command.
pub(crate) fn start(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|source| start_error(command, source))
}

/// Waits for a started command; its failure is ours.
pub(crate) fn finish(command: &Command, child: &mut Child) -> Result<()> {
    let status = child.wait().map_err(|source| start_error(command, source))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        command: line(command),
        status: status.to_string(),
        code: status.code().and_then(|code| u8::try_from(code).ok()),
    })
}

/// Runs a command quietly and returns what it printed; `None` when it cannot be started or fails.
pub(crate) fn ask(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn start_error(command: &Command, source: io::Error) -> Error {
    Error::Start { program: command.get_program().to_string_lossy().into_owned(), source }
}

/// A command as one would type it, shortened to its program's name.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        line.push(' ');
        line.push_str(if argument.contains('\n') { "…" } else { &argument });
    }
    line
}
