//! The way to the registrar: found, tried, left when it fails, returned to when it is back (RFC 3263 section 4.3, RFC 5626
//! section 4.5), and looked at again when the network or the computer is not what it was.

use crate::{
    flow::Flow,
    message::Response,
    registration::state::{Phase, Registration},
    transaction::TransactionEvent,
    ways::{Found, Obstacle, Turn, Way},
    wire::{Output, Owner, ReachId, Wire},
};
use agent_core::port::sip::{Registration as Told, RegistrationProblem as Problem, SipEvent};
use std::time::Duration;

/// Names are not looked up again sooner, whatever their time to live says.
const LEAST_GOOD: Duration = Duration::from_secs(30);
/// The best way is not tried again sooner.
const LEAST_HOME: Duration = Duration::from_secs(30);
/// After a change of the network everybody comes back within so long, not everybody at once.
const JITTER: Duration = Duration::from_millis(500);
/// No machine keeps us away for a shorter or a longer time with Retry-After.
pub(super) const LEAST_WAIT: Duration = Duration::from_secs(1);
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// A binding confirmed so lately need not be looked after because some other network came or went.
const FRESH: Duration = Duration::from_secs(5);

impl Registration {
    /// Looks up where the registrar is, and goes there.
    pub(super) fn reach(&mut self, wire: &mut Wire) {
        self.wake = None;
        self.patience = None;
        self.home_at = None;
        self.phase = Phase::Reaching(wire.reach(Owner::Registration(self.number), self.line.hop.clone()));
        if self.binding.is_none() {
            self.tell(wire, Told::Connecting);
        }
    }

    /// Refreshes the binding over the way in use, or looks up first whether it still is one.
    pub(super) fn refresh(&mut self, wire: &mut Wire, flow: Flow) {
        if self.stale_at.is_some_and(|at| at <= wire.now) {
            return self.reach(wire);
        }
        let mut left = wire.shunned.order(wire.now, &self.ways);
        left.retain(|way| *way != Way::from(flow));
        self.left = left.into();
        self.ask(wire, flow, false);
    }

    /// The ways to the registrar were found, or not.
    pub(crate) fn reached(&mut self, wire: &mut Wire, id: ReachId, result: Result<Found, String>) {
        if !matches!(self.phase, Phase::Reaching(expected) if expected == id) {
            return;
        }
        self.phase = Phase::Still;
        if self.leaving {
            return self.left(wire);
        }
        let current = self.flow.map(Way::from);
        match result {
            Ok(found) => {
                self.stale_at = found.good_for.map(|good| wire.now + good.max(LEAST_GOOD));
                self.ways = found.ways;
                // By lot it may be another one each time: who has a good one stays there.
                let stays = |way: &Way| {
                    self.binding.is_some() && !self.away && wire.shunned.until(wire.now, *way).is_none()
                };
                if let Some(way) = current.filter(stays)
                    && let Some(at) = self.ways.iter().position(|other| *other == way)
                {
                    self.ways[..=at].rotate_right(1);
                }
                self.obstacle = None;
                self.left = wire.shunned.order(wire.now, &self.ways).into();
                // A network that changed is no reason to leave the machine that serves for one that failed a moment ago.
                let serves = current.filter(|_| self.checking && self.away);
                if let Some(at) = serves.and_then(|way| self.left.iter().position(|other| *other == way))
                    && let Some(way) = self.left.remove(at)
                {
                    self.left.push_front(way);
                }
                let detail = format!("{} has no address", self.line.hop.host);
                self.next_way(wire, Problem::Unreachable { detail });
            }
            Err(detail) => {
                // A name server that is away says nothing of the PBX: the way in use is tried, if there is one.
                self.left = current.filter(|_| self.binding.is_some()).into_iter().collect();
                self.next_way(wire, Problem::Unreachable { detail });
            }
        }
    }

    /// Goes the next way that was not tried yet; where there is none, that is the end for now.
    pub(super) fn next_way(&mut self, wire: &mut Wire, problem: Problem) {
        self.patience = None;
        // Of several addresses of a name often only one is served: what is wrong there is worth more to know than that the
        // others are silent.
        let problem = match (problem, self.obstacle.take()) {
            (Problem::Unreachable { .. } | Problem::Silent, Some(obstacle)) => obstacle,
            (problem, _) => problem,
        };
        if matches!(problem, Problem::Certificate(_) | Problem::WebSocket(_)) && !self.left.is_empty() {
            self.obstacle = Some(problem.clone());
        }
        match self.left.pop_front() {
            Some(way) if !self.leaving => {
                let id = wire.open(Owner::Registration(self.number), self.line.hop.clone(), way);
                self.phase = Phase::Opening(id, way);
            }
            _ => {
                let barred = self.ways.iter().filter_map(|way| wire.shunned.barred(wire.now, *way)).min();
                let free = wire.shunned.order(wire.now, &self.ways).is_empty();
                let after = barred.filter(|_| free).map(|until| until.duration_since(wire.now));
                self.fail(wire, problem, after);
            }
        }
    }

    /// Who is at the end of a way is not the registrar. Who did not prove it: it is not the way that failed, and another may
    /// lead to the right machine, but not one on which nobody has to prove anything. Who opens no WebSocket: others may.
    pub(crate) fn blocked(&mut self, wire: &mut Wire, id: ReachId, why: Obstacle) {
        let Phase::Opening(expected, way) = self.phase else { return };
        if expected != id {
            return;
        }
        self.phase = Phase::Still;
        if self.leaving {
            return self.left(wire);
        }
        match why {
            Obstacle::Untrusted(why) => {
                self.left.retain(|way| way.transport.secure());
                self.next_way(wire, Problem::Certificate(why));
            }
            Obstacle::NoWebSocket(why) => {
                wire.shunned.shun(wire.now, way);
                self.next_way(wire, Problem::WebSocket(why));
            }
        }
    }

    /// A way leads to the registrar, or not.
    pub(crate) fn opened(&mut self, wire: &mut Wire, id: ReachId, result: Result<Flow, String>) {
        let Phase::Opening(expected, way) = self.phase else { return };
        if expected != id {
            return;
        }
        self.phase = Phase::Still;
        if self.leaving {
            return self.left(wire);
        }
        match result {
            Ok(flow) => {
                let checking = std::mem::take(&mut self.checking);
                if checking && self.stands(wire, flow) {
                    self.wake = self.refresh;
                    self.plan_return(wire, way);
                    return;
                }
                self.use_flow(wire, flow);
                self.ask(wire, flow, false);
            }
            Err(detail) => {
                // Without a route it is not the way that failed, but our own network.
                if way.transport.reliable() {
                    wire.shunned.shun(wire.now, way);
                }
                self.next_way(wire, Problem::Unreachable { detail });
            }
        }
    }

    /// Whether what is bound over this way needs no look after a change of the network.
    fn stands(&self, wire: &Wire, flow: Flow) -> bool {
        let fresh = |since| wire.now.duration_since(since) < FRESH;
        matches!(self.state, Told::Registered)
            && self.flow == Some(flow)
            && self.binding.as_ref().is_some_and(|binding| fresh(binding.since))
    }

    /// The way in use failed: others are tried before it from now on.
    pub(super) fn leave_way(&mut self, wire: &mut Wire, problem: Problem) {
        if let Some(flow) = self.flow {
            wire.shunned.shun(wire.now, flow.into());
        }
        self.next_way(wire, problem);
    }

    /// One of several machines left a REGISTER unanswered for too long.
    pub(super) fn out_of_patience(&mut self, wire: &mut Wire) {
        let Phase::Asking(asking) = std::mem::replace(&mut self.phase, Phase::Still) else { return };
        wire.forsake(asking.id);
        if let Some(flow) = self.flow.filter(|flow| flow.transport.reliable()) {
            wire.out.push_back(Output::Close(flow));
        }
        self.leave_way(wire, Problem::Silent);
    }

    /// The machine cannot serve now (503): it is left alone for as long as it asks to be, and the next one is asked, if
    /// there is one (RFC 3261 section 21.5.4).
    pub(super) fn unavailable(&mut self, wire: &mut Wire, problem: Problem, after: Option<Duration>) {
        if let Some(flow) = self.flow {
            match after {
                Some(wait) => wire.shunned.bar(wire.now, flow.into(), wait),
                None => wire.shunned.shun(wire.now, flow.into()),
            }
        }
        if self.left.is_empty() {
            return self.fail(wire, problem, after);
        }
        self.next_way(wire, problem);
    }

    /// Whether the registrar was said to be there.
    pub(crate) fn leads(&self, way: Way) -> bool {
        self.ways.contains(&way)
    }

    /// The way to try after one that failed: `None` where there is no other. What began on a secure way goes on on a secure
    /// one or not at all, even where name servers list plain ones beside it.
    pub(crate) fn next_after(&self, wire: &Wire, failed: Way) -> Option<Way> {
        let mut ways = wire.shunned.order(wire.now, &self.ways).into_iter();
        let safe = |way: &Way| way.transport.secure() || !failed.transport.secure();
        ways.find(|way| *way != failed && safe(way) && wire.shunned.until(wire.now, *way).is_none())
    }

    /// A call found that a way of ours fails. Where it is the one in use, the registration does not wait for its refresh.
    pub(crate) fn way_failed(&mut self, wire: &mut Wire, failed: Way, event: &TransactionEvent) {
        match event {
            TransactionEvent::Response { response, .. } => match response.headers.retry_after() {
                Some(wait) => wire.shunned.bar(wire.now, failed, wait.clamp(LEAST_WAIT, LONGEST_WAIT)),
                None => wire.shunned.shun(wire.now, failed),
            },
            _ => wire.shunned.shun(wire.now, failed),
        }
        let ours = self.flow.map(Way::from) == Some(failed) && self.ways.len() > 1;
        if ours && !self.leaving && matches!(self.phase, Phase::Still) && self.binding.is_some() {
            self.reach(wire);
        }
    }

    /// The registrar confirmed over the way in use: is it the best there is? Else the best is tried again when its time
    /// has come.
    pub(super) fn arrived(&mut self, wire: &mut Wire, flow: Flow) {
        let way = Way::from(flow);
        wire.shunned.proven(way);
        self.left.clear();
        self.obstacle = None;
        self.patience = None;
        self.unsure = false;
        self.checking = false;
        self.plan_return(wire, way);
    }

    /// When the best way is tried again, if `way`, the one in use, is not the best.
    fn plan_return(&mut self, wire: &Wire, way: Way) {
        let best = self.ways.first().copied().filter(|best| *best != way);
        self.away = best.is_some();
        self.home_at = best.map(|best| {
            let until = wire.shunned.until(wire.now, best).unwrap_or(wire.now);
            until.max(wire.now + LEAST_HOME)
        });
    }

    /// The network or the computer is not what it was.
    pub(crate) fn turned(&mut self, wire: &mut Wire, turn: Turn) {
        if self.leaving {
            return;
        }
        if matches!(turn, Turn::Sleeping | Turn::Awake) {
            self.unsure = true;
            if matches!(self.state, Told::Registered) {
                self.expiry = None;
                self.tell(wire, Told::Connecting);
            }
        }
        // Nothing but the user helps, or every try counts towards a lock: no network makes a password right.
        let waits_for_user =
            matches!(&self.state, Told::Failed { reason: Problem::NoPassword | Problem::WrongPassword, .. });
        if turn == Turn::Sleeping || waits_for_user || matches!(self.state, Told::Idle | Told::Unregistered) {
            return;
        }
        if turn == Turn::Awake
            && let Some(flow) = self.flow.filter(|flow| flow.transport.reliable())
        {
            // The other side has long given it up.
            wire.out.push_back(Output::Close(flow));
        }
        if let Phase::Asking(asking) = &self.phase {
            wire.forsake(asking.id);
        }
        self.failures = 0;
        self.losses = 0;
        self.patience = None;
        self.checking = matches!(self.state, Told::Registered) && !self.unsure;
        self.phase = Phase::Waiting;
        self.wake = Some(wire.now + wire.rng.between(Duration::ZERO, JITTER));
    }

    pub(super) fn use_flow(&mut self, wire: &mut Wire, flow: Flow) {
        if self.flow.is_none_or(|before| before.local != flow.local || before.peer != flow.peer) {
            self.learned = None;
            self.auth.forget();
            self.retire_contact();
        }
        self.flow = Some(flow);
        let local = flow.local.ip();
        if self.told_address.replace(local) != Some(local)
            && let Some(account) = self.account
        {
            wire.tell(SipEvent::Address { account, local });
        }
    }

    /// Whether an answer says that another machine may do better (RFC 3263 section 4.3).
    pub(super) fn tells_to_go_on(response: &Response) -> bool {
        response.status == 503
    }
}
