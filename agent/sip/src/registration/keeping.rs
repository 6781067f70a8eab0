//! What a registration does about the road to its registrar: asks whether it is open, hears the answers, and names itself on it
//! (RFC 5626 sections 3.5, 4.2 and 4.4).

use crate::{
    flow::Flow,
    line::Line,
    message::{Params, Response},
    registration::{
        alive::{FIRST_REPEAT, HALVES, MOST_TRIES, Out, PATIENCE},
        state::{Phase, Registration},
    },
    stun::{self, Question},
    wire::Wire,
};
use std::net::SocketAddr;

impl Registration {
    /// The registrar has confirmed over `flow`: from now on that is kept open.
    pub(super) fn keep_alive(&mut self, wire: &mut Wire, flow: Flow, response: &Response) {
        self.alive.begin(flow);
        self.alive.learn(response);
        self.alive.plan(wire, flow);
    }

    /// Does what is due.
    pub(super) fn ask_alive(&mut self, wire: &mut Wire) {
        let now = wire.now;
        let Some(flow) = self.flow else { return self.alive.stop() };
        if let Some(out) = &mut self.alive.out {
            if out.since + PATIENCE <= now {
                self.alive.out = None;
                return self.silent(wire, flow);
            }
            if out.repeat.is_some_and(|at| at <= now) {
                out.repeat = Some(now + out.pause);
                out.pause *= 2;
                wire.transactions.send_bytes(flow, &stun::request(&out.question));
            }
        }
        if self.alive.next.take_if(|at| *at <= now).is_some() {
            self.ask_whether_alive(wire, flow);
            self.alive.plan(wire, flow);
        }
    }

    fn ask_whether_alive(&mut self, wire: &mut Wire, flow: Flow) {
        let alive = &mut self.alive;
        if flow.transport.reliable() {
            wire.transactions.send_bytes(flow, b"\r\n\r\n");
            if alive.out.is_none() {
                let out = Out { question: [0; 12], since: wire.now, repeat: None, pause: FIRST_REPEAT };
                alive.out = Some(out);
            }
            return;
        }
        if !alive.answers && alive.unheard >= MOST_TRIES {
            // No datagram of STUN's where nobody knows what to make of it: an empty one keeps the way back open as well.
            return wire.transactions.send_bytes(flow, b"\r\n\r\n");
        }
        let mut question: Question = [0; 12];
        wire.rng.fill(&mut question);
        wire.transactions.send_bytes(flow, &stun::request(&question));
        // Of who has not answered yet nobody knows whether they can: they are asked once each time.
        let repeat = alive.counts().then(|| wire.now + FIRST_REPEAT);
        alive.out = Some(Out { question, since: wire.now, repeat, pause: FIRST_REPEAT * 2 });
    }

    /// No answer came in time.
    fn silent(&mut self, wire: &mut Wire, flow: Flow) {
        self.alive.unheard = self.alive.unheard.saturating_add(1);
        if !self.alive.counts() {
            return;
        }
        self.alive.broken |= !self.alive.answers;
        self.alive.flow = None;
        self.alive.stop();
        wire.failed.push((flow, "keep-alives find no answer any more".to_owned()));
    }

    /// Whether anything that comes over this road is news: a question is out, or an answer was doubtful.
    pub(crate) fn listens(&self, flow: &Flow) -> bool {
        let alive = &self.alive;
        alive.flow.as_ref() == Some(flow) && (alive.out.is_some() || alive.doubt.is_some())
    }

    /// Something came over a road: `pong` when it is one line end, or a pong frame.
    pub(crate) fn heard(&mut self, wire: &Wire, flow: &Flow, pong: bool) {
        let alive = &mut self.alive;
        if alive.flow.as_ref() != Some(flow) {
            return;
        }
        let asked = alive.out.take().is_some();
        alive.doubt = (pong && asked).then_some((wire.now, alive.answers));
        alive.answers |= pong && asked;
    }

    /// Two line ends came. Where the first was taken for an answer a moment ago, it was none.
    pub(crate) fn pinged(&mut self, wire: &Wire, flow: &Flow) {
        if let Some((at, before)) = self.alive.doubt.take_if(|_| !flow.transport.web())
            && wire.now.duration_since(at) < HALVES
            && self.alive.flow.as_ref() == Some(flow)
        {
            self.alive.answers = before;
        }
        self.heard(wire, flow, false);
    }

    /// An answer of STUN's came from `peer`, and says where we are seen.
    pub(crate) fn mapped(&mut self, wire: &mut Wire, flow: &Flow, (question, seen): (Question, SocketAddr)) {
        let alive = &mut self.alive;
        let ours = alive.out.as_ref().is_some_and(|out| out.question == question);
        if !ours || alive.flow.as_ref() != Some(flow) {
            return;
        }
        alive.out = None;
        alive.answers = true;
        alive.unheard = 0;
        let before = alive.mapped.replace(seen);
        let stands = matches!(self.phase, Phase::Still) && self.binding.is_some() && !self.leaving;
        if before.is_none_or(|before| before == seen) || !stands {
            return;
        }
        // The router gave us another place: nobody reaches us at the one the registrar knows (RFC 5626 section 4.4.2).
        // Where the two never saw us alike, the registrar's own answer says where that is.
        if before == Some(self.learned.unwrap_or(flow.local)) {
            self.retire_contact();
            self.learned = (seen != flow.local).then_some(seen);
        }
        self.ask(wire, *flow, false);
    }

    /// Whether this is that road of that address of record.
    pub(crate) fn is_road(&self, line: &Line, reg_id: u32) -> bool {
        self.reg_id == reg_id && self.line().aor == line.aor
    }

    /// Our instance and the number of this road, at the Contact of a REGISTER (RFC 5626 section 4.2). Not where another
    /// registration took our place: the registrar would take its binding for ours, and it away with ours.
    pub(super) fn instance_params(&self, wire: &Wire) -> Params {
        if !self.outbound || self.account().is_none() {
            return Params::new();
        }
        let instance = format!("<{}>", wire.device.instance());
        Params::new().with("+sip.instance", instance).with("reg-id", self.reg_id.to_string())
    }
}
