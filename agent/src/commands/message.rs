//! `trayphone message`: writes to somebody and waits for what becomes of it, or shows what was written.

use super::{call, print};
use crate::{
    api::{
        client::Client,
        protocol::{Answer, Ask, Request},
    },
    cli::{Common, MessageArgs},
    exit::{Exit, Failure},
};
use agent_core::{
    action::{Action, FeatureAction, MessageState, MessageStatus, Notice, Reply},
    id::AccountId,
    journal::Direction,
};
use std::io::Read;

/// The most that is read from stdin: more than can be sent, so that what is too long is said to be.
const MOST_READ: u64 = 64 * 1024;

/// Sends one, and ends once it is known whether it was taken; or lists them.
pub(crate) async fn run(common: &Common, args: &MessageArgs) -> Result<Exit, Failure> {
    let (Some(to), Some(text)) = (args.to.clone(), args.text.clone()) else { return list(common).await };
    let text = if text == "-" { typed()? } else { text };
    let account = args.account.map(AccountId);
    // Heard from before it is asked for: its end may come before the answer.
    let mut listener = Client::connect(common).await?;
    listener.send(&Request::Ask(Ask::Events {})).await?;
    listener.line().await?;
    let mut client = Client::connect(common).await?;
    let request = Request::Action(Action::Feature(FeatureAction::Message { account, to, text }));
    let reply = match client.ask(&request).await? {
        Answer::Done { reply, .. } => reply,
        Answer::Refused { refusal } => return Err(Failure::new(refusal.code.into(), refusal.text)),
        Answer::Malformed { text } => return Err(Failure::new(Exit::Failed, text)),
        Answer::Hello { .. } => {
            return Err(Failure::new(Exit::Failed, "the agent answered another question"));
        }
    };
    let Reply::Message { message } = reply else {
        print::reply(common, &reply);
        return Ok(Exit::Ok);
    };
    let said = end(&mut listener, message).await?;
    if common.json {
        print::json(&said);
    } else if said.state != MessageState::Failed {
        print::line(state(said.state));
    }
    match (said.state, said.why) {
        (MessageState::Failed, why) => Err(Failure::new(Exit::Failed, why.unwrap_or_default())),
        _ => Ok(Exit::Ok),
    }
}

/// What became of a message.
async fn end(listener: &mut Client, message: u64) -> Result<MessageStatus, Failure> {
    while let Some(line) = listener.line().await? {
        if let Ok(Notice::Message(said)) = serde_json::from_str(&line)
            && said.message == message
            && said.state != MessageState::Sending
        {
            return Ok(*said);
        }
    }
    Err(Failure::new(Exit::Quitting, "the agent ended before it was known whether the message was taken"))
}

async fn list(common: &Common) -> Result<Exit, Failure> {
    let mut client = Client::connect(common).await?;
    let Answer::Done { reply: Reply::Status(status), .. } = client.ask(&call::status()).await? else {
        return Err(Failure::new(Exit::Failed, "the agent answered another question"));
    };
    if status.messages.is_empty() && !common.json {
        print::line("no messages yet");
    }
    for said in &status.messages {
        let more =
            if common.json { print::json(said) } else { lines(said).iter().all(|line| print::line(line)) };
        if !more {
            break;
        }
    }
    Ok(Exit::Ok)
}

/// The text from stdin, without the line end a shell puts behind it.
fn typed() -> Result<String, Failure> {
    let mut text = String::new();
    let mut stdin = std::io::stdin().lock().take(MOST_READ);
    stdin.read_to_string(&mut text).map_err(|error| Failure::other("the text could not be read", error))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn state(state: MessageState) -> &'static str {
    match state {
        MessageState::Received => "received",
        MessageState::Sending => "on its way",
        MessageState::Sent => "sent",
        MessageState::Kept => "taken by the PBX, which keeps it for them",
        MessageState::Failed => "not sent",
    }
}

/// One in words: a line about it, and the text indented, so that no line of a stranger's looks like one of ours.
fn lines(said: &MessageStatus) -> Vec<String> {
    let arrow = if said.direction == Direction::Incoming { "from" } else { "to  " };
    let why = said.why.as_deref().map(|why| format!(": {}", print::tame(why))).unwrap_or_default();
    let head = format!(
        "{}  {arrow} {}  {}{why}",
        print::time(said.at),
        print::who(&said.party, None),
        state(said.state)
    );
    let text = said.text.lines().map(|line| format!("    {}", print::tame(line)));
    std::iter::once(head).chain(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::{party::Party, time::UnixMillis};

    #[test]
    fn a_strangers_lines_look_like_none_of_ours() {
        let said = MessageStatus {
            message: 1,
            account: AccountId(0),
            direction: Direction::Incoming,
            party: Party { number: "1002".to_owned(), ..Party::default() },
            text: "hello\n2026-01-01 00:00:00  from 1003  received\n\u{1b}[2Jgone".to_owned(),
            at: UnixMillis(0),
            call: None,
            state: MessageState::Received,
            why: None,
        };
        let lines = lines(&said);
        assert!(lines[0].ends_with("from 1002  received"), "{}", lines[0]);
        assert!(lines[1..].iter().all(|line| line.starts_with("    ") && !line.contains('\u{1b}')));
        assert_eq!(lines.len(), 4);
    }
}
