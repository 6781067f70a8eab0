//! The other end of the local API: what the command line uses.

use super::protocol::{Answer, Ask, LONGEST_LINE, Request};
use crate::{
    commands::print,
    exit::{Exit, Failure},
    home,
};
use agent_shell::instance::{self, InstanceError, Stream};
use std::{path::Path, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf},
    time::timeout,
};

/// An agent that does not answer within this time hangs; nothing it is asked takes that long.
const PATIENCE: Duration = Duration::from_secs(10);

/// A conversation with the running agent.
pub(crate) struct Client {
    lines: BufReader<ReadHalf<Stream>>,
    write: WriteHalf<Stream>,
}

impl Client {
    /// Goes to the agent of this profile.
    pub(crate) async fn connect(common: &crate::cli::Common) -> Result<Self, Failure> {
        Self::to(&home::folder(common)?).await
    }

    /// Goes to the agent of the profile in this folder.
    pub(crate) async fn to(profile: &Path) -> Result<Self, Failure> {
        if !profile.exists() {
            let error = InstanceError::NotRunning { profile: profile.to_owned() };
            return Err(Failure::new(Exit::NoAgent, error.to_string()));
        }
        if !profile.is_dir() {
            let text = format!("the profile {} is not a folder: name one with --profile", profile.display());
            return Err(Failure::new(Exit::Failed, text));
        }
        let stream = instance::connect(profile).await.map_err(|error| match error {
            InstanceError::NotRunning { .. } => Failure::new(Exit::NoAgent, error.to_string()),
            other => Failure::new(Exit::Failed, other.to_string()),
        })?;
        let (read, write) = tokio::io::split(stream);
        Ok(Self { lines: BufReader::new(read), write })
    }

    /// Sends a request.
    pub(crate) async fn send(&mut self, request: &Request) -> Result<(), Failure> {
        let mut line = request.line();
        line.push('\n');
        if line.len() > LONGEST_LINE {
            let text = format!("this is too long: the agent takes at most {LONGEST_LINE} bytes at a time");
            return Err(Failure::new(Exit::Usage, text));
        }
        let sent = async {
            self.write.write_all(line.as_bytes()).await?;
            self.write.flush().await
        };
        sent.await.map_err(|error| Failure::other("the agent went away", error))
    }

    /// The next line; `None` when the agent ended.
    pub(crate) async fn line(&mut self) -> Result<Option<String>, Failure> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).await;
        match read {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(line.trim_end().to_owned())),
            Err(error) => Err(Failure::other("the agent went away", error)),
        }
    }

    /// Sends a request and hears its answer.
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<Answer, Failure> {
        let sent = self.send(request).await;
        let line = timeout(PATIENCE, self.line())
            .await
            .map_err(|_| Failure::new(Exit::Failed, "the agent did not answer within 10 seconds"))?;
        // Who is turned away at the door is told why before they have spoken.
        let line = match (sent, line) {
            (Err(error), Err(_) | Ok(None)) => return Err(error),
            (_, line) => line?,
        };
        let line = line.ok_or_else(|| Failure::new(Exit::Quitting, "the agent ended before it answered"))?;
        serde_json::from_str(&line)
            .map_err(|error| Failure::other("the agent's answer was not understood", error))
    }
}

/// What a running agent made of changed settings.
pub(crate) enum TakenOver {
    /// None runs.
    NoAgent(Failure),
    /// It has them; these only after a new start.
    Except(Vec<String>),
    /// It goes on with those it had; why.
    No(String),
}

/// Has the running agent read its settings anew.
pub(crate) async fn reload_settings(common: &crate::cli::Common) -> TakenOver {
    let asked = async { Client::connect(common).await?.ask(&Request::Ask(Ask::ReloadSettings {})).await };
    match asked.await {
        Ok(Answer::Done { restart, .. }) => TakenOver::Except(restart),
        Ok(Answer::Refused { refusal }) => TakenOver::No(refusal.text),
        Ok(Answer::Malformed { text }) => TakenOver::No(text),
        Ok(Answer::Hello { .. }) => TakenOver::No("it answered another question".to_owned()),
        Err(failure) if failure.exit == Exit::NoAgent => TakenOver::NoAgent(failure),
        Err(failure) => TakenOver::No(failure.text),
    }
}

/// Tells the running agent something; that none runs is no error here.
pub(crate) async fn tell(common: &crate::cli::Common, what: Ask) {
    if let Ok(mut client) = Client::connect(common).await
        && let Err(error) = client.ask(&Request::Ask(what)).await
    {
        print::note(&format!("the running agent was not told: {error}"));
    }
}
