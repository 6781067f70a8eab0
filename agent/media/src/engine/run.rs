//! The engine's thread: one poll over every socket, the orders and the clock; it sleeps when nothing is to be done.

use super::{
    conference::Conference,
    front::Front,
    inbox::{Inbox, Order, Tell, WAKER},
    session::{News, Session},
    sockets::Sockets,
};
use crate::codec::Codec;
use agent_core::{
    id::CallId,
    party::Sdp,
    port::media::{Flow, MediaCommand, MediaEvent, SoundProblem},
};
use agent_net::Net;
use mio::{Events, Poll, Token};
use std::{
    collections::{BTreeMap, VecDeque},
    io::ErrorKind,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// The step of the sound.
const STEP: Duration = Duration::from_millis(10);
/// Further behind than this the clock starts anew (the machine slept).
const BEHIND: Duration = Duration::from_millis(200);
/// So many datagrams are read from a socket before the others have their turn.
const MOST_AT_ONCE: usize = 64;
/// After so many faults there is no sound any more.
const MOST_FAULTS: u32 = 10;
/// The longest RTP packet that makes sense is far shorter.
const DATAGRAM: usize = 2048;

/// Everything the thread owns.
pub(super) struct Engine {
    pub(super) poll: Poll,
    pub(super) inbox: Arc<Inbox>,
    pub(super) tell: Tell,
    pub(super) net: Net,
    pub(super) front: Front,
    pub(super) codecs: [Codec; 2],
    pub(super) sessions: BTreeMap<CallId, Session>,
    /// Which call a socket belongs to, by its (even) token.
    pub(super) tokens: BTreeMap<usize, CallId>,
    pub(super) next_token: usize,
    pub(super) focus: Option<CallId>,
    pub(super) conference: Conference,
    pub(super) muted: bool,
    /// When the next step is due; `None`: nothing sounds.
    pub(super) tick: Option<Instant>,
    /// What the microphone gave, used again and again.
    pub(super) spoken: Vec<i16>,
    /// Sockets that had more to read.
    pub(super) unread: Vec<Token>,
    /// Orders taken and not carried out yet: a fault in one must not cost the others.
    pub(super) orders: VecDeque<Order>,
}

impl Engine {
    /// Runs until told to end, also after a fault of ours: the calls that were lost by it are refused, the next ones
    /// have their sound. `false` when it failed too often.
    pub(super) fn supervise(mut self) -> bool {
        for _ in 0..MOST_FAULTS {
            if catch_unwind(AssertUnwindSafe(|| self.run())).is_ok() {
                return true;
            }
            tracing::error!("the sound failed and begins anew");
            self.unread.clear();
            self.tokens.clear();
            self.tick = None;
            for (call, _) in std::mem::take(&mut self.sessions) {
                self.refuse(call, SoundProblem::Fault);
            }
        }
        tracing::error!("the sound failed too often");
        false
    }

    /// Runs until told to end.
    fn run(&mut self) {
        let mut events = Events::with_capacity(256);
        self.audio_news();
        loop {
            self.wait(&mut events);
            let now = Instant::now();
            let mut ready = std::mem::take(&mut self.unread);
            ready.extend(events.iter().map(|event| event.token()).filter(|token| *token != WAKER));
            for token in ready.drain(..) {
                self.receive(now, token);
            }
            self.orders.extend(self.inbox.take());
            while let Some(order) = self.orders.pop_front() {
                if matches!(order, Order::Quit) {
                    self.end(now);
                    return;
                }
                self.order(now, order);
            }
            self.clock(now);
            self.timers(now);
            self.front.update(now, self.listening());
            self.audio_news();
        }
    }

    /// Sleeps until a packet, an order or a deadline comes.
    fn wait(&mut self, events: &mut Events) {
        let deadline = [self.tick, self.front.due()]
            .into_iter()
            .flatten()
            .chain(self.sessions.values().filter_map(Session::due))
            .min();
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let idle = self.unread.is_empty() && self.orders.is_empty();
        let left = if idle { left } else { Some(Duration::ZERO) };
        // The poll counts whole milliseconds and rounds up; the rest is slept, so that every step is on time.
        let whole = left.map(|left| Duration::from_millis(left.as_millis() as u64));
        if let Err(error) = self.poll.poll(events, whole)
            && error.kind() != ErrorKind::Interrupted
        {
            tracing::error!(%error, "waiting for packets failed");
            thread::sleep(STEP);
        }
        if let (Some(deadline), true) = (deadline, events.is_empty()) {
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest < Duration::from_millis(1) {
                thread::sleep(rest);
            }
        }
    }

    /// Reads what came on one socket.
    fn receive(&mut self, now: Instant, token: Token) {
        let Some(&call) = self.tokens.get(&(token.0 & !1)) else { return };
        let Some(session) = self.sessions.get_mut(&call) else { return };
        let mut datagram = [0; DATAGRAM];
        for _ in 0..MOST_AT_ONCE {
            let socket = if token.0.is_multiple_of(2) { &session.sockets.rtp } else { &session.sockets.rtcp };
            match socket.recv_from(&mut datagram) {
                Ok((length, from)) => {
                    if let Some(news) = session.datagram(now, from, &datagram[..length]) {
                        (self.tell)(event(call, news));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // Anything else is the echo of a packet sent to a closed port.
                Err(_) => {}
            }
        }
        self.unread.push(token);
    }

    fn order(&mut self, now: Instant, order: Order) {
        match order {
            Order::Command(command) => self.command(now, command),
            Order::Sound(sound) => self.front.sound(sound),
            Order::Configure(settings) => {
                let listening = self.listening();
                self.front.configure(now, settings, listening);
            }
            Order::Opened(opened) => self.front.opened(now, opened),
            Order::Quit => {}
        }
    }

    fn command(&mut self, now: Instant, command: MediaCommand) {
        match command {
            MediaCommand::Offer { call, local } => self.offer(call, local, Flow::SendRecv),
            MediaCommand::Reoffer { call, flow } => match self.sessions.get_mut(&call) {
                Some(session) => {
                    session.want(flow);
                    let sdp = Sdp(session.negotiation.offer(flow));
                    (self.tell)(MediaEvent::Offered { call, sdp });
                }
                None => self.refuse(call, SoundProblem::NoSession),
            },
            MediaCommand::Move { call, local } => self.relocate(now, call, local),
            MediaCommand::Accept { call, local, offer, flow } => self.accept(now, call, local, &offer, flow),
            MediaCommand::Complete { call, answer } => self.complete(now, call, &answer),
            MediaCommand::Withdraw { call } => {
                if let Some(session) = self.sessions.get_mut(&call) {
                    session.negotiation.withdraw();
                    if let Some(agreed) = session.negotiation.agreed() {
                        let flow = agreed.flow;
                        session.want(flow);
                    }
                }
            }
            MediaCommand::Focus { call } => {
                self.focus = call;
                self.refocus(now);
            }
            MediaCommand::Mix { calls } => {
                self.conference.set(calls);
                self.refocus(now);
            }
            MediaCommand::Mute { on } => self.muted = on,
            MediaCommand::Digits { call, digits } => {
                if let Some(session) = self.sessions.get_mut(&call)
                    && !session.press(&digits)
                {
                    tracing::warn!("more keys than can wait; the rest is left out");
                }
            }
            MediaCommand::Stop { call } => self.stop(now, call),
        }
    }

    /// Gives the ear to the call that has the focus, and takes it from every other.
    fn refocus(&mut self, now: Instant) {
        let together = self.together();
        for (&call, session) in &mut self.sessions {
            let listens = self.focus == Some(call) || (together && self.conference.has(call));
            session.focus(now, listens);
        }
    }

    /// Whether microphone and ear are in the conference.
    fn together(&self) -> bool {
        self.focus.is_some_and(|call| self.conference.has(call))
    }

    /// The session of a call; opened when there is none.
    fn session(&mut self, call: CallId, local: IpAddr) -> Result<&mut Session, SoundProblem> {
        if !self.sessions.contains_key(&call) {
            let token = self.next_token;
            let sockets = Sockets::open(&self.net, local, self.poll.registry(), Token(token))
                .map_err(|detail| SoundProblem::NoPort { detail })?;
            self.next_token += 2;
            self.tokens.insert(token, call);
            self.sessions.insert(call, Session::new(sockets, token, self.codecs));
        }
        self.sessions.get_mut(&call).ok_or(SoundProblem::NoSession)
    }

    /// The sound of a call leaves from another address of ours.
    fn relocate(&mut self, now: Instant, call: CallId, local: IpAddr) {
        let Some(session) = self.sessions.get_mut(&call).filter(|it| it.sockets.local.ip() != local) else {
            return;
        };
        let token = self.next_token;
        match Sockets::open(&self.net, local, self.poll.registry(), Token(token)) {
            Ok(sockets) => {
                self.next_token += 2;
                self.tokens.remove(&session.token);
                self.tokens.insert(token, call);
                session.relocate(now, sockets, token).close(self.poll.registry());
            }
            Err(why) => tracing::warn!(why, "a call stays at an address that is no longer ours"),
        }
    }

    fn offer(&mut self, call: CallId, local: IpAddr, flow: Flow) {
        match self.session(call, local) {
            Ok(session) => {
                session.want(flow);
                let sdp = Sdp(session.negotiation.offer(flow));
                (self.tell)(MediaEvent::Offered { call, sdp });
            }
            Err(why) => self.refuse(call, why),
        }
        self.refocus(Instant::now());
    }

    fn accept(&mut self, now: Instant, call: CallId, local: IpAddr, offer: &Sdp, flow: Flow) {
        let fresh = !self.sessions.contains_key(&call);
        let net = self.net.clone();
        let result = self.session(call, local).and_then(|session| {
            let sdp = session.negotiation.answer(&offer.0, flow)?;
            session.want(flow);
            session.agreed(now, &net);
            Ok((Sdp(sdp), session.negotiation.agreed().map_or(Flow::Inactive, |agreed| agreed.flow)))
        });
        match result {
            Ok((sdp, flow)) => {
                (self.tell)(MediaEvent::Accepted { call, sdp, flow });
                self.tell_events(call);
            }
            Err(why) => {
                if fresh {
                    self.forget(call);
                }
                self.refuse(call, why);
            }
        }
        self.refocus(now);
    }

    fn complete(&mut self, now: Instant, call: CallId, answer: &Sdp) {
        let Some(session) = self.sessions.get_mut(&call) else {
            return self.refuse(call, SoundProblem::NoSession);
        };
        match session.negotiation.complete(&answer.0) {
            Ok(flow) => {
                session.agreed(now, &self.net);
                (self.tell)(MediaEvent::Completed { call, flow });
                self.tell_events(call);
            }
            Err(why) => self.refuse(call, why),
        }
    }

    /// Says whether they know keys as telephone-events, when that is news.
    fn tell_events(&mut self, call: CallId) {
        let Some(session) = self.sessions.get_mut(&call) else { return };
        let Some(known) = session.negotiation.agreed().map(|agreed| agreed.events.is_some()) else { return };
        if std::mem::replace(&mut session.events, known) != known {
            (self.tell)(MediaEvent::Events { call, known });
        }
    }

    fn refuse(&self, call: CallId, why: SoundProblem) {
        // What the other side wrote is quoted as data: `?` escapes it.
        tracing::info!(?why, "a call has no sound");
        (self.tell)(MediaEvent::Refused { call, why });
    }

    fn stop(&mut self, now: Instant, call: CallId) {
        if let Some(session) = self.sessions.get_mut(&call) {
            session.end(now, &self.net);
        }
        self.forget(call);
    }

    fn forget(&mut self, call: CallId) {
        if let Some(mut session) = self.sessions.remove(&call) {
            session.sockets.close(self.poll.registry());
            self.tokens.remove(&session.token);
            self.conference.forget(call);
        }
    }

    /// Whether a call has microphone and ear.
    fn listening(&self) -> bool {
        self.focus.is_some_and(|call| self.sessions.contains_key(&call))
    }

    /// Takes the steps that are due.
    fn clock(&mut self, now: Instant) {
        let busy = self.sessions.values().any(Session::busy);
        if !self.listening() && !self.front.sounding() && !busy {
            if self.tick.take().is_some() {
                self.front.rest();
            }
            return;
        }
        let mut due = *self.tick.get_or_insert(now);
        if due > now {
            return;
        }
        if now.duration_since(due) > BEHIND {
            due = now;
        }
        let mut ticks = 0;
        while due <= now {
            due += STEP;
            ticks += 1;
        }
        self.tick = Some(due);
        self.step(now, ticks);
    }

    fn step(&mut self, now: Instant, ticks: usize) {
        if self.together() {
            return self.step_together(now, ticks);
        }
        let mut listener = self.focus.and_then(|call| self.sessions.get_mut(&call));
        self.front.step(now, ticks, &mut self.spoken, |step| {
            if let Some(session) = &mut listener {
                session.listen(now, step);
            }
        });
        for (&call, session) in &mut self.sessions {
            if self.focus == Some(call) {
                session.speak(now, &self.spoken, self.muted, &self.net);
            } else if session.busy() {
                self.spoken.clear();
                self.spoken.resize(ticks * crate::codec::STEP, 0);
                session.speak(now, &self.spoken, true, &self.net);
            }
        }
    }

    /// The same for a conference: every leg by our clock, microphone and ear by theirs.
    fn step_together(&mut self, now: Instant, ticks: usize) {
        let conference = &mut self.conference;
        let mut calls = Vec::new();
        let mut legs = Vec::new();
        for (&call, session) in self.sessions.iter_mut().filter(|(call, _)| conference.has(**call)) {
            let mut leg = Vec::with_capacity(ticks * crate::codec::STEP);
            for _ in 0..ticks {
                let mut step = [0; crate::codec::STEP];
                session.listen(now, &mut step);
                leg.extend_from_slice(&step);
            }
            calls.push(call);
            legs.push(leg);
        }
        conference.hear(&legs, ticks);
        self.front.step(now, ticks, &mut self.spoken, |step| conference.listen(step));
        if self.muted {
            self.spoken.fill(0);
        }
        let out = conference.speak(&self.spoken, &legs, ticks);
        for (call, samples) in calls.iter().zip(&out) {
            if let Some(session) = self.sessions.get_mut(call) {
                session.speak(now, samples, false, &self.net);
            }
        }
        for (&call, session) in &mut self.sessions {
            if !self.conference.has(call) && session.busy() {
                self.spoken.clear();
                self.spoken.resize(ticks * crate::codec::STEP, 0);
                session.speak(now, &self.spoken, true, &self.net);
            }
        }
    }

    fn timers(&mut self, now: Instant) {
        for (&call, session) in &mut self.sessions {
            if session.due().is_some_and(|due| due <= now) {
                session.timer(now, &self.net, |news| (self.tell)(event(call, news)));
            }
        }
    }

    fn audio_news(&mut self) {
        if let Some(state) = self.front.news() {
            (self.tell)(MediaEvent::Audio(state));
        }
    }

    fn end(&mut self, now: Instant) {
        for call in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.stop(now, call);
        }
    }
}

fn event(call: CallId, news: News) -> MediaEvent {
    match news {
        News::Digit(digit) => MediaEvent::Digit { call, digit },
        News::Silent => MediaEvent::Silent { call },
        News::Heard => MediaEvent::Heard { call },
        News::Facts(facts) => MediaEvent::Facts { call, facts },
    }
}
