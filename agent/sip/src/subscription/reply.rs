//! What the answers to SUBSCRIBE mean (RFC 6665 section 4.1.2, RFC 5057).

use crate::{
    auth::AuthError,
    message::Response,
    subscription::{
        desk::Desk,
        state::{Asking, LINGER, Phase, Subscription, Turn},
    },
    transaction::TransactionId,
    wire::Wire,
};
use agent_core::port::sip::watch::Subscribed;
use std::time::{Duration, Instant};

/// Requests sent for one purpose before it counts as refused: challenges, a longer interval, a stale nonce.
const MOST_TRIES: u32 = 5;
/// No interval we agree to is longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// What is not served, or not for us, is asked for again no sooner.
pub(super) const HOUR: Duration = Duration::from_secs(3600);

impl Subscription {
    /// A response to a SUBSCRIBE.
    pub(crate) fn response(
        &mut self,
        wire: &mut Wire,
        desk: &mut Desk,
        id: TransactionId,
        response: &Response,
    ) {
        if response.is_provisional() {
            return;
        }
        let Some(asking) = self.take_asking(id) else { return };
        if desk.road.is_none() && !self.leaving {
            // The account is not registered any more; what this says is asked anew.
            self.phase = Phase::Off;
            return;
        }
        match response.status {
            200..=299 => self.accepted(wire, &asking, response),
            401 | 407 => self.challenged(wire, desk, &asking, response),
            _ if self.leaving => self.phase = Phase::Over,
            423 => self.too_brief(wire, &asking, response),
            _ => self.refused(wire, asking.inside, response),
        }
    }

    /// No answer came, or it could not be sent.
    pub(crate) fn unanswered(&mut self, wire: &mut Wire, desk: &Desk, id: TransactionId) {
        if self.take_asking(id).is_none() {
            return;
        }
        if self.leaving {
            self.phase = Phase::Over;
        } else if desk.road.is_none() {
            self.phase = Phase::Off;
        } else {
            // It ends the dialog, too (RFC 5057 section 5.1).
            self.failed(wire, None);
        }
    }

    fn take_asking(&mut self, id: TransactionId) -> Option<Asking> {
        match std::mem::replace(&mut self.phase, Phase::Off) {
            Phase::Asking(asking) if asking.id == id => Some(*asking),
            other => {
                self.phase = other;
                None
            }
        }
    }

    fn accepted(&mut self, wire: &mut Wire, asking: &Asking, response: &Response) {
        let removed = asking.sent.headers.expires() == Some(0);
        if self.leaving && !removed {
            // It was given up while it was asked for. Without a NOTIFY there is no dialog to end it in.
            return if self.dialog.is_some() { self.queue(Turn::Hurried) } else { self.phase = Phase::Over };
        }
        if self.leaving {
            self.phase = Phase::Lingering;
            self.wake = Some(wire.now + LINGER);
            return;
        }
        if let Some(dialog) = self.dialog.as_mut().filter(|_| asking.inside) {
            dialog.retarget(&response.headers);
        }
        let asked = Duration::from_secs(asking.sent.headers.expires().unwrap_or_default().into());
        let granted = response.headers.expires().map(|seconds| Duration::from_secs(seconds.into()));
        let granted = granted.unwrap_or(asked).min(LONGEST);
        if granted.is_zero() {
            return self.failed(wire, None);
        }
        self.phase = Phase::Standing;
        self.plan(wire, asking.since + granted);
    }

    /// It stands until `expiry`: when it is refreshed, not at the same part of the interval for all.
    pub(super) fn plan(&mut self, wire: &mut Wire, expiry: Instant) {
        let left = expiry.saturating_duration_since(wire.now);
        self.expiry = Some(expiry);
        let wait = wire.rng.between(left * 7 / 10, left * 17 / 20);
        self.wake = Some(wire.now + wait.max(Duration::from_secs(1)));
    }

    fn challenged(&mut self, wire: &mut Wire, desk: &mut Desk, asking: &Asking, response: &Response) {
        match desk.auth.challenged(&asking.sent, response) {
            Ok(()) if asking.tries < MOST_TRIES => {
                self.again = Some((asking.since, asking.tries));
                self.queue(Turn::Hurried);
            }
            Err(AuthError::Rejected) if !self.leaving => {
                desk.auth.forget();
                self.refused(wire, asking.inside, response);
            }
            _ if self.leaving => self.phase = Phase::Over,
            _ => self.refused(wire, asking.inside, response),
        }
    }

    /// 423: the interval asked for is too short.
    fn too_brief(&mut self, wire: &mut Wire, asking: &Asking, response: &Response) {
        let least = response.headers.min_expires().map(|seconds| Duration::from_secs(seconds.into()));
        match least.filter(|least| *least > self.expires && *least <= LONGEST) {
            Some(least) if asking.tries < MOST_TRIES => {
                self.expires = least;
                self.again = Some((asking.since, asking.tries));
                self.queue(Turn::Hurried);
            }
            _ => self.refused(wire, asking.inside, response),
        }
    }

    fn refused(&mut self, wire: &mut Wire, inside: bool, response: &Response) {
        let status = response.status;
        let after = response.headers.retry_after().map(|wait| wait.clamp(Duration::from_secs(1), HOUR));
        if inside && status == 481 && after.is_none() {
            // The PBX began anew and knows nothing of it: nor do we what happened meanwhile.
            self.drop_dialog(wire);
            self.tell(wire, Subscribed::Unknown);
            self.failures = self.failures.saturating_add(1);
            return self.queue(Turn::Waiting);
        }
        let stands = inside && !ends_it(status) && self.expiry.is_some_and(|expiry| expiry > wire.now);
        let wait = after.or(wait_for(status));
        if stands {
            // The refresh failed; what was granted before holds until its end (RFC 6665 section 4.1.2.2).
            return self.wait(wire, wait);
        }
        self.drop_dialog(wire);
        let phrase = response.phrase.to_display().chars().take(80).collect();
        self.tell(wire, Subscribed::Refused { status, phrase });
        self.wait(wire, wait);
    }
}

/// Responses to a refresh that end the subscription (RFC 6665 section 4.1.2.2).
fn ends_it(status: u16) -> bool {
    matches!(status, 401 | 403..=405 | 407 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 604)
}

/// How long to stay away from who does not serve this, or not us; `None`: as after any failure.
fn wait_for(status: u16) -> Option<Duration> {
    matches!(status, 401 | 403 | 405 | 407 | 489 | 501 | 603).then_some(HOUR)
}
