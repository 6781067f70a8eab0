//! The host's thread: takes commands, asks every plugin, tells what they find.

use crate::{
    card,
    config::HostConfig,
    contract::{acts, types},
    installed,
    plugin::{BROKEN, Common, Done, JobKind, Plugin},
    web::refusal,
};
use agent_core::{
    id::CallId,
    journal::Direction,
    ledger::Purpose,
    port::host::{CallChange, HostCommand, HostEvent, PluginInfo},
    vigil::Vigil,
};
use agent_net::{LedgerSink, Net};
use std::{
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    rc::Rc,
    sync::Arc,
    thread,
};
use tokio::sync::{mpsc, watch};

/// Where the host's events go.
pub type Tell = Arc<dyn Fn(HostEvent) + Send + Sync>;

/// Commands that wait for the host's thread; it only ever hands them on, so that there are few.
const COMMANDS: usize = 4096;

/// Calls remembered for what plugins found; beyond it, the oldest is forgotten.
const CALLS: usize = 4096;

/// Talks to the plugins; cheap to clone. When the last one is gone, the host ends.
#[derive(Clone)]
pub struct HostHandle {
    commands: mpsc::Sender<HostCommand>,
    tell: Tell,
}

impl HostHandle {
    /// Asks; never blocks. A question that cannot be taken is answered at once: nobody waits in vain.
    pub fn send(&self, command: HostCommand) {
        let Err(error) = self.commands.try_send(command) else { return };
        let reason = error.to_string();
        match error.into_inner() {
            HostCommand::Lookup { call, .. } => (self.tell)(HostEvent::LookupDone { call }),
            _ => tracing::warn!(reason, "the plugins were not told of a change"),
        }
    }
}

/// Starts the plugins' thread. It reads what is installed, tells it, and loads code only when somebody asks.
pub fn start(config: HostConfig, ledger: LedgerSink, tell: Tell) -> HostHandle {
    start_watched(config, ledger, tell, Vigil::unwatched())
}

/// The same; `vigil` tells when the thread ends by a fault: no caller is looked up until the plugins are started anew.
pub fn start_watched(config: HostConfig, ledger: LedgerSink, tell: Tell, vigil: Vigil) -> HostHandle {
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let handle = HostHandle { commands, tell: tell.clone() };
    let spawned = thread::Builder::new().name("plugins".to_owned()).spawn(move || {
        if supervised(config, ledger, tell, inbox) {
            vigil.over();
        }
    });
    if let Err(error) = spawned {
        // The inbox is gone with the closure, so that every question is answered by the handle.
        tracing::error!(%error, "plugins do not run: no thread");
    }
    handle
}

/// A panic of ours ends the plugins, not the calls: every plugin says so, and every question is answered by the handle.
/// `false` when they did not end as they should.
fn supervised(
    config: HostConfig,
    ledger: LedgerSink,
    tell: Tell,
    inbox: mpsc::Receiver<HostCommand>,
) -> bool {
    let (folder, told) = (config.plugins.clone(), tell.clone());
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| work(config, ledger, tell, inbox)));
    if outcome.is_err() {
        tracing::error!("plugins do not run any more: the host has panicked");
        let why = "the plugin host has crashed and begins anew".to_owned();
        let plugins = installed::all(&folder).into_iter().map(|(id, read)| match read {
            Ok(plugin) => plugin.info(Some(why.clone())),
            Err(error) => installed::broken(&id, &error),
        });
        told(HostEvent::Plugins(plugins.collect()));
    }
    outcome.unwrap_or(false)
}

fn work(config: HostConfig, ledger: LedgerSink, tell: Tell, inbox: mpsc::Receiver<HostCommand>) -> bool {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "plugins do not run: no event loop");
            return false;
        }
    };
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        // No bound of its own, because an answer that is owed is told from a destructor, which cannot wait. What caps it:
        // a plugin takes no more questions than its queue and those under way hold, each tells once, and the worker that
        // takes them off shares its one thread with those who tell.
        let (done, results) = mpsc::unbounded_channel();
        let common = Common {
            config: Rc::new(config),
            net: Net::new(ledger.clone()),
            ledger,
            machine: Rc::default(),
            done,
        };
        let mut worker =
            Worker { common, tell, plugins: BTreeMap::new(), broken: Vec::new(), calls: BTreeMap::new() };
        worker.reload();
        worker.run(inbox, results).await;
    });
    // A compile that nobody waits for any more must not hold the program up.
    runtime.shutdown_background();
    true
}

struct Worker {
    common: Common,
    tell: Tell,
    plugins: BTreeMap<String, Plugin>,
    broken: Vec<PluginInfo>,
    calls: BTreeMap<CallId, Call>,
}

/// A call somebody asked about.
struct Call {
    asked: types::Call,
    number: String,
    cancel: watch::Sender<bool>,
    /// Plugins that have not told yet.
    waiting: usize,
    /// What each plugin found, for its reactions.
    cards: BTreeMap<String, types::Card>,
}

impl Worker {
    async fn run(
        &mut self,
        mut inbox: mpsc::Receiver<HostCommand>,
        mut results: mpsc::UnboundedReceiver<Done>,
    ) {
        loop {
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                Some(done) = results.recv() => self.done(done),
            }
        }
    }

    fn command(&mut self, command: HostCommand) {
        match command {
            HostCommand::Lookup { call, direction, number, name } => {
                self.lookup(call, direction, number, name)
            }
            HostCommand::Cancel { call } => {
                if let Some(call) = self.calls.get_mut(&call) {
                    call.waiting = 0;
                    call.cancel.send_replace(true);
                }
            }
            HostCommand::CallChanged { call, what } => self.changed(call, what),
            HostCommand::Reload => self.reload(),
        }
    }

    fn lookup(&mut self, call: CallId, direction: Direction, number: String, name: Option<String>) {
        let asked = question(call, direction, &number, name);
        let (cancel, cancelled) = watch::channel(false);
        let mut waiting = 0;
        for (id, plugin) in
            self.plugins.iter().filter(|(_, plugin)| plugin.installed.manifest.provides.lookup)
        {
            if plugin.ask(call, asked.clone(), JobKind::Lookup(cancelled.clone())) {
                waiting += 1;
            } else {
                let why = if plugin.broken() { BROKEN } else { "too many calls are being looked up already" };
                let error = Some(why.to_owned());
                (self.tell)(HostEvent::NotFound { call, plugin: id.clone(), error });
            }
        }
        if waiting == 0 {
            (self.tell)(HostEvent::LookupDone { call });
        }
        self.calls.insert(call, Call { asked, number, cancel, waiting, cards: BTreeMap::new() });
        if self.calls.len() > CALLS {
            self.calls.pop_first();
        }
    }

    fn changed(&mut self, id: CallId, what: CallChange) {
        let Some(call) = self.calls.get(&id) else { return };
        let change = match what {
            CallChange::Answered => acts::Change::Answered,
            CallChange::Ended => acts::Change::Ended,
        };
        for (name, plugin) in
            self.plugins.iter().filter(|(_, plugin)| plugin.installed.manifest.provides.actions)
        {
            let kind = JobKind::React(change.clone(), call.cards.get(name).cloned().map(Box::new));
            if !plugin.ask(id, call.asked.clone(), kind) {
                tracing::warn!(plugin = name, "too busy to be told of a change");
            }
        }
        if what == CallChange::Ended {
            self.calls.remove(&id);
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Lookup { call, plugin, answer } => self.answered(call, &plugin, answer),
            Done::Effects { call, plugin, effects } => {
                for effect in effects.into_iter().take(8) {
                    self.effect(call, &plugin, effect);
                }
            }
            Done::Health => self.tell_plugins(),
            Done::Trouble { plugin, what } => {
                (self.tell)(HostEvent::Trouble { plugin: plugin.to_string(), what });
            }
        }
    }

    fn answered(&mut self, id: CallId, plugin: &str, answer: Result<Vec<types::Card>, String>) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.waiting > 0) else { return };
        call.waiting -= 1;
        let last = call.waiting == 0;
        let number = call.number.clone();
        let grants =
            self.plugins.get(plugin).map(|plugin| plugin.installed.grants.clone()).unwrap_or_default();
        let not_found = |error| HostEvent::NotFound { call: id, plugin: plugin.to_owned(), error };
        let event = match answer.map(|cards| (card::best(plugin, &cards, &number, &grants), cards)) {
            Ok((Some(found), cards)) => {
                if let Some(raw) = cards.into_iter().nth(found.index) {
                    call.cards.insert(plugin.to_owned(), raw);
                }
                if let Some((url, rule)) = found.refused {
                    self.refuse(plugin, &url, &rule);
                }
                HostEvent::Found { call: id, card: found.card }
            }
            Ok((None, _)) => not_found(None),
            Err(error) => not_found(Some(error)),
        };
        (self.tell)(event);
        if last {
            (self.tell)(HostEvent::LookupDone { call: id });
        }
    }

    fn effect(&self, call: CallId, plugin: &str, effect: acts::Effect) {
        let acts::Effect::OpenRecord(url) = effect else { return };
        let Some(installed) = self.plugins.get(plugin).map(|plugin| &plugin.installed) else { return };
        match card::page(&url, &installed.grants) {
            Ok(url) => (self.tell)(HostEvent::OpenRecord { call, plugin: plugin.to_owned(), url }),
            Err(Some((url, rule))) => self.refuse(plugin, &url, &rule),
            Err(None) => tracing::info!(plugin, "asks to open something that is no address"),
        }
    }

    /// Writes the row of a page that is not opened.
    fn refuse(&self, plugin: &str, url: &url::Url, rule: &str) {
        let purpose = Purpose { who: format!("plugin:{plugin}"), why: "open a record".to_owned() };
        (self.common.ledger)(refusal(purpose, "OPEN", url, rule));
    }

    /// Reads the folder again; plugins that stayed the same go on as they are.
    fn reload(&mut self) {
        let mut before = std::mem::take(&mut self.plugins);
        self.broken.clear();
        for (id, read) in installed::all(&self.common.config.plugins) {
            match read {
                Ok(installed) => {
                    let same = before.remove(&id).filter(|old| *old.installed == installed);
                    let plugin = same.unwrap_or_else(|| Plugin::start(&self.common, installed));
                    self.plugins.insert(id, plugin);
                }
                Err(error) => self.broken.push(installed::broken(&id, &error)),
            }
        }
        self.tell_plugins();
    }

    fn tell_plugins(&self) {
        let running = self.plugins.values().map(|plugin| plugin.installed.info(plugin.problem()));
        let mut plugins: Vec<PluginInfo> = running.chain(self.broken.iter().cloned()).collect();
        plugins.sort_by(|a, b| a.id.cmp(&b.id));
        (self.tell)(HostEvent::Plugins(plugins));
    }
}

/// A call as plugins are told it.
fn question(call: CallId, direction: Direction, number: &str, name: Option<String>) -> types::Call {
    let digits = number.strip_prefix('+').unwrap_or_default();
    // ITU-T E.164: at most 15 digits.
    let e164 = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    types::Call {
        id: format!("call-{call}"),
        direction: match direction {
            Direction::Incoming => types::Direction::Inbound,
            Direction::Outgoing => types::Direction::Outbound,
        },
        remote: types::Number {
            e164: e164.then(|| number.to_owned()),
            dialled: number.to_owned(),
            attrs: Vec::new(),
        },
        remote_name: name,
        attrs: Vec::new(),
    }
}
