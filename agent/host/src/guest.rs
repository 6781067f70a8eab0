//! A loaded plugin: each question gets a fresh sandbox, and whatever the plugin does in it ends in an answer in time.

use crate::{
    contract::{actions::CallActionsPre, acts, base, lookup::CallerLookupPre, types},
    engine,
    error::HostError,
    manifest::Manifest,
    sandbox::{Denied, HOSTCALL_FUEL, Memory, Pool, Sandbox, Stop},
    ticker::Ticker,
    values::Values,
    web::{TooMany, Web},
};
use agent_core::plain;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};
use wasmtime::{
    Engine, Store, Trap, UpdateDeadline,
    component::{Component, HasSelf, InstancePre, Linker},
};

/// What all plugins share: the engine and its clock.
#[derive(Clone)]
pub(crate) struct Machine {
    engine: Engine,
    ticker: Arc<Ticker>,
}

impl Machine {
    pub(crate) fn start() -> Result<Self, HostError> {
        let engine = engine::engine().map_err(HostError::Start)?;
        let ticker = Ticker::start(&engine).map_err(HostError::Start)?;
        Ok(Self { engine, ticker: Arc::new(ticker) })
    }
}

/// A plugin's code, linked and ready.
#[derive(Clone)]
pub(crate) struct Guest {
    machine: Machine,
    memory_mib: usize,
    pool: Arc<Pool>,
    pre: InstancePre<Sandbox>,
    lookup: Option<CallerLookupPre<Sandbox>>,
    actions: Option<CallActionsPre<Sandbox>>,
}

/// Why a question has no answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The plugin says so itself.
    Said(types::Error),
    /// The plugin misbehaved and was stopped; counts against it.
    Stopped(String),
    /// Too many questions at once for the memory, MiB, that all of them together may have.
    Crowded(usize),
    /// Time was up while the plugin waited for somebody else.
    Late(u128),
}

impl Fault {
    /// A sentence.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Said(error) => sentence(error),
            Self::Stopped(what) => format!("it was stopped: it {what}"),
            Self::Crowded(most) => {
                format!("its questions need more than the {most} MiB they may have together")
            }
            Self::Late(ms) => format!("it did not answer within {ms} ms"),
        }
    }
}

/// What one question may use.
pub(crate) struct Question {
    pub(crate) web: Web,
    pub(crate) values: Arc<Values>,
}

impl Guest {
    /// Links compiled code.
    ///
    /// # Safety
    /// `code` must be what the compile helper made, unchanged: it is native code and will be run.
    pub(crate) unsafe fn load(
        machine: &Machine,
        code: &[u8],
        manifest: &Manifest,
    ) -> Result<Self, HostError> {
        // SAFETY: the caller vouches for the code. wasmtime copies it, so that what was checked is what is run.
        let component = unsafe { Component::deserialize(&machine.engine, code) };
        let component = component.map_err(|error| HostError::Compile(chain(&error)))?;
        let mut linker = Linker::new(&machine.engine);
        let link = |error: wasmtime::Error| HostError::Imports(chain(&error));
        base::Base::add_to_linker::<_, HasSelf<Sandbox>>(&mut linker, |sandbox| sandbox).map_err(link)?;
        let pre = linker.instantiate_pre(&component).map_err(link)?;
        let wrong = |error: wasmtime::Error| HostError::Exports(chain(&error));
        let lookup =
            manifest.provides.lookup.then(|| CallerLookupPre::new(pre.clone())).transpose().map_err(wrong)?;
        let actions =
            manifest.provides.actions.then(|| CallActionsPre::new(pre.clone())).transpose().map_err(wrong)?;
        let memory_mib = manifest.limits.memory_mib;
        let pool = Arc::new(Pool::new(memory_mib));
        Ok(Self { machine: machine.clone(), memory_mib, pool, pre, lookup, actions })
    }

    /// Starts it and ends it again: a plugin that cannot even do that is not installed.
    pub(crate) async fn smoke(&self, question: Question) -> Result<(), Fault> {
        let pre = self.pre.clone();
        self.run(question, async move |store| pre.instantiate_async(store).await.map(|_| ())).await
    }

    /// Asks who is calling.
    pub(crate) async fn find(
        &self,
        question: Question,
        call: types::Call,
    ) -> Result<Vec<types::Card>, Fault> {
        let Some(pre) = self.lookup.clone() else { return Ok(Vec::new()) };
        let asked = self.run(question, async move |store| {
            let plugin = pre.instantiate_async(&mut *store).await?;
            plugin.trayphone_plugin_lookup().call_find(store, &call).await
        });
        asked.await?.map_err(Fault::Said)
    }

    /// Tells it of a change.
    pub(crate) async fn react(
        &self,
        question: Question,
        (call, change, card): (types::Call, acts::Change, Option<types::Card>),
    ) -> Result<Vec<acts::Effect>, Fault> {
        let Some(pre) = self.actions.clone() else { return Ok(Vec::new()) };
        let asked = self.run(question, async move |store| {
            let plugin = pre.instantiate_async(&mut *store).await?;
            plugin.trayphone_plugin_actions().call_react(store, &call, &change, card.as_ref()).await
        });
        asked.await?.map_err(Fault::Said)
    }

    /// One question in a sandbox of its own, with everything armed before the guest's first instruction.
    async fn run<T>(
        &self,
        question: Question,
        ask: impl AsyncFnOnce(&mut Store<Sandbox>) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let begun = Instant::now();
        let deadline = question.web.deadline;
        let sandbox = Sandbox {
            memory: Memory::new(self.memory_mib, self.pool.clone()),
            web: question.web,
            values: question.values,
            ticker: self.machine.ticker.clone(),
            ticks: 0,
            log_lines: 0,
            log_bytes: 0,
        };
        let mut store = Store::new(&self.machine.engine, sandbox);
        store.limiter(|sandbox| &mut sandbox.memory);
        store.set_hostcall_fuel(HOSTCALL_FUEL);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| {
            let sandbox = store.data_mut();
            sandbox.ticks += 1;
            if sandbox.ticks > crate::sandbox::CPU_TICKS {
                return Err(wasmtime::Error::new(Stop::Cpu));
            }
            // Others get their turn on this thread, and the wall clock a chance to stop us.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        let computing = self.machine.ticker.computing();
        let answer = timeout_at(deadline, ask(&mut store)).await;
        drop(computing);
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => match store.data().memory.denied {
                Some(Denied::Pool(most)) => Err(Fault::Crowded(most)),
                _ => Err(Fault::Stopped(reason(&error, store.data()))),
            },
            Err(_) => Err(Fault::Late((deadline - begun).as_millis())),
        }
    }
}

/// What the guest did, as the second half of a sentence that begins with "it".
fn reason(error: &wasmtime::Error, sandbox: &Sandbox) -> String {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stop.to_string();
    }
    if let Some(many) = error.downcast_ref::<TooMany>() {
        return many.to_string();
    }
    if let Some(Denied::Own(most)) = sandbox.memory.denied {
        return format!("needs more memory than the {most} MiB it may have");
    }
    let chain = chain(error);
    if chain.contains("fuel allocated for hostcalls") {
        return format!("hands over more than {} MiB at once", HOSTCALL_FUEL >> 20);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "calls itself too deeply".to_owned(),
        Some(Trap::UnreachableCodeReached) => "crashed (it panicked)".to_owned(),
        Some(trap) => format!("crashed ({trap})"),
        None => format!("crashed ({chain})"),
    }
}

/// An error with its causes, as one bounded line.
fn chain(error: &wasmtime::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    plain::line(&causes.join(": "), 400)
}

/// What a plugin says went wrong, as a sentence.
fn sentence(error: &types::Error) -> String {
    let line = |text: &str| plain::line(text, 300);
    match error {
        types::Error::NotConfigured(what) => format!("it is not set up: {}", line(what)),
        types::Error::Unauthorized => "the server does not accept its credentials".to_owned(),
        types::Error::Denied(rule) => format!("a request was not let out: {}", line(rule)),
        types::Error::NotFound => "the server does not know the address asked".to_owned(),
        types::Error::RateLimited(Some(seconds)) => format!("the server asks to wait {seconds} s"),
        types::Error::RateLimited(None) => "the server asks to wait".to_owned(),
        types::Error::Timeout => "the server did not answer in time".to_owned(),
        types::Error::Network(what) => line(what),
        types::Error::BadResponse(what) => format!("the server's answer was not understood: {}", line(what)),
        types::Error::Other(what) => line(what),
    }
}
