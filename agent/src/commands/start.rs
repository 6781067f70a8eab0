//! Commands about the agent as a whole: a second start, a link that starts it, its end.

use super::{call::ask, print};
use crate::{
    api::{client::Client, protocol::Request},
    cli::{Common, RunArgs},
    exit::{Exit, Failure},
    platform, run,
    wait::wait_for,
};
use agent_core::{
    action::{Action, Source},
    number::{Dialplan, kind::Understood},
    settings::Settings,
    text,
};
use agent_shell::instance::{self, InstanceError};
use agent_store::Profile;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

/// How long a second start waits for an agent that is just starting or ending.
const HAND_OVER_PATIENCE: Duration = Duration::from_secs(10);
/// How long a click waits for an agent that has to be started and registered first.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// How long an agent may take to end: it de-registers for some seconds and writes the journal for some more.
const END_PATIENCE: Duration = Duration::from_secs(20);
/// How often those who wait look again.
const LOOK: Duration = Duration::from_millis(100);
/// At most so much of what a dead agent wrote is repeated, bytes from the end.
const LAST_WORDS: usize = 2000;

/// `trayphone` without a command: starts, or hands over to the agent that runs.
pub(crate) fn start(common: &Common) -> Result<Exit, Failure> {
    let deadline = std::time::Instant::now() + HAND_OVER_PATIENCE;
    loop {
        // Asked first: an agent that runs is shown, whatever has become of the settings since it read them. The wait
        // leaves no thread behind, and `run` begins without any.
        let asked = wait_for(ask(common, show()));
        if let Ok(exit) = asked {
            let running = InstanceError::Running { profile: crate::home::folder(common)?, pid: None };
            print::note(&format!("{running}; it was asked to show itself"));
            return Ok(exit);
        }
        let ended = match asked {
            Err(failure) if failure.exit == Exit::Quitting => Err(failure),
            _ => run::run(common, &RunArgs::default()),
        };
        match ended {
            // It holds the profile and is not there yet, or not there any more.
            Err(Failure { exit: Exit::Running | Exit::Quitting, .. })
                if std::time::Instant::now() < deadline =>
            {
                std::thread::sleep(LOOK);
            }
            other => return other,
        }
    }
}

/// `trayphone show`.
pub(crate) async fn show_itself(common: &Common) -> Result<Exit, Failure> {
    let exit = ask(common, show()).await?;
    if !common.json {
        print::line("the agent runs and was asked to show itself; `trayphone status` says what it is doing");
    }
    Ok(exit)
}

fn show() -> Request {
    Request::Action(Action::Show)
}

/// `trayphone quit`: asks, and waits until the agent is gone.
pub(crate) async fn quit(common: &Common) -> Result<Exit, Failure> {
    farewell(&crate::home::folder(common)?, END_PATIENCE).await?;
    print::done(common);
    Ok(Exit::Ok)
}

async fn farewell(profile: &Path, patience: Duration) -> Result<(), Failure> {
    let mut client = Client::to(profile).await?;
    client.ask(&Request::Action(Action::Quit)).await?;
    let gone = async { while client.line().await.unwrap_or(None).is_some() {} };
    if timeout(patience, gone).await.is_ok() {
        return Ok(());
    }
    match instance::listen(profile) {
        Ok(_) => Ok(()),
        Err(running) => {
            let seconds = patience.as_secs();
            let text = format!(
                "{running}, {seconds} seconds after it was asked to end: perhaps its disk or its sound system hangs. \
                 Killing its process ends it; what is not written yet is lost then"
            );
            Err(Failure::new(Exit::Failed, text))
        }
    }
}

/// `trayphone open -- URI`: a click on a link. Starts the agent when none runs, because a click cannot wait for a person.
pub(crate) async fn open(common: &Common, uri: &str) -> Result<Exit, Failure> {
    let request = Request::Action(Action::Dial {
        text: uri.to_owned(),
        source: Source::Link,
        account: None,
        withhold: false,
    });
    match ask(common, request.clone()).await {
        Err(Failure { exit: Exit::NoAgent, .. }) => {}
        other => return other,
    }
    dialable(common, uri)?;
    let mut agent = Started::new(common)?;
    let deadline = Instant::now() + START_PATIENCE;
    loop {
        sleep(LOOK).await;
        // Looked at before it is asked: an agent that answers all the same is another one, started by another click.
        // One that found another agent there is no news either: the other one is just starting.
        let ended = agent.ended().filter(|status| status.code() != Some(Exit::Running as i32));
        match ask(common, request.clone()).await {
            Err(Failure { exit: Exit::NoAgent, .. }) if ended.is_some() => {
                return Err(agent.died(ended));
            }
            // Not there yet, or there and not registered yet.
            Err(Failure { exit: Exit::NoAgent | Exit::NotRegistered, .. }) if Instant::now() < deadline => {}
            other => return other,
        }
    }
}

/// Nothing is started, and nothing waited for, where no call can come of it: for what is no link, and without an account.
fn dialable(common: &Common, uri: &str) -> Result<(), Failure> {
    // A profile that is not there yet has no settings of its own, and looking makes none.
    let settings = match crate::home::folder(common)?.exists() {
        true => crate::home::settings(&crate::home::existing(common)?)?,
        false => Settings::default(),
    };
    if let Understood::Refuse(why) = Dialplan::new(&settings.numbers).understand(uri, Source::Link) {
        return Err(Failure::new(Exit::NotANumber, text::no_number(settings.language, why, uri)));
    }
    if settings.accounts.is_empty() {
        return Err(Failure::new(Exit::NotRegistered, text::STATE_NO_ACCOUNT.say(settings.language, &[])));
    }
    Ok(())
}

/// An agent of its own session, started by us and not ended by us.
struct Started {
    child: Child,
    log: Option<PathBuf>,
}

impl Started {
    fn new(common: &Common) -> Result<Self, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::other("the agent's program was not found", error))?;
        let profile = Profile::open(common.profile.as_deref()).map_err(crate::home::failure)?;
        let mut command = Command::new(program);
        command.arg("run").arg("--profile").arg(profile.dir()).current_dir(profile.dir());
        // What it has to say outlives the program that had the link clicked.
        let log = profile.logs_dir().ok().map(|dir| dir.join("agent.log"));
        let file = log.as_deref().and_then(|log| File::create(log).ok());
        let stderr = file.map_or_else(Stdio::null, Stdio::from);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        platform::on_its_own(&mut command);
        let child =
            command.spawn().map_err(|error| Failure::other("the agent could not be started", error))?;
        Ok(Self { child, log })
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Why, in its own words where it had any.
    fn died(&self, status: Option<ExitStatus>) -> Failure {
        let code = status.and_then(|status| status.code()).and_then(Exit::from_code);
        let status = status.map(|status| status.to_string()).unwrap_or_default();
        let text = match self.log.as_deref().map(last_words) {
            Some(said) if !said.is_empty() => format!("the agent was started and ended at once: {said}"),
            _ => format!("the agent was started and ended at once ({status}): try `trayphone run`"),
        };
        Failure::new(code.unwrap_or(Exit::Failed), text)
    }
}

fn last_words(log: &Path) -> String {
    let said = fs::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said[said.len().saturating_sub(LAST_WORDS)..]).into_owned();
    said.trim().trim_start_matches("trayphone: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    #[tokio::test]
    async fn an_agent_that_does_not_end_is_not_waited_for_without_limit() {
        let profile = tempfile::tempdir().expect("a folder");
        let door = instance::listen(profile.path()).expect("the door opens");
        let agent = tokio::spawn(async move {
            let mut stream = BufReader::new(door.accept().await.expect("somebody comes"));
            let mut line = String::new();
            stream.read_line(&mut line).await.expect("a line");
            stream.write_all(b"{\"type\":\"done\",\"reply\":\"done\"}\n").await.expect("the way is open");
            // It says yes, and then hangs.
            std::future::pending::<()>().await;
        });
        let failure = farewell(profile.path(), Duration::from_millis(50)).await.expect_err("it still runs");
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.text.contains("after it was asked to end"), "{failure}");
        agent.abort();
    }
}
