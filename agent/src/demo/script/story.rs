//! The story itself, step by step.

use super::{
    check::{digits, heard},
    journal::{self, Kept},
};
use crate::{
    demo::{
        child::{DemoAgent, Start, command},
        fault::Fault,
        stage::{
            CALLER, CALLER_COMPANY, CALLER_NAME, CALLER_PAGE, EXTENSION, EXTENSION_TONE_HZ, OUR_TONE_HZ,
            Stage, THEIR_TONE_HZ, TONE_DBOV,
        },
        timeline::{Timeline, Verdict},
        tray::TrayWatch,
        witness::{Browser, Toast, ToastWatch},
    },
    exit::Failure,
};
use agent_core::{
    action::{CallState, CallStatus, Notice},
    journal::Outcome,
    port::sip::{CallEnd, Registration},
    text,
    time::UnixMillis,
};
use agent_exchange::{CallerCall, Extension, Ring};
use agent_media::measure;
use std::time::Duration;

/// How long a step may take. Far longer than it does: a slow computer is no fault.
const PATIENCE: Duration = Duration::from_secs(10);
/// A registrar that is silent is silent for longer than this.
const SILENCE: Duration = Duration::from_secs(4);
/// How long a caller must stay a mere number before we say that nobody knows them.
const NAMELESS: Duration = Duration::from_secs(4);
/// What the agent has said already is read within this time.
const SAID: Duration = Duration::from_millis(500);
/// How long both sides talk.
const TALK: Duration = Duration::from_secs(3);

/// The story could not go on; the timeline says where and why.
pub(crate) struct Stopped;

type Told<T = ()> = Result<Result<T, Stopped>, Failure>;

/// Goes on with what a step brought, or ends the story.
macro_rules! told {
    ($step:expr) => {
        match $step? {
            Ok(value) => value,
            Err(stopped) => return Ok(Err(stopped)),
        }
    };
}

/// One telling.
pub(crate) struct Story<'a> {
    stage: &'a Stage,
    fault: Option<Fault>,
    desktop: bool,
    toasts: Option<ToastWatch>,
    tray: Option<TrayWatch>,
    browser: Option<Browser>,
    /// By the wall clock, as the journal has it.
    begun: UnixMillis,
}

impl<'a> Story<'a> {
    /// Nothing has happened yet.
    pub(crate) fn new(stage: &'a Stage, fault: Option<Fault>, desktop: bool) -> Self {
        let (toasts, tray, browser) = (None, None, None);
        Self { stage, fault, desktop, toasts, tray, browser, begun: journal::wall() }
    }

    /// Tells it to the end, or to the first step that fails.
    pub(crate) async fn tell(mut self, time: &mut Timeline) -> Told {
        told!(self.prepare(time).await);
        time.enter("ready");
        let mut agent = DemoAgent::start(&self.start()).await?;
        let connecting = told!(self.connecting(time).await);
        told!(self.ready(&mut agent, time).await);
        told!(self.turned(connecting, time).await);
        time.enter("ringing");
        let caller = self.ring()?;
        told!(self.rings(&caller, &mut agent, time).await);
        if self.fault == Some(Fault::CallerGivesUp) {
            told!(self.given_up(&caller, &mut agent, time).await);
        } else {
            told!(self.talks(caller, &mut agent, time).await);
            told!(self.dials(&mut agent, time).await);
            told!(self.misses(&mut agent, time).await);
        }
        time.enter("quit");
        agent.quit().await?;
        self.remembers(time).await
    }

    fn fail<T>(time: &mut Timeline, step: &'static str, seen: impl Into<String>) -> Told<T> {
        time.note(step, Verdict::Failed, seen);
        Ok(Err(Stopped))
    }

    /// What a broken thing leads to is degraded when it is what was broken, else a failure.
    fn less<T>(
        &self,
        time: &mut Timeline,
        step: &'static str,
        meant: &[Fault],
        seen: String,
        then: T,
    ) -> Told<T> {
        if self.fault.is_some_and(|fault| meant.contains(&fault)) {
            time.note(step, Verdict::Degraded, seen);
            return Ok(Ok(then));
        }
        Self::fail(time, step, seen)
    }

    async fn prepare(&mut self, time: &mut Timeline) -> Told {
        time.note("exchange", Verdict::Done, format!("listens on {}", self.stage.exchange.address()));
        time.enter("plugin");
        self.stage.install_plugin(self.fault).await?;
        time.note("plugin", Verdict::Done, "installed, with what it asked for granted");
        if self.fault != Some(Fault::NoBrowser) {
            match Browser::register(self.stage.folder()) {
                Ok(browser) => self.browser = Some(browser),
                Err(text) => return Self::fail(time, "browser", text),
            }
        }
        if self.desktop && self.fault != Some(Fault::NoToastServer) {
            match ToastWatch::begin() {
                Ok(watch) => self.toasts = Some(watch),
                Err(text) => return Self::fail(time, "toast server", text),
            }
            let account = format!("{EXTENSION}@{}", self.stage.exchange.address());
            match TrayWatch::begin(&account).await {
                Ok(watch) => self.tray = Some(watch),
                Err(text) => return Self::fail(time, "tray", text),
            }
            // So that there is time to see the tray connecting.
            self.stage.exchange.faults().registrar_slow(true);
        }
        Ok(Ok(()))
    }

    fn start(&self) -> Start {
        let mut environment = self.stage.environment(self.fault);
        match &self.browser {
            Some(browser) => environment.extend(browser.environment(self.stage.folder(), self.desktop)),
            // An empty PATH holds no opener and no browser.
            None => environment.extend([("PATH", String::new()), ("BROWSER", String::new())]),
        }
        if self.fault == Some(Fault::NoToastServer) {
            let nowhere = self.stage.folder().join("no-bus");
            environment.push(("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", nowhere.display())));
        }
        // Without a screen the agent says so once and goes on; pages still find their browser.
        Start { profile: self.stage.profile(), headless: false, files: true, environment }
    }

    /// The tray says that the agent is connecting, as long as the registrar keeps it waiting.
    async fn connecting(&self, time: &mut Timeline) -> Told<Option<String>> {
        let Some(tray) = &self.tray else { return Ok(Ok(None)) };
        let Some(said) = tray.wait(&text::STATE_CONNECTING, PATIENCE).await else {
            return Self::fail(time, "tray", "no tray shows that the agent is connecting");
        };
        self.stage.exchange.faults().registrar_slow(false);
        Ok(Ok(Some(said)))
    }

    /// The tray says that it is ready.
    async fn turned(&self, connecting: Option<String>, time: &mut Timeline) -> Told {
        let (Some(tray), Some(connecting)) = (&self.tray, connecting) else { return Ok(Ok(())) };
        match tray.wait(&text::STATE_READY, PATIENCE).await {
            Some(ready) => {
                let seen = format!("{connecting:?} became {ready:?}, as the session bus shows it");
                time.note("tray", Verdict::Done, seen);
                Ok(Ok(()))
            }
            None => Self::fail(time, "tray", format!("it goes on saying {connecting:?}")),
        }
    }

    async fn ready(&self, agent: &mut DemoAgent, time: &mut Timeline) -> Told {
        let patience = if self.fault == Some(Fault::RegistrarSilent) { SILENCE } else { PATIENCE };
        let settled = agent.wait(patience, |notice| match notice {
            Notice::Registration { registration: registration @ Registration::Failed { .. }, .. } => {
                Some(registration.clone())
            }
            _ => None,
        });
        // The agent may have registered before we listened: the exchange knows.
        let registered = self.stage.exchange.registered(EXTENSION, true, patience);
        tokio::select! {
            Ok(()) = registered => {
                let at = self.stage.exchange.address();
                time.note("ready", Verdict::Done, format!("{EXTENSION} is registered at {at}, as the exchange says"));
                Ok(Ok(()))
            }
            Some((_, state)) = settled, if self.fault.is_some() => {
                let words = crate::commands::print::registration(&state);
                Self::fail(time, "ready", words)
            }
            else => {
                let says = agent.command(&["status"]).await?;
                let seen = format!("nothing is registered after {} s; the agent says: {}", patience.as_secs(), first_line(&says));
                Self::fail(time, "ready", seen)
            }
        }
    }

    fn ring(&self) -> Result<CallerCall, Failure> {
        let ring = Ring::new(EXTENSION, CALLER).playing(THEIR_TONE_HZ, TONE_DBOV);
        self.stage.exchange.ring(&ring).map_err(|error| Failure::other("the caller", error))
    }

    async fn rings(&self, caller: &CallerCall, agent: &mut DemoAgent, time: &mut Timeline) -> Told {
        match caller.ringing(PATIENCE).await {
            Ok(at) => {
                let after = at.saturating_duration_since(caller.state().placed).as_secs_f64() * 1000.0;
                time.note(
                    "ringing",
                    Verdict::Done,
                    format!("180 reached the caller {after:.1} ms after the INVITE"),
                );
            }
            Err(error) => return Self::fail(time, "ringing", error.to_string()),
        }
        let number = digits(CALLER);
        match self.toast(agent, PATIENCE, |text| digits(text).contains(&number)).await {
            // Without a screen there is none to break, and what is left is the same.
            Ok(text) if self.toasts.is_none() && self.misses_toasts() => {
                let left = if self.desktop { "tray, hotkey and command line" } else { "the command line" };
                let seen = format!("no toast server; {left} still show {text}");
                told!(self.less(time, "toast", &[Fault::NoToastServer], seen, ()));
            }
            Ok(text) => time.note("toast", Verdict::Done, text),
            Err(seen) => return Self::fail(time, "toast", format!("the number is not shown: {seen}")),
        }
        if self.fault == Some(Fault::CallerGivesUp) {
            return Ok(Ok(()));
        }
        let name = |text: &str| text.contains(CALLER_NAME) && text.contains(CALLER_COMPANY);
        let patience = if self.nameless() { NAMELESS } else { PATIENCE };
        match self.toast(agent, patience, name).await {
            Ok(text) => time.note("named", Verdict::Done, text),
            Err(seen) => {
                let meant = [Fault::CrmDown, Fault::CrmSilent, Fault::PluginTrap];
                let seen = format!("nobody knows the caller: the toast stays with the number ({seen})");
                told!(self.less(time, "named", &meant, seen, ()));
            }
        }
        Ok(Ok(()))
    }

    fn nameless(&self) -> bool {
        matches!(self.fault, Some(Fault::CrmDown | Fault::CrmSilent | Fault::PluginTrap))
    }

    /// Toasts are to be seen, or were to be broken.
    fn misses_toasts(&self) -> bool {
        self.desktop || self.fault == Some(Fault::NoToastServer)
    }

    /// The text of a toast that fits, with who shows it; the error is a sentence on why there is none.
    async fn toast(
        &self,
        agent: &mut DemoAgent,
        within: Duration,
        fits: impl Fn(&str) -> bool,
    ) -> Result<String, String> {
        if let Some(watch) = &self.toasts {
            // The watch blocks, and the agent is another process: nothing of ours waits for this thread.
            let both = |toast: &Toast| format!("{} | {}", toast.summary, toast.body);
            let (toast, id) = watch.wait(within, |toast| fits(&both(toast)))?;
            let text = both(&toast);
            return Ok(format!("{text:?}, as the session bus shows it: the toast server took it as {id}"));
        }
        let found = agent.wait(within, |notice| match notice {
            Notice::Toast { text: Some((title, line)), .. } => {
                let text = format!("{title} | {line}");
                fits(&text).then_some(text)
            }
            _ => None,
        });
        match found.await {
            Some((_, text)) => Ok(format!("{text:?}, as `trayphone events` shows it")),
            None => Err("`trayphone events` shows no such toast".to_owned()),
        }
    }

    async fn given_up(&self, caller: &CallerCall, agent: &mut DemoAgent, time: &mut Timeline) -> Told {
        time.enter("answered");
        caller.hang_up();
        let gone = wait_for_end(agent).await;
        match gone {
            Some(call) if call.outcome == Some(Outcome::Missed) => {
                let seen = "the caller hung up first: the call is missed".to_owned();
                self.less(time, "answered", &[Fault::CallerGivesUp], seen, ())
            }
            other => {
                Self::fail(time, "answered", format!("the caller hung up, and the agent says {other:?}"))
            }
        }
    }

    async fn talks(&self, caller: CallerCall, agent: &mut DemoAgent, time: &mut Timeline) -> Told {
        time.enter("answered");
        let how = match &self.tray {
            Some(tray) => match tray.click(&text::ANSWER_WHO) {
                Ok(entry) => format!("{entry:?} was clicked in the tray's menu, over the session bus"),
                Err(seen) => return Self::fail(time, "answered", seen),
            },
            None => {
                agent.command(&["answer"]).await?;
                "`trayphone answer`".to_owned()
            }
        };
        match caller.answered(PATIENCE).await {
            Ok(_) => time.note("answered", Verdict::Done, format!("{how}; 200 reached the caller")),
            Err(error) => return Self::fail(time, "answered", error.to_string()),
        }
        told!(self.pops(agent, time).await);
        tokio::time::sleep(TALK).await;
        caller.hang_up();
        let ended = wait_for_end(agent).await;
        let there = heard(&caller.recording().tone_between(OUR_TONE_HZ), TONE_DBOV);
        match there {
            Ok(seen) => time.note("heard there", Verdict::Done, seen),
            Err(seen) => return Self::fail(time, "heard there", seen),
        }
        match self.hears(THEIR_TONE_HZ, 0) {
            Ok(seen) => time.note("heard here", Verdict::Done, seen),
            Err(seen) => return Self::fail(time, "heard here", seen),
        }
        match ended {
            Some(call) if call.outcome == Some(Outcome::Answered) => {
                time.note("hung up", Verdict::Done, "by the caller; the agent says so, too");
                Ok(Ok(()))
            }
            other => Self::fail(time, "hung up", format!("the caller hung up, and the agent says {other:?}")),
        }
    }

    /// Whether the agent heard a tone as it was played, after the first `before` samples; in a sentence either way.
    fn hears(&self, tone_hz: f64, before: usize) -> Result<String, String> {
        let (samples, rate) = measure::read_wav(&self.stage.heard())?;
        let samples = samples.get(before..).unwrap_or_default();
        heard(&measure::tone_between(samples, rate, tone_hz), TONE_DBOV)
    }

    async fn pops(&self, agent: &mut DemoAgent, time: &mut Timeline) -> Told {
        let Some(browser) = &self.browser else {
            let says = page_failed(agent, PATIENCE).await.unwrap_or("nothing at all".to_owned());
            return Self::fail(
                time,
                "screen pop",
                format!("no page reached a browser; the agent says: {says}"),
            );
        };
        let patience = if self.nameless() { Duration::from_secs(1) } else { PATIENCE };
        match browser.wait(patience).await {
            Some(page) if page.ends_with(CALLER_PAGE) => {
                let how = if self.desktop { "the handler registered for http" } else { "$BROWSER" };
                time.note("screen pop", Verdict::Done, format!("{page}, by {how}"));
            }
            Some(page) => return Self::fail(time, "screen pop", format!("the browser was sent to {page}")),
            None => {
                let meant = [Fault::CrmDown, Fault::CrmSilent, Fault::PluginTrap];
                let seen = match unopened(agent).await {
                    Some(seen) => return Self::fail(time, "screen pop", seen),
                    None => "no record, no page".to_owned(),
                };
                told!(self.less(time, "screen pop", &meant, seen, ()));
            }
        }
        Ok(Ok(()))
    }

    async fn dials(&self, agent: &mut DemoAgent, time: &mut Timeline) -> Told {
        time.enter("dialled");
        // Both calls are heard into one file.
        let before = measure::read_wav(&self.stage.heard()).map_or(0, |(samples, _)| samples.len());
        agent.command(&["dial", Extension::Tone.number()]).await?;
        let up = agent.wait(PATIENCE, |notice| match notice {
            Notice::Call(call) if call.state == CallState::Established => Some(()),
            _ => None,
        });
        if up.await.is_none() {
            return Self::fail(time, "dialled", "the tone extension did not answer");
        }
        tokio::time::sleep(TALK).await;
        agent.command(&["hangup"]).await?;
        let Some(call) = self.stage.exchange.last_call_to(Extension::Tone) else {
            return Self::fail(time, "dialled", "the exchange knows of no call to the tone extension");
        };
        match call.ended(PATIENCE).await {
            Ok(CallEnd::RemoteHangup) => {}
            Ok(other) => {
                return Self::fail(time, "dialled", format!("the exchange saw the call end as {other:?}"));
            }
            Err(error) => return Self::fail(time, "dialled", error.to_string()),
        }
        // The file is complete when the agent says that the call is over.
        if wait_for_end(agent).await.is_none() {
            return Self::fail(time, "dialled", "the agent does not say that the call is over");
        }
        match self.hears(EXTENSION_TONE_HZ, before) {
            Ok(seen) => {
                time.note("dialled", Verdict::Done, format!("601 answered: {seen}; our BYE reached it"));
                Ok(Ok(()))
            }
            Err(seen) => Self::fail(time, "dialled", format!("601 answered, but: {seen}")),
        }
    }

    async fn misses(&self, agent: &mut DemoAgent, time: &mut Timeline) -> Told {
        time.enter("missed");
        let caller = self.ring()?;
        if let Err(error) = caller.ringing(PATIENCE).await {
            return Self::fail(time, "missed", error.to_string());
        }
        caller.hang_up();
        let incoming = agent.wait(PATIENCE, |notice| match notice {
            Notice::Call(call) if call.outcome == Some(Outcome::Missed) => Some(()),
            _ => None,
        });
        if incoming.await.is_none() {
            return Self::fail(time, "missed", "a call nobody took is not said to be missed");
        }
        time.note("missed", Verdict::Done, "a second call, taken by nobody");
        Ok(Ok(()))
    }

    /// The journal, read by another process after the agent is gone.
    async fn remembers(&self, time: &mut Timeline) -> Told {
        time.enter("journal");
        let agent = DemoAgent::start(&self.start()).await?;
        let text = command(&self.stage.profile(), &["journal", "--json"]).await?;
        agent.quit().await?;
        let name = (!self.nameless()).then_some(CALLER_NAME);
        let missed = Kept::incoming(CALLER, None, Outcome::Missed);
        let meant = match self.fault {
            Some(Fault::CallerGivesUp) => vec![missed],
            _ => vec![
                Kept::incoming(CALLER, name, Outcome::Answered),
                Kept::dialled(Extension::Tone.number(), Outcome::Answered),
                missed,
            ],
        };
        match journal::as_it_was(&text, &meant, self.begun..=journal::wall()) {
            Ok(seen) => {
                time.note("journal", Verdict::Done, seen);
                Ok(Ok(()))
            }
            Err(seen) => Self::fail(time, "journal", seen),
        }
    }
}

/// What the agent says when a page could not be opened, in whichever language.
fn about_page(said: &str) -> bool {
    [text::PAGE_FAILED.en, text::PAGE_FAILED.de, text::PAGE_FAILED.fr]
        .iter()
        .any(|title| said.starts_with(title))
}

/// Why a record that was found stands in no browser; `None` when none was found. The agent has said it by now.
async fn unopened(agent: &mut DemoAgent) -> Option<String> {
    let record = agent.wait(SAID, |notice| match notice {
        Notice::ScreenPop { url, .. } => Some(url.clone()),
        _ => None,
    });
    let (_, url) = record.await?;
    let why = page_failed(agent, SAID).await.unwrap_or_default();
    Some(format!("the record is {url}, and nothing opened it. {why}"))
}

/// What the agent says about a page that could not be opened.
async fn page_failed(agent: &mut DemoAgent, within: Duration) -> Option<String> {
    let says = agent.wait(within, |notice| match notice {
        Notice::Error { text } if about_page(text) => Some(text.clone()),
        _ => None,
    });
    says.await.map(|(_, text)| text)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("nothing")
}

async fn wait_for_end(agent: &mut DemoAgent) -> Option<CallStatus> {
    let ended = agent.wait(PATIENCE, |notice| match notice {
        Notice::Call(call) if call.state == CallState::Terminated => Some((**call).clone()),
        _ => None,
    });
    ended.await.map(|(_, call)| call)
}
