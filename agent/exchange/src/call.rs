//! Calls of the exchange's own ends, seen from outside: what state they are in, and what was heard on them.

use crate::{error::ExchangeError, extension::Extension, media::Session, recording::Recording};
use agent_core::{
    id::CallId,
    party::Sdp,
    port::sip::{CallEnd, SipCommand},
};
use agent_sip::SipHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How far a call has come, and when.
#[derive(Debug, Clone)]
pub struct CallerState {
    /// The INVITE went out (or, at an extension, came in).
    pub placed: Instant,
    /// The first 180 or 183 came (or went).
    pub ringing: Option<Instant>,
    /// It was answered.
    pub answered: Option<Instant>,
    /// It is over.
    pub ended: Option<(Instant, CallEnd)>,
    /// The other side holds us.
    pub held: bool,
}

impl CallerState {
    pub(crate) fn new() -> Self {
        Self { placed: Instant::now(), ringing: None, answered: None, ended: None, held: false }
    }
}

/// A call the exchange makes to a phone. Hangs up when it is dropped.
pub struct CallerCall {
    pub(crate) call: CallId,
    pub(crate) sip: SipHandle,
    pub(crate) state: watch::Receiver<CallerState>,
    pub(crate) session: Session,
}

impl CallerCall {
    /// How far it has come.
    pub fn state(&self) -> CallerState {
        self.state.borrow().clone()
    }

    /// Waits for the phone to ring; when its 180 came.
    pub async fn ringing(&self, within: Duration) -> Result<Instant, ExchangeError> {
        self.until("180", within, |state| state.ringing).await
    }

    /// Waits for the phone to be answered; when its 200 came.
    pub async fn answered(&self, within: Duration) -> Result<Instant, ExchangeError> {
        self.until("answer", within, |state| state.answered).await
    }

    /// Waits for the end of the call.
    pub async fn ended(&self, within: Duration) -> Result<(Instant, CallEnd), ExchangeError> {
        let mut state = self.state.clone();
        let late = ExchangeError::TooLate { what: "end of the call", within };
        match tokio::time::timeout(within, state.wait_for(|state| state.ended.is_some())).await {
            Ok(Ok(state)) => state.ended.clone().ok_or(late),
            Ok(Err(_)) => Err(stopped()),
            Err(_) => Err(late),
        }
    }

    /// Waits until the phone holds (or no longer holds) the caller.
    pub async fn held(&self, on: bool, within: Duration) -> Result<(), ExchangeError> {
        let what = if on { "hold" } else { "resume" };
        self.until(what, within, |state| (state.held == on && state.answered.is_some()).then(Instant::now))
            .await
            .map(|_| ())
    }

    /// Hangs up: CANCEL before the answer, BYE after it.
    pub fn hang_up(&self) {
        self.sip.send(SipCommand::Hangup { call: self.call });
    }

    /// Holds the phone, or takes it back.
    pub fn hold(&self, on: bool) {
        self.sip.send(SipCommand::Reoffer { call: self.call, offer: Sdp(self.session.offer(on)) });
    }

    /// What the caller has heard so far.
    pub fn recording(&self) -> Recording {
        self.session.recording()
    }

    async fn until(
        &self,
        what: &'static str,
        within: Duration,
        when: impl Fn(&CallerState) -> Option<Instant>,
    ) -> Result<Instant, ExchangeError> {
        let mut state = self.state.clone();
        let there = |state: &CallerState| when(state).is_some() || state.ended.is_some();
        match tokio::time::timeout(within, state.wait_for(there)).await {
            Ok(Ok(state)) => when(&state).ok_or_else(|| {
                let end = state.ended.as_ref().map_or(String::new(), |(_, end)| format!("{end:?}"));
                ExchangeError::Ended { what, end }
            }),
            Ok(Err(_)) => Err(stopped()),
            Err(_) => Err(ExchangeError::TooLate { what, within }),
        }
    }
}

impl Drop for CallerCall {
    fn drop(&mut self) {
        if self.state.borrow().ended.is_none() {
            self.hang_up();
        }
    }
}

/// A call to an extension the exchange answers itself.
#[derive(Clone)]
pub struct ExtensionCall {
    /// Which.
    pub extension: Extension,
    /// Who called: the number.
    pub from: String,
    pub(crate) call: CallId,
    pub(crate) sip: SipHandle,
    pub(crate) state: watch::Receiver<CallerState>,
    pub(crate) session: Session,
}

impl ExtensionCall {
    /// How far it has come.
    pub fn state(&self) -> CallerState {
        self.state.borrow().clone()
    }

    /// What the extension has heard so far.
    pub fn recording(&self) -> Recording {
        self.session.recording()
    }

    /// Hangs up.
    pub fn hang_up(&self) {
        self.sip.send(SipCommand::Hangup { call: self.call });
    }

    /// Waits for the end of the call.
    pub async fn ended(&self, within: Duration) -> Result<CallEnd, ExchangeError> {
        let mut state = self.state.clone();
        let late = ExchangeError::TooLate { what: "end of the call", within };
        match tokio::time::timeout(within, state.wait_for(|state| state.ended.is_some())).await {
            Ok(Ok(state)) => state.ended.clone().map(|(_, end)| end).ok_or(late),
            Ok(Err(_)) => Err(stopped()),
            Err(_) => Err(late),
        }
    }
}

fn stopped() -> ExchangeError {
    ExchangeError::Stopped { what: "exchange", detail: "it was shut down".to_owned() }
}
