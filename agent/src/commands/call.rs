//! Commands that ask the running agent for something.

use super::print;
use crate::{
    api::{
        client::Client,
        protocol::{Answer, Ask, Request},
    },
    cli::{CallCommand, Common, DialArgs, handover},
    exit::{Exit, Failure},
};
use agent_core::{
    action::{Action, FeatureAction, Reply, Source},
    id::{AccountId, CallId},
};

/// The request behind a call command.
pub(crate) fn request(command: &CallCommand) -> Request {
    let call = |arg: &Option<u64>| arg.map(CallId);
    Request::Action(match command {
        CallCommand::Dial(args) => return dial(args),
        CallCommand::Redial { account } => {
            Action::Feature(FeatureAction::Redial { account: account.map(AccountId) })
        }
        CallCommand::Watch(args) => Action::Feature(args.action()),
        CallCommand::Presence(args) => Action::Feature(args.action()),
        CallCommand::Handover(command) => handover::action(command),
        CallCommand::Switch(command) => Action::Feature(command.action()),
        CallCommand::Answer(arg) => Action::Answer { call: call(&arg.call) },
        CallCommand::Decline(arg) => Action::Decline { call: call(&arg.call) },
        CallCommand::Hangup(arg) => Action::Hangup { call: call(&arg.call) },
        CallCommand::Hold(arg) => Action::Hold { call: call(&arg.call) },
        CallCommand::Resume(arg) => Action::Resume { call: call(&arg.call) },
        CallCommand::Mute { state } => Action::Mute { on: state.as_deref().map(|state| state == "on") },
        CallCommand::Dtmf { digits, call: arg } => Action::Dtmf { call: call(arg), digits: digits.clone() },
        CallCommand::Choose { question, choice } => {
            // A nought is none of them.
            Action::Choose { question: *question, choice: choice.filter(|choice| *choice > 0) }
        }
    })
}

fn dial(args: &DialArgs) -> Request {
    match &args.number {
        Some(number) => Request::Action(Action::Dial {
            text: number.clone(),
            source: Source::Typed,
            account: args.account.map(AccountId),
            withhold: args.withhold,
        }),
        None => Request::Ask(Ask::DialSelection { account: args.account }),
    }
}

/// Asks the running agent and prints what it says.
pub(crate) async fn ask(common: &Common, request: Request) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    match client.ask(&request).await? {
        Answer::Done { reply, .. } => {
            let question = matches!(reply, Reply::Question { .. });
            print::reply(common, &reply);
            Ok(if question { Exit::Question } else { Exit::Ok })
        }
        Answer::Refused { refusal } => Err(Failure::new(refusal.code.into(), refusal.text)),
        Answer::Malformed { text } => Err(Failure::new(Exit::Failed, text)),
        Answer::Hello { .. } => Err(Failure::new(Exit::Failed, "the agent answered another question")),
    }
}

/// `trayphone mute`: says how it is now, for whoever asked for the other way round does not know.
pub(crate) async fn mute(common: &Common, command: &CallCommand) -> Result<Exit, Failure> {
    let exit = ask(common, request(command)).await?;
    if !common.json {
        let mut client = Client::connect(common).await?;
        if let Answer::Done { reply: Reply::Status(status), .. } = client.ask(&self::status()).await? {
            print::line(if status.muted { "the microphone is muted" } else { "the microphone is open" });
        }
    }
    Ok(exit)
}

/// Prints every notice until the agent ends.
pub(crate) async fn events(common: &Common) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    client.send(&Request::Ask(Ask::Events {})).await?;
    let deaf = crate::platform::nobody_reads();
    let mut deaf = std::pin::pin!(deaf);
    loop {
        // A reader who goes is noticed at once and not with the next event, which may come tomorrow.
        let line = tokio::select! {
            line = client.line() => line?,
            () = &mut deaf => return Ok(Exit::Ok),
        };
        let Some(line) = line else { return Ok(Exit::Ok) };
        if !print::line(&print::plain_json(&line)) {
            return Ok(Exit::Ok);
        }
    }
}

/// `trayphone status`.
pub(crate) fn status() -> Request {
    Request::Action(Action::Status)
}
