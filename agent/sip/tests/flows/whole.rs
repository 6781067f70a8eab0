//! A whole phone without its sound: the endpoint and the core in one. The sound is a stand-in that agrees to everything.

use crate::world::{Who, World, sdp};
use agent_core::{
    Agent,
    action::{Action, CallStatus, Reply, RequestId},
    port::{
        Effect, Event,
        media::{Flow, MediaCommand, MediaEvent},
        store::{StoreCommand, StoreEvent},
    },
    secret::Secret,
    settings::{AccountSettings, CallSettings, Settings},
    time::{Now, UnixMillis},
};
use std::time::{Duration, Instant};

/// A phone: its endpoint is `who` in the world.
pub(crate) struct Phone {
    pub(crate) who: Who,
    pub(crate) core: Agent,
    start: Instant,
    asked: u64,
    /// The core gets its password, and registers.
    registers: bool,
}

impl Phone {
    /// One whose endpoint is registered already.
    pub(crate) fn new(world: &mut World, who: Who, account: AccountSettings) -> Self {
        Self::begin(world, who, account, false)
    }

    /// One that registers by itself.
    pub(crate) fn registering(world: &mut World, who: Who, account: AccountSettings) -> Self {
        Self::begin(world, who, account, true)
    }

    fn begin(world: &mut World, who: Who, account: AccountSettings, registers: bool) -> Self {
        let start = world.start();
        let mut phone = Self { who, core: Agent::new(), start, asked: 0, registers };
        let calls = CallSettings { ring_seconds: 30, ..CallSettings::default() };
        let settings = Settings { accounts: vec![account], calls, ..Settings::default() };
        phone.tell(world, Event::Store(StoreEvent::Settings(Box::new(settings))));
        phone
    }

    pub(crate) fn user(&mut self, world: &mut World, action: Action) {
        self.tell(world, Event::User { request: None, action });
    }

    /// Lets everything that is under way arrive, and the core take it in.
    pub(crate) fn settle(&mut self, world: &mut World) {
        world.settle();
        while let Some(event) = world.events(self.who).pop_front() {
            self.tell(world, Event::Sip(event));
            world.settle();
        }
    }

    /// When the core wants to be woken, on the world's clock.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.core.poll_timeout().map(|at| at.saturating_duration_since(self.start))
    }

    /// Takes in what was told, and what is due.
    pub(crate) fn turn(&mut self, world: &mut World) {
        while let Some(event) = world.events(self.who).pop_front() {
            self.tell(world, Event::Sip(event));
        }
        if self.due().is_some_and(|at| at <= world.clock()) {
            self.tell(world, Event::Timeout);
        }
    }

    /// The calls there are.
    pub(crate) fn calls(&mut self, world: &World) -> Vec<CallStatus> {
        self.asked += 1;
        let request = Some(RequestId(self.asked));
        let now = self.now(world);
        self.core.handle(now, Event::User { request, action: Action::Status });
        let effects = std::iter::from_fn(|| self.core.poll_effect());
        let mut calls = effects.filter_map(|effect| match effect {
            Effect::Reply { result: Ok(Reply::Status(status)), .. } => Some(status.calls),
            _ => None,
        });
        calls.next().expect("a status")
    }

    fn now(&self, world: &World) -> Now {
        Now { at: self.start + world.clock(), wall: UnixMillis(0) }
    }

    fn tell(&mut self, world: &mut World, event: Event) {
        let mut waiting = vec![event];
        while let Some(event) = waiting.pop() {
            let now = self.now(world);
            self.core.handle(now, event);
            while let Some(effect) = self.core.poll_effect() {
                match effect {
                    Effect::Sip(command) => world.command(self.who, command),
                    Effect::Media(command) => waiting.extend(sound(&command).map(Event::Media)),
                    Effect::Store(StoreCommand::Password(question)) if self.registers => {
                        let result = Ok(Secret::new("secret".to_owned()));
                        waiting.push(Event::Store(StoreEvent::Password { question, result }));
                    }
                    _ => {}
                }
            }
        }
    }
}

fn sound(command: &MediaCommand) -> Option<MediaEvent> {
    Some(match *command {
        MediaCommand::Offer { call, .. } | MediaCommand::Reoffer { call, .. } => {
            MediaEvent::Offered { call, sdp: sdp("our offer") }
        }
        MediaCommand::Accept { call, flow, .. } => {
            MediaEvent::Accepted { call, sdp: sdp("our answer"), flow }
        }
        MediaCommand::Complete { call, .. } => MediaEvent::Completed { call, flow: Flow::SendRecv },
        _ => return None,
    })
}
