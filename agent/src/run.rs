//! The agent itself: opens its doors, runs its loop, winds itself up.

use crate::{
    api::{
        hub::Hub,
        server::{Desk, MOST_CONNECTIONS},
    },
    cli::{Common, RunArgs},
    commands::print,
    desktop::Desktop,
    dispatch::{Dispatch, NO_FILES, admitted, refused},
    exit::{Exit, Failure},
    facts::Facts,
    funnel::Funnel,
    home,
    neighbours::{self, Current, Starter},
};
use agent_core::{
    Agent,
    action::Action,
    port::{
        Effect, Event, Neighbour,
        media::{AudioState, MediaEvent},
        store::StoreEvent,
    },
    settings::{AudioBackend, HotkeySettings, PasswordSource, Settings},
    time::{Now, UnixMillis},
    transcript::Mask,
};
use agent_shell::{
    ShellConfig, ShellHandle, ShellInbox, ShellInput,
    instance::{self, InstanceError, Listener},
};
use agent_store::{Profile, StoreHandle};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::Semaphore;

/// How long reading the settings anew may take: the store may be waiting for a disk.
const RELOAD: Duration = Duration::from_secs(5);

/// `trayphone run`. To be called before any thread is started.
pub(crate) fn run(common: &Common, args: &RunArgs) -> Result<Exit, Failure> {
    let profile = home::open(common)?;
    let settings = home::settings(&profile)?;
    // SAFETY: no thread runs yet, by the word above.
    unsafe { home::take_passwords(&settings) };
    agent_store::close_environment();
    let files = args.headless || args.files;
    if refused(&settings, files) {
        return Err(Failure::new(Exit::Settings, NO_FILES));
    }
    let funnel = Funnel::default();
    let (shell, inbox) = agent_shell::mailbox();
    if args.demo {
        end_with_stdin(funnel.clone());
    } else if !args.headless {
        crate::platform::leave_console();
    }
    let desktop = if args.headless { Desktop::Headless } else { Desktop::Shell(shell.clone()) };
    let (again, begin_anew) = mpsc::channel();
    let parts = Parts { profile, funnel: funnel.clone(), desktop, files, settings: settings.clone(), again };
    let (started, hear) = mpsc::channel();
    let agent = std::thread::Builder::new()
        .name("agent".to_owned())
        .spawn(move || {
            let _ending = Ending(parts.desktop.clone());
            parts.live(&started)
        })
        .map_err(|error| Failure::other("the agent's thread could not be started", error))?;
    // The desktop is touched only once the profile is ours: a second start must leave no trace on the screen.
    if hear.recv().is_ok() && !args.headless {
        desk(settings.hotkeys, (shell, inbox), &funnel, &begin_anew);
    }
    agent
        .join()
        .unwrap_or_else(|_| Err(Failure::new(Exit::Failed, "the agent broke down; please report this")))
}

/// Runs the desktop, which owns the main thread, until the agent ends. A fault in it is told, and it begins anew when it
/// is asked to.
fn desk(
    hotkeys: HotkeySettings,
    (shell, mut inbox): (ShellHandle, ShellInbox),
    funnel: &Funnel,
    begin_anew: &mpsc::Receiver<()>,
) {
    loop {
        let funnel = funnel.clone();
        let vigil = neighbours::vigil(&funnel, Neighbour::Shell);
        let tell = Arc::new(move |input| match input {
            ShellInput::Event(event) => funnel.tell(Event::Shell(event)),
            ShellInput::Action(action) => funnel.tell(Event::User { request: None, action }),
        });
        let config = ShellConfig { hotkeys: hotkeys.clone(), ..ShellConfig::default() };
        match catch_unwind(AssertUnwindSafe(|| agent_shell::run(config, inbox, tell))) {
            Ok(ended) => {
                vigil.over();
                if let Err(error) = ended {
                    print::note(&format!("{error}; going on without a desktop"));
                }
                return;
            }
            Err(_) => drop(vigil),
        }
        if begin_anew.recv().is_err() {
            return;
        }
        inbox = shell.inbox();
    }
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
pub(crate) struct Parts {
    /// The profile.
    pub profile: Profile,
    /// The inbox.
    pub funnel: Funnel,
    /// Tray, toasts and browser, or their stand-in.
    pub desktop: Desktop,
    /// Files may stand in for microphone and ear.
    pub files: bool,
    /// The settings at the start.
    pub settings: Settings,
    /// Lets the main thread begin the desktop anew.
    pub again: mpsc::Sender<()>,
}

impl Parts {
    /// Opens every door, runs the loop until it is finished, closes everything.
    pub(crate) fn live(self, started: &mpsc::Sender<()>) -> Result<Exit, Failure> {
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
            let funnel = self.funnel.clone();
            let mut dispatch = self.neighbours(door)?;
            turn(&funnel, &mut dispatch).await;
            dispatch.media.close();
            let kept = dispatch.store.get().close(Duration::from_secs(5));
            // Only now the profile is free for another agent; whoever waits for our end hears of it after that.
            dispatch.wind_up().await;
            kept.map(|()| Exit::Ok).map_err(|text| Failure::new(Exit::Failed, text))
        })
    }

    fn neighbours(self, door: Listener) -> Result<Dispatch, Failure> {
        let Self { profile, funnel, desktop, files, settings, again } = self;
        let place = door.place();
        let (starter, store) = Starter::new(profile, funnel.clone(), door, again)?;
        let sip = starter.sip(&settings);
        let media = starter.media(&settings)?;
        let host = Current::new(starter.host()?);
        let hub = Hub::new();
        let running = settings.clone();
        let desk = {
            let (desktop, host, store) = (desktop.clone(), host.clone(), store.clone());
            let passwords = starter.passwords().clone();
            let (keys, accounts) = (starter.profile().clone(), passwords.clone());
            Desk {
                place,
                hub: hub.clone(),
                funnel,
                selection: Arc::new(move || desktop.selection()),
                plugins: Arc::new(move |command| host.get().send(command)),
                reload: Arc::new(move || reload(&store.get(), &running, files)),
                password: Arc::new(move |aor, secret| passwords.give(aor, secret)),
                trust: Arc::new(move |aor, key| {
                    crate::trust::trust(&keys, aor, key).and_then(|()| accounts.reconnect(aor))
                }),
                places: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
            }
        };
        let api = (desk.clone(), starter.api(desk));
        let sound = None;
        Ok(Dispatch { sip, media, host, store, desktop, hub, files, starter, settings, sound, api })
    }
}

/// Reads the settings anew; what of them only a new start takes over, or why they stay as they were. `running`: what the
/// agent was started with.
fn reload(store: &StoreHandle, running: &Settings, files: bool) -> Result<Vec<String>, String> {
    let settings = store.reload(RELOAD)?;
    if refused(&settings, files) {
        return Err(format!("{NO_FILES}; the settings stay as they were"));
    }
    let mut restart = Vec::new();
    for account in &settings.accounts {
        if let PasswordSource::Env(name) = &account.password
            && agent_store::variable(name).is_err()
        {
            restart.push(format!("the password of {} (env:{name})", account.aor));
        }
    }
    if settings.numbers.country != running.numbers.country {
        restart.push("numbers.country for the tones".to_owned());
    }
    if settings.calls.from != running.calls.from {
        restart.push("calls.from".to_owned());
    }
    Ok(restart)
}

/// The loop: one event, then every effect of it, then the next; a deadline is an event like any other.
async fn turn(funnel: &Funnel, dispatch: &mut Dispatch) {
    let (mut agent, mut facts) = (Agent::new(), Facts::default());
    loop {
        while let Some(event) = funnel.next() {
            if !step((&mut agent, &mut facts), event, dispatch).await {
                return;
            }
        }
        match agent.poll_timeout() {
            None => funnel.arrived().await,
            Some(deadline) => tokio::select! {
                () = funnel.arrived() => {}
                () = tokio::time::sleep_until(deadline.into()) => {
                    if !step((&mut agent, &mut facts), Event::Timeout, dispatch).await {
                        return;
                    }
                }
            },
        }
    }
}

async fn step((agent, facts): (&mut Agent, &mut Facts), event: Event, dispatch: &mut Dispatch) -> bool {
    if tracing::enabled!(tracing::Level::DEBUG) {
        tracing::debug!("{}", agent_core::transcript::line_in(&event, Mask::On));
    }
    if let Event::Broken(who) = &event {
        tracing::error!(?who, "a part of the program has broken down");
    }
    if let Event::Media(MediaEvent::Audio(AudioState::Null { why })) = &event
        && dispatch.settings.audio.backend != AudioBackend::Null
    {
        tracing::warn!("calls run without sound: {why}");
    }
    let event = admitted(event, dispatch.files);
    if let Event::Store(StoreEvent::Settings(settings)) = &event {
        dispatch.configure(settings);
    }
    if tracing::enabled!(tracing::Level::INFO)
        && let Some(fact) = facts.event(Instant::now(), &event)
    {
        tracing::info!("{fact}");
    }
    agent.handle(now(), event);
    let mut alive = true;
    while let Some(effect) = agent.poll_effect() {
        let for_pbx = matches!(effect, Effect::Sip(_));
        if tracing::enabled!(tracing::Level::DEBUG) {
            tracing::debug!("{}", agent_core::transcript::line_out(&effect, Mask::On));
        }
        let told = tracing::enabled!(tracing::Level::INFO);
        let fact = told.then(|| facts.effect(Instant::now(), &effect)).flatten();
        alive &= dispatch.deliver(effect);
        if for_pbx {
            // The 180 leaves before the core looks at who calls, which it does when asked for the next effect, and before
            // toast, journal and plugins are told: each of them wakes a thread of its own. The session is a task of this
            // very thread.
            tokio::task::yield_now().await;
        }
        if let Some(fact) = fact {
            tracing::info!("{fact}");
        }
    }
    alive
}

fn now() -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Now { at: Instant::now(), wall: UnixMillis(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)) }
}
