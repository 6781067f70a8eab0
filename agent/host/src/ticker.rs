//! The clock that stops plugins: a thread that advances the engine's epoch while a plugin computes, and sleeps otherwise.

use crate::engine::TICK_MS;
use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};
use wasmtime::Engine;

/// Advances the epoch while somebody computes.
pub(crate) struct Ticker(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    computing: usize,
    ended: bool,
}

/// Somebody computes, for as long as this lives.
pub(crate) struct Computing(Arc<Shared>);

/// Somebody who computes waits for something, for as long as this lives.
pub(crate) struct Parked(Arc<Shared>);

impl Ticker {
    /// Starts the thread; it sleeps until somebody computes.
    pub(crate) fn start(engine: &Engine) -> Result<Self, String> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let (engine, inner) = (engine.clone(), shared.clone());
        thread::Builder::new()
            .name("plugin-clock".to_owned())
            .stack_size(64 * 1024)
            .spawn(move || tick(&engine, &inner))
            .map_err(|error| format!("no thread for the plugins' clock: {error}"))?;
        Ok(Self(shared))
    }

    pub(crate) fn computing(&self) -> Computing {
        self.0.change(|state| state.computing += 1);
        Computing(self.0.clone())
    }

    pub(crate) fn parked(&self) -> Parked {
        self.0.change(|state| state.computing = state.computing.saturating_sub(1));
        Parked(self.0.clone())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.change(|state| state.ended = true);
    }
}

impl Drop for Computing {
    fn drop(&mut self) {
        self.0.change(|state| state.computing = state.computing.saturating_sub(1));
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.0.change(|state| state.computing += 1);
    }
}

impl Shared {
    fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

fn tick(engine: &Engine, shared: &Shared) {
    let idle = |state: &mut State| state.computing == 0 && !state.ended;
    loop {
        let state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = shared.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        if state.ended {
            return;
        }
        drop(state);
        thread::sleep(Duration::from_millis(TICK_MS));
        engine.increment_epoch();
    }
}
