//! The demo for a person: somebody rings, you answer, wherever you like.

use super::{
    child::{DemoAgent, Start, command},
    keys::{Keys, say},
    stage::{CALLER, CALLER_NAME, EXTENSION, Sound, Stage},
};
use crate::{
    commands::print,
    exit::{Exit, Failure},
};
use agent_core::{
    action::{CallState, Notice},
    journal::Direction,
    port::sip::Registration,
};
use agent_exchange::{CallerCall, Ring};
use std::time::Duration;

/// How long the demo waits before somebody rings.
const FIRST_RING: Duration = Duration::from_secs(1);
/// How long it waits for a name when nobody is there to answer.
const NAME: Duration = Duration::from_secs(3);
/// How long it talks when nobody is there to hang up.
const TALK: Duration = Duration::from_secs(10);

/// Plays it.
pub(crate) async fn play(desktop: bool) -> Result<Exit, Failure> {
    let stage = Stage::build(Sound::Devices)?;
    say(&format!(
        "The pocket exchange listens on {}, the CRM on http://{}.",
        stage.exchange.address(),
        stage.crm.address()
    ));
    say("The CRM's plugin is installed as any plugin is; it asks for this:");
    stage.install_plugin(None).await?;
    let start = Start {
        profile: stage.profile(),
        headless: !desktop,
        files: false,
        environment: stage.environment(None),
    };
    let mut agent = DemoAgent::start(&start).await?;
    let keys = Keys::take();
    let alone = keys.is_none() && !desktop;
    let mut evening =
        Evening { stage: &stage, caller: None, desktop, alone, answered: false, established: false };
    let ended = evening.pass(&mut agent, keys).await;
    drop(evening);
    // The end of a call is on the disk a moment after it is told, and at the latest when the agent has ended.
    agent.quit().await?;
    say("The journal:");
    for line in command(&stage.profile(), &["journal"]).await?.lines() {
        say(&format!("  {line}"));
    }
    say("The demo's profile is removed.");
    ended
}

/// One run of the live demo.
struct Evening<'a> {
    stage: &'a Stage,
    caller: Option<CallerCall>,
    desktop: bool,
    /// Nobody can press anything: the demo plays by itself.
    alone: bool,
    /// The demo has answered: what the call still says of its ringing asks for nothing more.
    answered: bool,
    established: bool,
}

impl Evening<'_> {
    async fn pass(&mut self, agent: &mut DemoAgent, mut keys: Option<Keys>) -> Result<Exit, Failure> {
        let mut hang_up_at: Option<tokio::time::Instant> = None;
        let mut ring_at = None;
        let mut answer_at = None;
        let mut end = std::pin::pin!(crate::platform::asked_to_end());
        loop {
            let key = async {
                match &mut keys {
                    Some(keys) => keys.next().await,
                    None => std::future::pending().await,
                }
            };
            let alarm = |at: Option<tokio::time::Instant>| async move {
                match at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                notice = agent.next() => {
                    let Some((at, notice)) = notice else {
                        return Err(Failure::new(Exit::Failed, "the agent ended"));
                    };
                    let turn = self.hear(&notice);
                    match turn {
                        Turn::On => {}
                        Turn::Ready => ring_at = Some(at + FIRST_RING),
                        Turn::Rings => answer_at = answer_at.or((!self.answered).then_some(at + NAME)),
                        Turn::Named => answer_at = answer_at.map(|_| at),
                        Turn::Talk => hang_up_at = Some(at + TALK),
                        Turn::Over => return Ok(Exit::Ok),
                        Turn::Hopeless => return Ok(Exit::Failed),
                    }
                }
                key = key => match key {
                    Some('q') | None => return Ok(Exit::Ok),
                    Some(key) => self.press(agent, key).await,
                },
                () = alarm(ring_at) => {
                    ring_at = None;
                    self.ring()?;
                }
                () = alarm(answer_at) => {
                    answer_at = None;
                    self.answered = true;
                    self.ask(agent, &["answer"]).await;
                }
                () = alarm(hang_up_at) => {
                    hang_up_at = None;
                    self.ask(agent, &["hangup"]).await;
                }
                () = &mut end => return Ok(Exit::Ok),
            }
        }
    }

    fn ring(&mut self) -> Result<(), Failure> {
        let ring = Ring::new(EXTENSION, CALLER);
        self.caller =
            Some(self.stage.exchange.ring(&ring).map_err(|error| Failure::other("the caller", error))?);
        say(&format!("{CALLER} rings you (that is {CALLER_NAME}, as the CRM will say)."));
        if self.desktop {
            say(
                "Answer in the toast, in the tray menu, with Ctrl+Alt+A or with `trayphone answer` in another terminal.",
            );
        }
        if !self.alone {
            say(
                "Keys: a answer, d decline, h hang up, r ring again, 6 call the echo (600), 7 the tone (601), q quit.",
            );
        }
        Ok(())
    }

    async fn press(&mut self, agent: &DemoAgent, key: char) {
        match key {
            'a' => self.ask(agent, &["answer"]).await,
            'd' => self.ask(agent, &["decline"]).await,
            'h' => self.ask(agent, &["hangup"]).await,
            '6' => self.ask(agent, &["dial", "600"]).await,
            '7' => self.ask(agent, &["dial", "601"]).await,
            'r' => {
                if let Err(failure) = self.ring() {
                    say(&failure.text);
                }
            }
            _ => say("Keys: a answer, d decline, h hang up, r ring again, 6 echo, 7 tone, q quit."),
        }
    }

    async fn ask(&self, agent: &DemoAgent, arguments: &[&str]) {
        match agent.command(arguments).await {
            Ok(said) => said.lines().for_each(say),
            Err(failure) => say(&failure.text),
        }
    }

    /// Says what the agent says, and what that asks for.
    fn hear(&mut self, notice: &Notice) -> Turn {
        match notice {
            Notice::Registration { registration, .. } => {
                say(&format!("account: {}", print::registration(registration)));
                match registration {
                    Registration::Registered => return Turn::Ready,
                    Registration::Failed { .. } if self.alone => return Turn::Hopeless,
                    _ => {}
                }
            }
            Notice::Call(call) => {
                say(&print::call(call));
                let incoming = call.direction == Direction::Incoming;
                match call.state {
                    CallState::Incoming if self.alone && call.card.is_some() => return Turn::Named,
                    CallState::Incoming if self.alone => return Turn::Rings,
                    CallState::Established
                        if !std::mem::replace(&mut self.established, true) && self.alone =>
                    {
                        return Turn::Talk;
                    }
                    CallState::Terminated => {
                        self.established = false;
                        if incoming && self.alone {
                            return Turn::Over;
                        }
                    }
                    _ => {}
                }
            }
            Notice::Toast { text: Some((title, line)), .. } => say(&format!("toast: {title} | {line}")),
            Notice::ScreenPop { url, .. } => say(&format!("the record: {url}")),
            Notice::Error { text } => say(&format!("note: {text}")),
            _ => {}
        }
        Turn::On
    }
}

/// What the demo does next.
enum Turn {
    /// Nothing.
    On,
    /// Registered: somebody may ring.
    Ready,
    /// Nobody is there: answer when the name is known, or soon.
    Rings,
    /// The name is known.
    Named,
    /// Nobody is there: talk for a while.
    Talk,
    /// The story is told.
    Over,
    /// It cannot be told.
    Hopeless,
}
