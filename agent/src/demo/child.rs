//! The agent of the demo: the real program as a process of its own, in a profile of its own.

use crate::{
    api::{
        client::Client,
        protocol::{Ask, Request},
    },
    commands::print,
    exit::{Exit, Failure},
};
use agent_core::action::Notice;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr, Command},
    sync::mpsc,
    time::{Instant, timeout},
};

/// The variable that carries the demo account's password to the agent.
pub(crate) const PASSWORD_VARIABLE: &str = "TRAYPHONE_DEMO_PASSWORD";

/// How a demo agent is started.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// Its profile.
    pub profile: PathBuf,
    /// Without a desktop.
    pub headless: bool,
    /// Files may stand in for microphone and ear, with a desktop, too.
    pub files: bool,
    /// Beyond our own environment.
    pub environment: Vec<(&'static str, String)>,
}

/// A running demo agent.
pub(crate) struct DemoAgent {
    process: Child,
    profile: PathBuf,
    notices: mpsc::UnboundedReceiver<(Instant, Notice)>,
}

impl DemoAgent {
    /// Starts it and listens to everything it says.
    pub(crate) async fn start(start: &Start) -> Result<Self, Failure> {
        let mut command = program(&start.profile)?;
        // It ends when this pipe does: a demo that is killed leaves no agent behind.
        command.arg("run").arg("--demo").stdin(Stdio::piped()).kill_on_drop(true);
        // Through our hands, because the terminal may be in raw mode, where a line end is only half of one.
        command.stderr(Stdio::piped());
        if start.headless {
            command.arg("--headless");
        }
        if start.files {
            command.arg("--files");
        }
        if std::env::var_os("TRAYPHONE_LOG").is_none() {
            // What goes wrong comes as an event, and the demo says it: once is enough.
            command.env("TRAYPHONE_LOG", "error");
        }
        command.envs(start.environment.iter().map(|(name, value)| (name, value)));
        let mut process =
            command.spawn().map_err(|error| Failure::other("the agent could not be started", error))?;
        let stderr = process.stderr.take();
        let repeating = tokio::spawn(async move {
            if let Some(stderr) = stderr {
                repeat(stderr).await;
            }
        });
        let mut client = match connect(&start.profile, &mut process).await {
            Ok(client) => client,
            Err(failure) => {
                // Its last words say more than ours.
                let _ = timeout(Duration::from_secs(1), repeating).await;
                return Err(failure);
            }
        };
        client.send(&Request::Ask(Ask::Events {})).await?;
        let (tell, notices) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = client.line().await {
                if let Ok(notice) = serde_json::from_str::<Notice>(&line)
                    && tell.send((Instant::now(), notice)).is_err()
                {
                    return;
                }
            }
        });
        Ok(Self { process, profile: start.profile.clone(), notices })
    }

    /// The next thing the agent says.
    pub(crate) async fn next(&mut self) -> Option<(Instant, Notice)> {
        self.notices.recv().await
    }

    /// The next notice that fits, or `None` when the time is up.
    pub(crate) async fn wait<T>(
        &mut self,
        within: Duration,
        fits: impl Fn(&Notice) -> Option<T>,
    ) -> Option<(Instant, T)> {
        let search = async {
            while let Some((at, notice)) = self.notices.recv().await {
                if let Some(found) = fits(&notice) {
                    return Some((at, found));
                }
            }
            None
        };
        timeout(within, search).await.ok().flatten()
    }

    /// Runs one of our own commands against it; its stdout.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<String, Failure> {
        command(&self.profile, arguments).await
    }

    /// Ends it as a user would, and waits until it is gone.
    pub(crate) async fn quit(mut self) -> Result<(), Failure> {
        self.command(&["quit"]).await?;
        let gone = timeout(Duration::from_secs(10), self.process.wait()).await;
        match gone {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(Failure::new(Exit::Failed, format!("the agent ended with {status}"))),
            Ok(Err(error)) => Err(Failure::other("the agent's end was not seen", error)),
            Err(_) => Err(Failure::new(Exit::Failed, "the agent did not end within ten seconds of `quit`")),
        }
    }
}

/// Repeats what the agent complains about.
async fn repeat(stderr: ChildStderr) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = write!(std::io::stderr(), "{}\r\n", print::tame(&line));
    }
}

/// Runs one of our own commands on a profile; its stdout.
pub(crate) async fn command(profile: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let ran = program(profile)?.args(arguments).stdin(Stdio::null()).output().await;
    let output = ran.map_err(|error| Failure::other("our own program could not be started", error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let text = format!("`trayphone {}` failed: {}", arguments.join(" "), said.trim());
        return Err(Failure::new(Exit::Failed, text));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn program(profile: &Path) -> Result<Command, Failure> {
    let us =
        std::env::current_exe().map_err(|error| Failure::other("our own program was not found", error))?;
    let mut command = Command::new(us);
    command.arg("--profile").arg(profile);
    Ok(command)
}

async fn connect(profile: &Path, process: &mut Child) -> Result<Client, Failure> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match Client::to(profile).await {
            Ok(client) => return Ok(client),
            Err(failure) if Instant::now() >= deadline => return Err(failure),
            Err(_) => {}
        }
        if let Ok(Some(status)) = process.try_wait() {
            return Err(Failure::new(Exit::Failed, format!("the agent ended at once with {status}")));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
