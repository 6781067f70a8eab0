//! Serves one connection of the local API.

use super::{
    hub::Hub,
    protocol::{Answer, Ask, LONGEST_LINE, Request, VERSION, notice_line},
};
use crate::funnel::Funnel;
use agent_core::{
    action::{Action, Notice, Refusal, RefusalCode, Reply, Source},
    certificate::Fingerprint,
    id::AccountId,
    port::{Event, host::HostCommand},
    secret::Secret,
};
use std::sync::Arc;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    sync::{Semaphore, broadcast::error::RecvError},
};

/// Connections served at once; one more is turned away with a sentence.
pub(crate) const MOST_CONNECTIONS: usize = 64;

/// Takes the password of the account of that address; the error is a sentence.
type TakePassword = Arc<dyn Fn(&str, Secret) -> Result<(), String> + Send + Sync>;

/// Takes another key for the PBX of the account of that address; blocks, and the error is a sentence.
type TakeKey = Arc<dyn Fn(&str, Fingerprint) -> Result<(), String> + Send + Sync>;

/// Reads the settings file anew; answers what of it only a new start takes over, or why it is not taken over.
type Reload = Arc<dyn Fn() -> Result<Vec<String>, String> + Send + Sync>;

/// What a connection needs of the agent.
#[derive(Clone)]
pub(crate) struct Desk {
    /// Where clients find the agent, for `status`.
    pub place: String,
    /// Answers and notices.
    pub hub: Hub,
    /// The way in.
    pub funnel: Funnel,
    /// Reads what is selected on the desktop; blocks for at most a second.
    pub selection: Arc<dyn Fn() -> Result<String, String> + Send + Sync>,
    /// Hands a command to the plugins.
    pub plugins: Arc<dyn Fn(HostCommand) + Send + Sync>,
    /// Reads the settings file anew; blocks until that is done.
    pub(crate) reload: Reload,
    /// Takes a password for this run.
    pub password: TakePassword,
    /// Takes another key for an account.
    pub trust: TakeKey,
    /// Places for connections.
    pub places: Arc<Semaphore>,
}

/// Speaks with one client until it goes.
pub(crate) async fn serve<S>(stream: S, desk: Desk)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (read, mut write) = tokio::io::split(stream);
    let Ok(_place) = desk.places.clone().try_acquire_owned() else {
        let text = format!("{MOST_CONNECTIONS} programs are connected already: end one of them");
        let _ = say(&mut write, &Answer::Malformed { text }).await;
        return;
    };
    let mut lines = BufReader::new(read);
    while let Some(line) = next_line(&mut lines).await {
        let answer = match line.and_then(|line| Request::parse(&line).map_err(Wrong::Line)) {
            Err(Wrong::Line(text)) => Answer::Malformed { text },
            Err(Wrong::Endless(text)) => {
                let _ = say(&mut write, &Answer::Malformed { text }).await;
                return;
            }
            Ok(Request::Ask(Ask::Events {})) => return stream_events(&desk, lines, write).await,
            Ok(Request::Action(action)) => act(&desk, action).await,
            Ok(Request::Ask(ask)) => other(&desk, ask).await,
        };
        if say(&mut write, &answer).await.is_err() {
            return;
        }
    }
}

/// Why a line is no request; the sentence is for the client.
enum Wrong {
    /// The next line may be one.
    Line(String),
    /// It is too long: what follows is the rest of it, and never an order.
    Endless(String),
}

/// The next line; `None` at the end.
async fn next_line<R: AsyncRead + Unpin>(lines: &mut BufReader<R>) -> Option<Result<String, Wrong>> {
    let mut line = Vec::new();
    let read = lines.take(LONGEST_LINE as u64).read_until(b'\n', &mut line).await.ok()?;
    if read == 0 {
        return None;
    }
    if line.last() != Some(&b'\n') && read >= LONGEST_LINE {
        return Some(Err(Wrong::Endless(format!("a line may hold at most {LONGEST_LINE} bytes"))));
    }
    Some(String::from_utf8(line).map_err(|_| Wrong::Line("a line must be UTF-8".to_owned())))
}

async fn say<W: AsyncWrite + Unpin>(write: &mut W, answer: &Answer) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(answer).map_err(std::io::Error::other)?;
    line.push(b'\n');
    write.write_all(&line).await?;
    write.flush().await
}

async fn act(desk: &Desk, action: Action) -> Answer {
    let (request, hear) = desk.hub.ask();
    desk.funnel.tell(Event::User { request: Some(request), action });
    let mut answer = heard(hear.await.ok());
    if let Answer::Done { reply: Reply::Status(status), .. } = &mut answer {
        status.socket = Some(desk.place.clone());
    }
    answer
}

fn heard(outcome: Option<super::hub::Outcome>) -> Answer {
    match outcome {
        Some(Ok(reply)) => Answer::done(reply),
        Some(Err(refusal)) => Answer::Refused { refusal },
        // The loop ended with the request inside.
        None => refused(RefusalCode::Quitting, "the agent is winding up".to_owned()),
    }
}

fn refused(code: RefusalCode, text: String) -> Answer {
    Answer::Refused { refusal: Refusal { code, text } }
}

async fn other(desk: &Desk, ask: Ask) -> Answer {
    match ask {
        Ask::Events {} => Answer::Hello { version: VERSION },
        Ask::DialSelection { account } => {
            let selection = desk.selection.clone();
            let read = tokio::task::spawn_blocking(move || selection()).await;
            let text = match read {
                Ok(Ok(text)) => text,
                Ok(Err(text)) => return refused(RefusalCode::NotANumber, text),
                Err(error) => return refused(RefusalCode::NotANumber, error.to_string()),
            };
            act(
                desk,
                Action::Dial {
                    text,
                    source: Source::Selection,
                    account: account.map(AccountId),
                    withhold: false,
                },
            )
            .await
        }
        Ask::ReloadPlugins {} => {
            (desk.plugins)(HostCommand::Reload);
            Answer::done(Reply::Done)
        }
        Ask::ReloadSettings {} => {
            let reload = desk.reload.clone();
            match tokio::task::spawn_blocking(move || reload()).await {
                Ok(Ok(restart)) => Answer::Done { reply: Reply::Done, restart },
                Ok(Err(text)) => refused(RefusalCode::NotAllowed, text),
                Err(error) => refused(RefusalCode::NotAllowed, error.to_string()),
            }
        }
        Ask::Trust { aor, key } => {
            let trust = desk.trust.clone();
            match tokio::task::spawn_blocking(move || trust(&aor, key)).await {
                Ok(Ok(())) => Answer::done(Reply::Done),
                Ok(Err(text)) => refused(RefusalCode::NotAllowed, text),
                Err(error) => refused(RefusalCode::NotAllowed, error.to_string()),
            }
        }
        Ask::Password { aor, password } => match (desk.password)(&aor, Secret::new(password)) {
            Ok(()) => Answer::done(Reply::Done),
            Err(text) => refused(RefusalCode::NotAllowed, text),
        },
    }
}

/// The registrations, the calls, what is watched and the troubles there are, as notices.
async fn how_things_stand(desk: &Desk) -> Vec<Notice> {
    let Answer::Done { reply: Reply::Status(status), .. } = act(desk, Action::Status).await else {
        return Vec::new();
    };
    let accounts = status.accounts.into_iter().map(|it| Notice::Registration {
        account: it.account,
        aor: it.aor,
        registration: it.registration,
    });
    let calls = status.calls.into_iter().map(|call| Notice::Call(Box::new(call)));
    let watched = status.watched;
    let lines = watched.lines.into_iter().map(Notice::Line);
    let people = watched.people.into_iter().map(Notice::Presence);
    let mail = watched.mailboxes.into_iter().map(Notice::Mwi);
    let phones = watched.phones.into_iter().map(Notice::Phones);
    let troubles = status.troubles.into_iter().map(|text| Notice::Error { text });
    let features = status.features.into_iter().map(Notice::Feature);
    let question = status.question.map(Notice::Question);
    let watched = lines.chain(people).chain(mail).chain(phones);
    accounts.chain(calls).chain(watched).chain(features).chain(question).chain(troubles).collect()
}

/// Streams notices until the client goes; what it still sends is read and ignored, so that its going is seen.
async fn stream_events<R, W>(desk: &Desk, mut lines: BufReader<R>, mut write: W)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut notices = desk.hub.listen();
    if say(&mut write, &Answer::Hello { version: VERSION }).await.is_err() {
        return;
    }
    // Whoever comes late is told how things stand, in the words of the events that were.
    for notice in how_things_stand(desk).await {
        if write.write_all(format!("{}\n", notice_line(&notice)).as_bytes()).await.is_err() {
            return;
        }
    }
    let mut ignored = [0; 256];
    loop {
        let line: Arc<str> = tokio::select! {
            read = lines.read(&mut ignored) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => continue,
            },
            notice = notices.recv() => match notice {
                Ok(line) => line,
                Err(RecvError::Closed) => return,
                Err(RecvError::Lagged(lost)) => {
                    let text = format!("this listener was too slow: {lost} events were dropped");
                    notice_line(&Notice::Error { text }).into()
                }
            },
        };
        let written = async {
            write.write_all(line.as_bytes()).await?;
            write.write_all(b"\n").await?;
            write.flush().await
        };
        if written.await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> Desk {
        Desk {
            place: "/run/agent.sock".to_owned(),
            hub: Hub::new(),
            funnel: Funnel::default(),
            selection: Arc::new(|| Ok("+49 30 1".to_owned())),
            plugins: Arc::new(|_| ()),
            reload: Arc::new(|| Ok(vec!["a tone".to_owned()])),
            password: Arc::new(|_, _| Err("no such account".to_owned())),
            trust: Arc::new(|_, _| Err("no such account".to_owned())),
            places: Arc::new(Semaphore::new(1)),
        }
    }

    /// A loop that has nothing to say.
    async fn answer_everything(desk: Desk) {
        loop {
            desk.funnel.arrived().await;
            while let Some(Event::User { request: Some(request), .. }) = desk.funnel.next() {
                desk.hub.answer(request, Ok(Reply::Done));
            }
        }
    }

    /// Sends lines, reads as many answers, with a loop that answers everything with `Done`.
    async fn talk(lines: &[u8], answers: usize) -> Vec<String> {
        let desk = desk();
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let served = tokio::spawn(serve(theirs, desk.clone()));
        let answering = tokio::spawn(answer_everything(desk.clone()));
        let (read, mut write) = tokio::io::split(ours);
        write.write_all(lines).await.expect("the pipe stands");
        let mut heard = Vec::new();
        let mut lines = BufReader::new(read).lines();
        while heard.len() < answers {
            heard.push(lines.next_line().await.expect("utf-8").expect("an answer"));
        }
        drop((lines, write));
        served.await.expect("serving ends when the client goes");
        answering.abort();
        heard
    }

    #[tokio::test]
    async fn a_request_is_answered_and_a_bad_one_does_not_end_the_talk() {
        let lines = b"nonsense\n{\"action\":\"status\"}\n{\"ask\":\"dial_selection\"}\n{\"ask\":\"reload_settings\"}\n\
            {\"ask\":\"password\",\"aor\":\"sip:1@b\",\"password\":\"x\"}\n";
        let heard = talk(lines, 5).await;
        assert!(heard[0].contains("\"type\":\"malformed\""), "{}", heard[0]);
        assert_eq!(heard[1], "{\"type\":\"done\",\"reply\":\"done\"}");
        assert_eq!(heard[2], "{\"type\":\"done\",\"reply\":\"done\"}");
        assert_eq!(heard[3], "{\"type\":\"done\",\"reply\":\"done\",\"restart\":[\"a tone\"]}");
        assert_eq!(heard[4], "{\"type\":\"refused\",\"code\":\"not_allowed\",\"text\":\"no such account\"}");
    }

    #[tokio::test]
    async fn a_line_without_end_is_refused_at_the_cap() {
        let order = b"\n{\"action\":\"status\"}\n";
        let (mut ours, theirs) = tokio::io::duplex(1 << 20);
        let served = tokio::spawn(serve(theirs, desk()));
        let words = [&vec![b'x'; LONGEST_LINE][..], order].concat();
        ours.write_all(&words).await.expect("the pipe stands");
        let mut heard = String::new();
        ours.read_to_string(&mut heard).await.expect("utf-8");
        assert!(heard.contains("at most") && heard.lines().count() == 1, "what follows is no order: {heard}");
        served.await.expect("it ends");
    }

    #[tokio::test]
    async fn events_begin_with_hello_and_stream() {
        let desk = desk();
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let served = tokio::spawn(serve(theirs, desk.clone()));
        let answering = tokio::spawn(answer_everything(desk.clone()));
        let (read, mut write) = tokio::io::split(ours);
        write.write_all(b"{\"ask\":\"events\"}\n").await.expect("the pipe stands");
        let mut lines = BufReader::new(read).lines();
        let hello = lines.next_line().await.expect("utf-8");
        assert_eq!(hello.as_deref(), Some("{\"type\":\"hello\",\"version\":1}"));
        desk.hub.publish(&Notice::Error { text: "x".to_owned() });
        let line = lines.next_line().await.expect("utf-8");
        assert_eq!(line.as_deref(), Some("{\"type\":\"error\",\"text\":\"x\"}"));
        drop((lines, write));
        served.await.expect("serving ends when the client goes");
        answering.abort();
    }
}
