//! One plugin at work: its task, its queue, its code once somebody asks, and its record.

use crate::{
    compiler,
    config::HostConfig,
    contract::{acts, types},
    error::HostError,
    guest::{Fault, Guest, Machine, Question},
    health::Health,
    installed::Installed,
    known::Known,
    seal::Kept,
    web::Web,
};
use agent_core::{id::CallId, port::host::HostTrouble};
use agent_net::{LedgerSink, Net};
use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

/// Questions that wait for their turn; more are answered "busy" at once.
const QUEUE: usize = 1024;

/// Questions of one plugin that are under way at once.
const AT_ONCE: usize = 16;

/// A plugin nobody asks is loaded so long after the start, when the desktop has come to rest.
const WARM_UP: Duration = Duration::from_secs(2);

/// How long a question waits for the code, unless the call ends first.
const COMPILE: Duration = Duration::from_secs(60);

/// What is said of a plugin whose task ended by a fault of ours.
pub(crate) const BROKEN: &str = "Trayphone's part that runs it broke down: start Trayphone again";

/// How long telling a plugin of a change may take.
const REACT: Duration = Duration::from_secs(2);

/// What all plugins share.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) config: Rc<HostConfig>,
    pub(crate) net: Net,
    pub(crate) ledger: LedgerSink,
    /// Made when the first plugin is loaded.
    pub(crate) machine: Rc<RefCell<Option<Machine>>>,
    pub(crate) done: mpsc::UnboundedSender<Done>,
}

/// What is asked of a plugin.
pub(crate) struct Job {
    pub(crate) call: CallId,
    pub(crate) asked: types::Call,
    pub(crate) kind: JobKind,
    deadline: Instant,
}

/// Which question it is.
pub(crate) enum JobKind {
    /// Who is calling? Dropped when the sender says so.
    Lookup(watch::Receiver<bool>),
    /// The call changed; with the card the plugin found.
    React(acts::Change, Option<Box<types::Card>>),
}

/// What came of it.
pub(crate) enum Done {
    /// Of a lookup.
    Lookup { call: CallId, plugin: Arc<str>, answer: Result<Vec<types::Card>, String> },
    /// Of a change: the effects it asks for.
    Effects { call: CallId, plugin: Arc<str>, effects: Vec<acts::Effect> },
    /// Its record changed: it is paused, or no longer.
    Health,
    /// Something about it that the user should know.
    Trouble { plugin: Arc<str>, what: HostTrouble },
}

/// The worker's end of a plugin.
pub(crate) struct Plugin {
    pub(crate) installed: Rc<Installed>,
    queue: mpsc::Sender<Job>,
    health: Rc<RefCell<Health>>,
    code: watch::Receiver<Code>,
}

/// The plugin's code.
#[derive(Clone)]
enum Code {
    /// Nobody has asked yet.
    Cold,
    /// On its way.
    Loading,
    Ready(Guest),
    Failed(String),
}

impl Plugin {
    /// Starts the plugin's task.
    pub(crate) fn start(common: &Common, installed: Installed) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (code, watched) = watch::channel(Code::Cold);
        let health = Rc::new(RefCell::new(Health::default()));
        let installed = Rc::new(installed);
        let task = Task {
            common: common.clone(),
            id: installed.manifest.plugin.id.as_str().into(),
            installed: installed.clone(),
            health: health.clone(),
            code: Rc::new(code),
        };
        tokio::task::spawn_local(task.run(jobs));
        Self { installed, queue, health, code: watched }
    }

    /// Asks; `false` if too many questions wait already.
    pub(crate) fn ask(&self, call: CallId, asked: types::Call, kind: JobKind) -> bool {
        let limit = match kind {
            JobKind::Lookup(_) => Duration::from_millis(self.installed.manifest.limits.lookup_ms),
            JobKind::React(..) => REACT,
        };
        self.queue.try_send(Job { call, asked, kind, deadline: Instant::now() + limit }).is_ok()
    }

    /// Whether its task has ended although it is installed: a fault of ours.
    pub(crate) fn broken(&self) -> bool {
        self.queue.is_closed()
    }

    /// Why it does not run, if it does not.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.broken() {
            return Some(BROKEN.to_owned());
        }
        if let Code::Failed(why) = &*self.code.borrow() {
            return Some(why.clone());
        }
        self.health.borrow().problem().map(str::to_owned)
    }
}

/// A lookup's answer, owed from the moment the question is taken: told when this ends, however that is.
struct Owed<'a> {
    task: &'a Task,
    call: CallId,
    answer: Option<Result<Vec<types::Card>, String>>,
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        let answer = self.answer.take().unwrap_or_else(|| Err("the question was dropped".to_owned()));
        self.task.told(Done::Lookup { call: self.call, plugin: self.task.id.clone(), answer });
    }
}

#[derive(Clone)]
struct Task {
    common: Common,
    id: Arc<str>,
    installed: Rc<Installed>,
    health: Rc<RefCell<Health>>,
    code: Rc<watch::Sender<Code>>,
}

impl Task {
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        let mut running = JoinSet::new();
        let warm_up = Instant::now() + WARM_UP;
        loop {
            let cold = matches!(&*self.code.borrow(), Code::Cold);
            let paused = self.health.borrow().paused_until();
            tokio::select! {
                job = jobs.recv(), if running.len() < AT_ONCE => {
                    let Some(job) = job else { break };
                    self.warm();
                    running.spawn_local(self.clone().answer(job));
                }
                Some(_) = running.join_next() => {}
                () = sleep_until(warm_up), if cold => self.warm(),
                () = sleep_until(paused.unwrap_or(warm_up)), if paused.is_some() => {
                    self.health.borrow_mut().resume(Instant::now());
                    self.told(Done::Health);
                }
            }
        }
        // Removed or replaced: what is under way is still answered.
        while running.join_next().await.is_some() {}
    }

    /// Loads the code, once.
    fn warm(&self) {
        let cold = self.code.send_if_modified(|code| {
            let cold = matches!(code, Code::Cold);
            if cold {
                *code = Code::Loading;
            }
            cold
        });
        if cold {
            let task = self.clone();
            tokio::task::spawn_local(async move {
                let loaded = task.load().await;
                let failed = loaded.is_err();
                let code = loaded.map_or_else(|error| Code::Failed(error.to_string()), Code::Ready);
                task.code.send_replace(code);
                if failed {
                    task.told(Done::Health);
                }
            });
        }
    }

    async fn load(&self) -> Result<Guest, HostError> {
        let machine = self.machine()?;
        let manifest = &self.installed.manifest;
        let seal_key = self.common.config.seal_key.clone();
        // A locked keyring shows a prompt: the other plugins must not wait for the user.
        let key = tokio::task::spawn_blocking(move || seal_key.get()).await.unwrap_or(None);
        let kept = key.as_ref().map_or(Kept::Nothing, |key| self.installed.cache(key).load());
        if matches!(kept, Kept::Unsealed) {
            self.told(Done::Trouble { plugin: self.id.clone(), what: HostTrouble::Tampered });
        }
        if let Kept::Code(code) = kept {
            // SAFETY: the seal holds: this very code was made by the compile helper and kept by this user's agent.
            match unsafe { Guest::load(&machine, &code, manifest) } {
                Ok(guest) => return Ok(guest),
                Err(error) => {
                    tracing::info!(plugin = &*self.id, %error, "compiled code of another engine: compiling anew")
                }
            }
        }
        let (program, wasm) = (self.common.config.compiler.clone(), self.installed.wasm.clone());
        let compiled =
            tokio::task::spawn_blocking(move || compiler::compile(program.as_deref(), &wasm, &mut |_| {}));
        let code = compiled.await.map_err(|error| HostError::Compile(error.to_string()))??;
        match &key {
            Some(key) => {
                if let Err(error) = self.installed.cache(key).keep(&code) {
                    tracing::warn!(plugin = &*self.id, %error, "the compiled code is not kept");
                }
            }
            None => {
                tracing::info!(
                    plugin = &*self.id,
                    "compiled for this start only: there is no key to seal the code with"
                );
                self.told(Done::Trouble { plugin: self.id.clone(), what: HostTrouble::NoSealKey });
            }
        }
        // SAFETY: the code comes straight from the compile helper, through a pipe nobody else holds.
        unsafe { Guest::load(&machine, &code, manifest) }
    }

    fn machine(&self) -> Result<Machine, HostError> {
        let mut shared = self.common.machine.borrow_mut();
        if let Some(machine) = &*shared {
            return Ok(machine.clone());
        }
        Ok(shared.insert(Machine::start()?).clone())
    }

    async fn answer(self, job: Job) {
        let Job { call, asked, kind, deadline } = job;
        match kind {
            JobKind::Lookup(mut cancelled) => {
                let mut owed = Owed { task: &self, call, answer: None };
                owed.answer = tokio::select! {
                    biased;
                    // Cancelled, or the call is forgotten: the question is dropped with all it holds.
                    _ = cancelled.wait_for(|cancelled| *cancelled) => return,
                    answer = self.find(asked, deadline) => Some(answer),
                };
            }
            JobKind::React(change, card) => match self.react(asked, deadline, (change, card)).await {
                Ok(effects) => self.told(Done::Effects { call, plugin: self.id.clone(), effects }),
                Err(error) => tracing::info!(plugin = &*self.id, error, "a change of a call was not handled"),
            },
        }
    }

    async fn find(&self, asked: types::Call, deadline: Instant) -> Result<Vec<types::Card>, String> {
        let (guest, deadline) = self.guest(deadline).await?;
        let question = self.question("look up a caller", &asked, deadline);
        let found = guest.find(question, asked).await;
        self.judged(found)
    }

    async fn react(
        &self,
        asked: types::Call,
        deadline: Instant,
        (change, card): (acts::Change, Option<Box<types::Card>>),
    ) -> Result<Vec<acts::Effect>, String> {
        let (guest, deadline) = self.guest(deadline).await?;
        let question = self.question("follow a call", &asked, deadline);
        let effects = guest.react(question, (asked, change, card.map(|card| *card))).await;
        self.judged(effects)
    }

    /// The code, once it is there and unless the plugin is paused; and the deadline, put off by the time it took. A
    /// caller's name that comes late is still a name, and the plugin is not to blame for the wait: after a start
    /// without a keyring, or while the keyring asks the user, the first calls meet it.
    async fn guest(&self, deadline: Instant) -> Result<(Guest, Instant), String> {
        if let Some(problem) = self.health.borrow().problem() {
            return Err(problem.to_owned());
        }
        let asked = Instant::now();
        let mut code = self.code.subscribe();
        let loaded =
            timeout(COMPILE, code.wait_for(|code| matches!(code, Code::Ready(_) | Code::Failed(_)))).await;
        match loaded.as_ref().map(|code| code.as_deref()) {
            Ok(Ok(Code::Ready(guest))) => Ok((guest.clone(), deadline + asked.elapsed())),
            Ok(Ok(Code::Failed(why))) => Err(why.clone()),
            _ => Err("it is still being compiled".to_owned()),
        }
    }

    fn question(&self, why: &'static str, asked: &types::Call, deadline: Instant) -> Question {
        let number = asked.remote.e164.as_deref().unwrap_or(&asked.remote.dialled);
        Question {
            web: Web {
                net: self.common.net.clone(),
                ledger: self.common.ledger.clone(),
                grants: self.installed.grants.clone(),
                plugin: self.id.clone(),
                why,
                known: Known::new(number, asked.remote_name.as_deref()),
                deadline,
                tried: 0,
            },
            values: self.installed.values.clone(),
        }
    }

    /// Counts misbehaviour, and puts the fault into words.
    fn judged<T>(&self, answer: Result<T, Fault>) -> Result<T, String> {
        answer.map_err(|fault| {
            let text = fault.text();
            if matches!(fault, Fault::Stopped(_)) && self.health.borrow_mut().strike(Instant::now(), &text) {
                tracing::warn!(plugin = &*self.id, "paused: it was stopped too often");
                self.told(Done::Health);
            }
            text
        })
    }

    fn told(&self, done: Done) {
        // The worker ends last; if it has, nobody waits.
        let _nobody_waits = self.common.done.send(done);
    }
}
