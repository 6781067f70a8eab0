//! One question's sandbox: what the guest's imports do, and how much of everything it may use.

use crate::{
    contract::{http, log, settings, types},
    engine::TICK_MS,
    values::Values,
    web::Web,
};
use agent_core::plain;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use wasmtime::ResourceLimiter;

/// Bytes of arguments and results that may cross the border of the sandbox at once.
pub(crate) const HOSTCALL_FUEL: usize = 4 * 1024 * 1024;

/// How long one question may compute, in ticks of the engine.
pub(crate) const CPU_TICKS: u64 = 250 / TICK_MS;

const LOG_LINES: u32 = 200;
const LOG_BYTES: usize = 64 * 1024;
const LOG_LINE: usize = 2 * 1024;

/// Why a sandbox was stopped, where wasmtime itself does not say it in words for users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    /// It computes too long.
    #[error("computes for longer than {} ms", CPU_TICKS * TICK_MS)]
    Cpu,
    /// It writes too much into its log.
    #[error("writes more than {LOG_LINES} lines or {} KiB into its log for one question", LOG_BYTES >> 10)]
    Log,
}

/// What belongs to one question.
pub(crate) struct Sandbox {
    pub(crate) memory: Memory,
    pub(crate) web: Web,
    pub(crate) values: Arc<Values>,
    pub(crate) ticker: Arc<crate::ticker::Ticker>,
    /// Ticks spent computing.
    pub(crate) ticks: u64,
    pub(crate) log_lines: u32,
    pub(crate) log_bytes: usize,
}

impl types::Host for Sandbox {}

impl settings::Host for Sandbox {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.values.get(&key).cloned())
    }
}

impl log::Host for Sandbox {
    fn write(&mut self, level: log::Level, line: String) -> wasmtime::Result<()> {
        self.log_lines += 1;
        self.log_bytes += line.len();
        if self.log_lines > LOG_LINES || self.log_bytes > LOG_BYTES {
            return Err(wasmtime::Error::new(Stop::Log));
        }
        // Whatever a plugin says may hold a number or a name, so that none of it goes above DEBUG.
        let line = plain::line(&line, LOG_LINE);
        tracing::debug!(plugin = &*self.web.plugin, level = word(&level), "{line}");
        Ok(())
    }
}

fn word(level: &log::Level) -> &'static str {
    match level {
        log::Level::Debug => "debug",
        log::Level::Info | log::Level::Other(_) => "info",
        log::Level::Warn => "warn",
        log::Level::Error => "error",
    }
}

impl http::Host for Sandbox {
    async fn fetch(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, types::Error>> {
        // The guest is parked: nothing computes, so nothing needs ticks.
        let _parked = self.ticker.parked();
        self.web.fetch(request).await.map_err(wasmtime::Error::new)
    }
}

/// The memory of all sandboxes of one plugin together: room for two of the largest, and for many small ones.
pub(crate) struct Pool {
    used: AtomicUsize,
    most: usize,
}

impl Pool {
    pub(crate) fn new(most_mib: usize) -> Self {
        Self { used: AtomicUsize::new(0), most: (2 * most_mib).max(64) << 20 }
    }
}

/// Which limit a sandbox ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Its own, MiB.
    Own(usize),
    /// That of all sandboxes of the plugin together, MiB.
    Pool(usize),
}

/// The memory of one sandbox, counted against its own limit and its plugin's.
pub(crate) struct Memory {
    used: usize,
    most: usize,
    pool: Arc<Pool>,
    /// It wanted more than it may have.
    pub(crate) denied: Option<Denied>,
}

impl Memory {
    pub(crate) fn new(most_mib: usize, pool: Arc<Pool>) -> Self {
        Self { used: 0, most: most_mib << 20, pool, denied: None }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.pool.used.fetch_sub(self.used, Ordering::Relaxed);
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let over = |used: usize, most: usize| used.saturating_add(more) > most;
        self.denied = if over(self.used, self.most) {
            Some(Denied::Own(self.most >> 20))
        } else if over(self.pool.used.load(Ordering::Relaxed), self.pool.most) {
            Some(Denied::Pool(self.pool.most >> 20))
        } else {
            self.used += more;
            self.pool.used.fetch_add(more, Ordering::Relaxed);
            return Ok(true);
        };
        Ok(false)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= 100_000)
    }

    fn instances(&self) -> usize {
        256
    }

    fn tables(&self) -> usize {
        32
    }

    fn memories(&self) -> usize {
        8
    }
}
