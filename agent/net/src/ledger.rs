//! Ledger rows: one attempt is one row, also when nobody waits for its end.

use crate::{mark::Mark, meter::Count};
use agent_core::{
    ledger::{Egress, LedgerRecord, Purpose},
    time::UnixMillis,
};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Where rows go. Called on whatever thread made the attempt; must not block.
pub type LedgerSink = Arc<dyn Fn(LedgerRecord) + Send + Sync>;

/// What is reached for: the fixed part of a row.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) scheme: &'static str,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) request: Option<String>,
    /// How its packets are marked.
    pub(crate) mark: Option<Mark>,
}

impl Target {
    pub(crate) fn new(scheme: &'static str, host: &str, port: u16) -> Self {
        Self { scheme, host: host.to_owned(), port, request: None, mark: None }
    }
}

/// The row of an attempt under way. Dropped without an outcome it says that it was given up.
pub(crate) struct Attempt {
    sink: LedgerSink,
    record: Option<LedgerRecord>,
    count: Option<Arc<Count>>,
}

impl Attempt {
    pub(crate) fn new(sink: &LedgerSink, purpose: &Purpose, target: &Target) -> Self {
        let record = LedgerRecord {
            at: now(),
            purpose: purpose.clone(),
            scheme: target.scheme.to_owned(),
            host: target.host.clone(),
            address: None,
            port: target.port,
            request: target.request.clone(),
            bytes_out: 0,
            bytes_in: 0,
            outcome: Egress::Failed("given up before there was an answer".to_owned()),
        };
        Self { sink: sink.clone(), record: Some(record), count: None }
    }

    pub(crate) fn at(mut self, address: SocketAddr) -> Self {
        if let Some(record) = &mut self.record {
            record.address = Some(address.ip().to_string());
        }
        self
    }

    /// The row's byte counts are read from `count` when it is written.
    pub(crate) fn counted(&mut self, count: Arc<Count>) {
        self.count = Some(count);
    }

    pub(crate) fn allowed(self) {
        self.end(Egress::Allowed);
    }

    pub(crate) fn failed(self, cause: &str) {
        self.end(Egress::Failed(cause.to_owned()));
    }

    pub(crate) fn refused(self, rule: &str) {
        self.end(Egress::Refused(rule.to_owned()));
    }

    fn end(mut self, outcome: Egress) {
        if let Some(record) = &mut self.record {
            record.outcome = outcome;
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some(mut record) = self.record.take() else { return };
        if let Some(count) = &self.count {
            (record.bytes_out, record.bytes_in) = count.both();
        }
        (self.sink)(record);
    }
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
