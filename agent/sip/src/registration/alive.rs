//! Keeping the road to the registrar open, and noticing when it is not any more (RFC 5626 sections 3.5 and 4.4, RFC 6223).
//!
//! Over connections two line ends (or a ping frame) ask and one answers; over UDP a STUN binding request asks. Many PBXs
//! answer neither: silence means something only of a road that has answered before, or that was promised to answer. A
//! promise that is not kept is not believed again, so that no PBX has us come and go for ever.

use crate::{
    flow::Flow,
    line::Line,
    message::{Params, Response, name},
    registration::state::{Phase, Registration},
    stun::{self, Question},
    wire::Wire,
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How long an answer may take (RFC 5626 section 4.4.1).
const PATIENCE: Duration = Duration::from_secs(10);
/// A question over UDP that finds no answer is asked again after so long, then after twice as long, and so on (RFC 5389
/// section 7.2.1).
const FIRST_REPEAT: Duration = Duration::from_millis(500);
/// So many questions in vain, and who is there is taken for one who speaks no STUN.
const MOST_TRIES: u32 = 3;
/// No registrar has us ask more often, or has us keep a road that long unasked.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(3600);
/// Two line ends within so long belong together, and are theirs.
const HALVES: Duration = Duration::from_secs(1);

/// What is known of the road in use.
#[derive(Debug, Default)]
pub(super) struct Alive {
    /// Which road that is.
    flow: Option<Flow>,
    /// When the next question is due.
    next: Option<Instant>,
    /// The question that is out.
    out: Option<Out>,
    /// This road has answered one.
    answers: bool,
    /// When one line end came that was taken for an answer, and what `answers` was before.
    doubt: Option<(Instant, bool)>,
    /// The registrar said that this road answers.
    promised: bool,
    /// It said so of a road that never did.
    broken: bool,
    /// How often it wants to be asked.
    wish: Option<Duration>,
    /// Questions over UDP that found no answer.
    unheard: u32,
    /// Where the last answer over UDP saw us.
    mapped: Option<SocketAddr>,
}

/// A question that waits for its answer.
#[derive(Debug)]
struct Out {
    /// Its name, over UDP.
    question: Question,
    since: Instant,
    /// When it is asked again.
    repeat: Option<Instant>,
    /// How long after that once more.
    pause: Duration,
}

impl Alive {
    /// When it wants to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let out = self.out.as_ref();
        let ends = out.map(|out| out.since + PATIENCE);
        [self.next, out.and_then(|out| out.repeat), ends].into_iter().flatten().min()
    }

    /// Nothing is kept open any more.
    pub(super) fn stop(&mut self) {
        self.next = None;
        self.out = None;
    }

    /// Whether silence means that the road is broken.
    fn counts(&self) -> bool {
        self.answers || self.promised && !self.broken
    }

    /// Another road: what was known of the one before says nothing of it, but for what a promise is worth.
    fn begin(&mut self, flow: Flow) {
        if self.flow != Some(flow) {
            *self = Self { flow: Some(flow), broken: self.broken, ..Self::default() };
        }
    }

    /// What a 200 says of keep-alives: that it applied RFC 5626, how often it wants them (section 10.4), and what the next
    /// machine says to our offer in Via (RFC 6223 section 4.3). Who does not know the offer repeats it without a value.
    fn learn(&mut self, response: &Response) {
        let flow_timer = response.headers.get(name::FLOW_TIMER).and_then(|value| seconds(value));
        let keep = response.headers.via().ok().and_then(|via| via.params.value("keep").cloned());
        self.promised = requires_outbound(response) || flow_timer.is_some() || keep.is_some();
        self.wish = flow_timer.or(keep.and_then(|value| seconds(&value)));
    }

    /// When the next question is due, by lot, so that not all phones ask at once.
    fn plan(&mut self, wire: &mut Wire, flow: Flow) {
        let every = wire.config.keep_alive;
        let (least, most) = match (self.wish, flow.transport.reliable()) {
            // RFC 5626 section 4.4: 80 to 100 % of what is asked for.
            (Some(wish), _) => (wish * 4 / 5, wish),
            // 95 to 120 s, where it is 24 to 29 s over UDP.
            (None, true) => (every * 95 / 29, every * 120 / 29),
            (None, false) => (every * 24 / 29, every),
        };
        self.next = (!every.is_zero()).then(|| wire.now + wire.rng.between(least, most));
    }
}

/// Whether a registrar says that it did as RFC 5626 has it (section 6).
pub(super) fn requires_outbound(response: &Response) -> bool {
    let named = response.headers.all(name::REQUIRE).map(|value| value.to_text().into_owned());
    named
        .flat_map(|value| value.split(',').map(|tag| tag.trim().to_ascii_lowercase()).collect::<Vec<_>>())
        .any(|tag| tag == "outbound")
}

/// Zero means that nothing is recommended.
fn seconds(value: &[u8]) -> Option<Duration> {
    let seconds: u32 = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds.into()).clamp(SHORTEST, LONGEST))
}

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
