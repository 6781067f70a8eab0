//! The agent itself: opens its doors, runs its loop, winds itself up.

use crate::{
    api::{
        hub::Hub,
        server::{self, Desk, MOST_CONNECTIONS},
    },
    cli::{Common, RunArgs},
    commands::print,
    desktop::Desktop,
    dispatch::{Dispatch, NO_FILES, admitted},
    exit::{Exit, Failure},
    funnel::Funnel,
    home,
    passwords::Passwords,
};
use agent_core::{
    Agent,
    action::Action,
    port::{Event, store::StoreEvent},
    settings::{AudioBackend, Settings},
    time::{Now, UnixMillis},
    transcript::Mask,
};
use agent_media::MediaConfig;
use agent_net::Net;
use agent_shell::{
    ShellConfig, ShellInput,
    instance::{self, InstanceError, Listener},
};
use agent_store::Profile;
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::Semaphore;

/// `trayphone run`. To be called before any thread is started.
pub(crate) fn run(common: &Common, args: &RunArgs) -> Result<Exit, Failure> {
    let profile = home::open(common)?;
    let settings = home::settings(&profile)?;
    // SAFETY: no thread runs yet, by the word above.
    unsafe { home::take_passwords(&settings) };
    let files = args.headless || args.demo;
    if settings.audio.backend == AudioBackend::Wav && !files {
        return Err(Failure::new(Exit::Settings, NO_FILES));
    }
    let funnel = Funnel::default();
    let (shell, inbox) = agent_shell::mailbox();
    if args.demo {
        end_with_stdin(funnel.clone());
    } else if !args.headless {
        crate::platform::leave_console();
    }
    let desktop = if args.headless { Desktop::Headless } else { Desktop::Shell(shell) };
    let parts = Parts { profile, funnel: funnel.clone(), desktop, files, settings: settings.clone() };
    let (started, hear) = std::sync::mpsc::channel();
    let agent = std::thread::Builder::new()
        .name("agent".to_owned())
        .spawn(move || {
            let _ending = Ending(parts.desktop.clone());
            parts.live(&started)
        })
        .map_err(|error| Failure::other("the agent's thread could not be started", error))?;
    // The desktop is touched only once the profile is ours: a second start must leave no trace on the screen.
    if hear.recv().is_ok() && !args.headless {
        let tell = Arc::new(move |input| match input {
            ShellInput::Event(event) => funnel.tell(Event::Shell(event)),
            ShellInput::Action(action) => funnel.tell(Event::User { request: None, action }),
        });
        let config = ShellConfig { hotkeys: settings.hotkeys, ..ShellConfig::default() };
        if let Err(error) = agent_shell::run(config, inbox, tell) {
            print::note(&format!("{error}; going on without a desktop"));
        }
    }
    agent
        .join()
        .unwrap_or_else(|_| Err(Failure::new(Exit::Failed, "the agent broke down; please report this")))
}

/// The agent of a demo ends with the demo, however that ends: nothing is ever written to its stdin.
fn end_with_stdin(funnel: Funnel) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        funnel.tell(Event::User { request: None, action: Action::Quit });
    });
}

/// Lets the desktop go when the agent's thread ends, also by a fault: a tray without an agent would ring nobody.
struct Ending(Desktop);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.quit();
    }
}

/// What the agent's thread starts from.
struct Parts {
    profile: Profile,
    funnel: Funnel,
    desktop: Desktop,
    files: bool,
    settings: Settings,
}

impl Parts {
    /// Opens every door, runs the loop until it is finished, closes everything.
    fn live(self, started: &std::sync::mpsc::Sender<()>) -> Result<Exit, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::other("the runtime could not be started", error))?;
        runtime.block_on(async {
            let door = instance::listen(self.profile.dir()).map_err(|error| match error {
                InstanceError::Running { .. } => Failure::new(Exit::Running, error.to_string()),
                other => Failure::new(Exit::Failed, other.to_string()),
            })?;
            let _ = started.send(());
            let dispatch = self.neighbours()?;
            let serving = tokio::spawn(serve(door, self.desk(&dispatch)));
            let signals = tokio::spawn(signals(self.funnel.clone()));
            turn(&self.funnel, &dispatch).await;
            signals.abort();
            dispatch.media.close();
            if let Err(text) = dispatch.store.close(Duration::from_secs(5)) {
                print::note(&text);
            }
            // Only now the profile is free for another agent; whoever waits for our end hears of it after that.
            serving.abort();
            let _ = serving.await;
            Ok(Exit::Ok)
        })
    }

    fn neighbours(&self) -> Result<Dispatch, Failure> {
        let passwords = Passwords::new(self.funnel.clone(), true);
        let overhear = passwords.clone();
        let store = agent_store::start(self.profile.clone(), Arc::new(move |event| overhear.overhear(event)))
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        let rows = store.clone();
        let ledger: agent_net::LedgerSink = Arc::new(move |row| rows.ledger(row));
        let net = Net::new(ledger.clone());
        let sip =
            agent_sip::start(agent_sip::SipConfig::default(), net.clone(), self.funnel.door(Event::Sip));
        let config = MediaConfig {
            audio: self.settings.audio.clone(),
            net: net.clone(),
            country: self.settings.numbers.country.clone(),
        };
        let media = agent_media::start(config, self.funnel.door(Event::Media))
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        let host = agent_host::start(home::plugins(&self.profile)?, ledger, self.funnel.door(Event::Host));
        let hub = Hub::new();
        let (desktop, files) = (self.desktop.clone(), self.files);
        Ok(Dispatch { sip, media, host, store, passwords, desktop, hub, files })
    }

    fn desk(&self, dispatch: &Dispatch) -> Desk {
        let (desktop, host, store) = (self.desktop.clone(), dispatch.host.clone(), dispatch.store.clone());
        let passwords = dispatch.passwords.clone();
        Desk {
            hub: dispatch.hub.clone(),
            funnel: self.funnel.clone(),
            selection: Arc::new(move || desktop.selection()),
            plugins: Arc::new(move |command| host.send(command)),
            reload: Arc::new(move || store.reload()),
            password: Arc::new(move |aor, secret| passwords.give(aor, secret)),
            places: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
        }
    }
}

/// The loop: one event, then every effect of it, then the next; a deadline is an event like any other.
async fn turn(funnel: &Funnel, dispatch: &Dispatch) {
    let mut agent = Agent::new();
    loop {
        while let Some(event) = funnel.next() {
            if !step(&mut agent, event, dispatch) {
                return;
            }
        }
        match agent.poll_timeout() {
            None => funnel.arrived().await,
            Some(deadline) => tokio::select! {
                () = funnel.arrived() => {}
                () = tokio::time::sleep_until(deadline.into()) => {
                    if !step(&mut agent, Event::Timeout, dispatch) {
                        return;
                    }
                }
            },
        }
    }
}

fn step(agent: &mut Agent, event: Event, dispatch: &Dispatch) -> bool {
    if tracing::enabled!(tracing::Level::DEBUG) {
        tracing::debug!("{}", agent_core::transcript::line_in(&event, Mask::On));
    }
    let event = admitted(event, dispatch.files);
    if let Event::Store(StoreEvent::Settings(settings)) = &event {
        dispatch.configure(settings);
    }
    agent.handle(now(), event);
    let mut alive = true;
    while let Some(effect) = agent.poll_effect() {
        if tracing::enabled!(tracing::Level::DEBUG) {
            tracing::debug!("{}", agent_core::transcript::line_out(&effect, Mask::On));
        }
        alive &= dispatch.deliver(effect);
    }
    alive
}

fn now() -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Now { at: Instant::now(), wall: UnixMillis(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)) }
}

/// Lets programs of the same user in, one after the other.
async fn serve(door: Listener, desk: Desk) {
    loop {
        match door.accept().await {
            Ok(stream) => {
                tokio::spawn(server::serve(stream, desk.clone()));
            }
            Err(error) => {
                tracing::warn!("the local API could not let somebody in: {error}");
                // Out of file descriptors, for example: trying again at once would only burn the processor.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// The system's wish to end is the user's: calls are ended and accounts de-registered first.
fn signals(funnel: Funnel) -> impl Future<Output = ()> {
    let asked = crate::platform::asked_to_end();
    async move {
        asked.await;
        funnel.tell(Event::User { request: None, action: Action::Quit });
    }
}
