//! Commands that ask the running agent for something.

use super::print;
use crate::{
    api::{
        client::Client,
        protocol::{Answer, Ask, Request},
    },
    cli::{CallCommand, Common, DialArgs},
    exit::{Exit, Failure},
};
use agent_core::{
    action::{Action, Reply, Source},
    id::{AccountId, CallId},
};

/// The request behind a call command.
pub(crate) fn request(command: &CallCommand) -> Request {
    let call = |arg: &Option<u64>| arg.map(CallId);
    Request::Action(match command {
        CallCommand::Dial(args) => return dial(args),
        CallCommand::Answer(arg) => Action::Answer { call: call(&arg.call) },
        CallCommand::Decline(arg) => Action::Decline { call: call(&arg.call) },
        CallCommand::Hangup(arg) => Action::Hangup { call: call(&arg.call) },
        CallCommand::Hold(arg) => Action::Hold { call: call(&arg.call) },
        CallCommand::Resume(arg) => Action::Resume { call: call(&arg.call) },
        CallCommand::Mute { state } => Action::Mute { on: state.as_deref().map(|state| state == "on") },
        CallCommand::Dtmf { digits, call: arg } => Action::Dtmf { call: call(arg), digits: digits.clone() },
        CallCommand::Choose { question, choice } => {
            // People count from one; a nought is none of them.
            Action::Choose { question: *question, choice: choice.and_then(|choice| choice.checked_sub(1)) }
        }
    })
}

fn dial(args: &DialArgs) -> Request {
    match &args.number {
        Some(number) => Request::Action(Action::Dial {
            text: number.clone(),
            source: Source::Typed,
            account: args.account.map(AccountId),
        }),
        None => Request::Ask(Ask::DialSelection { account: args.account }),
    }
}

/// Asks the running agent and prints what it says.
pub(crate) async fn ask(common: &Common, request: Request) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    match client.ask(&request).await? {
        Answer::Done { reply } => {
            let question = matches!(reply, Reply::Question { .. });
            print::reply(common, &reply);
            Ok(if question { Exit::Question } else { Exit::Ok })
        }
        Answer::Refused { refusal } => Err(Failure::new(refusal.code.into(), refusal.text)),
        Answer::Malformed { text } => Err(Failure::new(Exit::Failed, text)),
        Answer::Hello { .. } => Err(Failure::new(Exit::Failed, "the agent answered another question")),
    }
}

/// Prints every notice until the agent ends.
pub(crate) async fn events(common: &Common) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    client.send(&Request::Ask(Ask::Events {})).await?;
    while let Some(line) = client.line().await? {
        if !print::line(&line) {
            break;
        }
    }
    Ok(Exit::Ok)
}

/// `trayphone show`.
pub(crate) fn show() -> Request {
    Request::Action(Action::Show)
}

/// `trayphone status`.
pub(crate) fn status() -> Request {
    Request::Action(Action::Status)
}

/// `trayphone open -- URI`: a click on a link. Starts the agent when none runs, because a click cannot wait for a person.
pub(crate) async fn open(common: &Common, uri: &str) -> Result<Exit, Failure> {
    let request = Request::Action(Action::Dial { text: uri.to_owned(), source: Source::Link, account: None });
    match ask(common, request.clone()).await {
        Err(Failure { exit: Exit::NoAgent, .. }) => {
            start_agent(common)?;
            let deadline = tokio::time::Instant::now() + START_PATIENCE;
            loop {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                match ask(common, request.clone()).await {
                    // Not there yet, or there and not registered yet.
                    Err(Failure { exit: Exit::NoAgent | Exit::NotRegistered, .. })
                        if tokio::time::Instant::now() < deadline => {}
                    other => return other,
                }
            }
        }
        other => other,
    }
}

/// How long a click waits for an agent that has to be started and registered first.
const START_PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

fn start_agent(common: &Common) -> Result<(), Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::other("the agent's program was not found", error))?;
    let mut command = std::process::Command::new(program);
    command.arg("run");
    if let Some(profile) = &common.profile {
        command.arg("--profile").arg(profile);
    }
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    crate::platform::on_its_own(&mut command);
    command.spawn().map(drop).map_err(|error| Failure::other("the agent could not be started", error))
}
