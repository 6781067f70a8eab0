//! The endpoint and the core in one: what the wire does to a call is seen on the wire again. The sound is a stand-in that
//! agrees to everything.

use crate::{
    script::{answer, expect, expect_status, inside, invite, registered, say, settings},
    world::{Who, World, sdp},
};
use agent_core::{
    Agent,
    action::Action,
    id::CallId,
    port::{
        Effect, Event,
        media::{Flow, MediaCommand, MediaEvent},
        store::StoreEvent,
    },
    settings::Settings,
    time::{Now, UnixMillis},
};
use agent_sip::message::{Method, Response};
use std::time::Instant;

/// A phone: its endpoint is `who` in the world.
struct Phone {
    who: Who,
    core: Agent,
    start: Instant,
}

impl Phone {
    fn new(world: &mut World, who: Who) -> Self {
        let mut phone = Self { who, core: Agent::new(), start: Instant::now() };
        let settings = Settings { accounts: vec![settings(None)], ..Settings::default() };
        phone.tell(world, Event::Store(StoreEvent::Settings(Box::new(settings))));
        phone
    }

    fn user(&mut self, world: &mut World, action: Action) {
        self.tell(world, Event::User { request: None, action });
    }

    /// Lets everything that is under way arrive, and the core take it in.
    fn settle(&mut self, world: &mut World) {
        world.settle();
        while let Some(event) = world.events(self.who).pop_front() {
            self.tell(world, Event::Sip(event));
            world.settle();
        }
    }

    fn tell(&mut self, world: &mut World, event: Event) {
        let mut waiting = vec![event];
        while let Some(event) = waiting.pop() {
            let now = Now { at: self.start + world.clock(), wall: UnixMillis(0) };
            self.core.handle(now, event);
            while let Some(effect) = self.core.poll_effect() {
                match effect {
                    Effect::Sip(command) => world.command(self.who, command),
                    Effect::Media(command) => waiting.extend(sound(&command).map(Event::Media)),
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

/// A call of theirs that is answered, acknowledged and up, with our 200 to it.
fn talking(world: &mut World) -> (Phone, Who, Response) {
    let (who, pbx) = registered(world);
    let mut phone = Phone::new(world, who);
    say(world, pbx, who, &invite("in", 1, "", "offer"));
    phone.settle(world);
    expect_status(world, pbx, 100);
    expect_status(world, pbx, 180);
    phone.user(world, Action::Answer { call: None });
    let (_, ok) = expect_status(world, pbx, 200);
    say(world, pbx, who, &inside(&ok, ("ACK", 1), "ack", "", ""));
    phone.settle(world);
    (phone, pbx, ok)
}

#[test]
fn an_offer_of_ours_is_over_with_their_ack_whether_it_answers_or_not() {
    for body in ["their answer", ""] {
        let mut world = World::new(31);
        let (mut phone, pbx, ok) = talking(&mut world);
        let begin = world.clock();
        // No offer in theirs: ours is in the 200, and the ACK owes us the answer (RFC 3261 section 14.2).
        say(&mut world, pbx, phone.who, &inside(&ok, ("INVITE", 2), "none", "", ""));
        phone.settle(&mut world);
        expect_status(&mut world, pbx, 100);
        let (_, offer) = expect_status(&mut world, pbx, 200);
        assert_eq!(offer.body, sdp("our offer").0);
        say(&mut world, pbx, phone.who, &inside(&ok, ("ACK", 2), "ack2", "", body));
        phone.settle(&mut world);
        // A change of theirs and one of ours are both taken at once.
        say(&mut world, pbx, phone.who, &inside(&ok, ("INVITE", 3), "change", "", "offer again"));
        phone.settle(&mut world);
        expect_status(&mut world, pbx, 100);
        let (_, answered) = expect_status(&mut world, pbx, 200);
        assert_eq!(answered.body, sdp("our answer").0, "their ACK said {body:?}");
        say(&mut world, pbx, phone.who, &inside(&ok, ("ACK", 3), "ack3", "", ""));
        phone.settle(&mut world);
        phone.user(&mut world, Action::Hold { call: Some(CallId(1)) });
        let (letter, _) = expect(&mut world, pbx, Method::Invite);
        answer(&mut world, &letter, 200, &[("Contact", "<sip:600@192.0.2.10:5060>")], "held");
        expect(&mut world, pbx, Method::Ack);
        assert!((world.clock() - begin).as_secs() < 2, "{:?}", world.clock() - begin);
    }
}
