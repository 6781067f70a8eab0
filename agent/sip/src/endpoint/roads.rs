//! Roads: the answers to what was asked of the network, roads that break, and calls that follow their account to another.

use crate::{
    call::Call,
    endpoint::model::Endpoint,
    flow::Flow,
    message::StreamItem,
    registration::Registration,
    stun,
    transaction::TransactionEvent,
    ways::{Found, Obstacle, Turn, Way},
    wire::{Output, Owner, ReachId, Wire},
};
use agent_core::id::CallId;

impl Endpoint {
    /// Runs `with` on a registration, then files its deadline, has its calls follow it, or forgets it.
    pub(super) fn with_registration(&mut self, number: u64, with: impl FnOnce(&mut Registration, &mut Wire)) {
        let Some(registration) = self.registrations.get_mut(&number) else { return };
        let before = registration.flow().zip(registration.contact());
        with(registration, &mut self.wire);
        let after = registration.flow().zip(registration.contact());
        let over = registration.is_over();
        self.deadlines.set(Owner::Registration(number), registration.deadline().filter(|_| !over));
        self.desk_follows(number);
        if over {
            self.registrations.remove(&number);
            self.accounts.retain(|_, of| *of != number);
        }
        if let (Some((before, old)), Some((after, new))) = (before, after)
            && (before.local != after.local || (&old.host, old.port) != (&new.host, new.port))
        {
            let calls = self.calls.iter_mut();
            let following = calls.filter_map(|(id, call)| call.follow(before, after, &new).then_some(*id));
            let following: Vec<CallId> = following.collect();
            // Where it is our own address that changed, the core offers anew from there.
            for id in following.into_iter().filter(|_| before.local.ip() == after.local.ip()) {
                self.with_call(id, Call::tell_place);
            }
        }
    }

    pub(super) fn reached(&mut self, id: ReachId, result: Result<Found, String>) {
        if let Some((Owner::Registration(number), result)) = self.wire.reached(id, result) {
            self.with_registration(number, |registration, wire| registration.reached(wire, id, result));
        }
    }

    pub(super) fn opened(&mut self, id: ReachId, way: Way, result: Result<Flow, String>) {
        if let Some((Owner::Registration(number), result)) = self.wire.opened(id, way, result) {
            self.with_registration(number, |registration, wire| registration.opened(wire, id, result));
        }
    }

    pub(super) fn blocked(&mut self, id: ReachId, way: Way, why: Obstacle) {
        if let Some((Owner::Registration(number), _)) = self.wire.opened(id, way, Err(why.to_string())) {
            self.with_registration(number, |registration, wire| registration.blocked(wire, id, why));
        }
    }

    /// Something came over a connection: it is alive.
    pub(super) fn heard(&mut self, flow: &Flow, item: &StreamItem) {
        let asked = self.registrations.iter().filter(|(_, it)| it.listens(flow));
        let asked: Vec<u64> = asked.map(|(number, _)| *number).collect();
        for number in asked {
            self.with_registration(number, |registration, wire| match item {
                StreamItem::Ping => registration.pinged(wire, flow),
                item => registration.heard(wire, flow, matches!(item, StreamItem::Pong)),
            });
        }
    }

    /// An answer of STUN's.
    pub(super) fn mapped(&mut self, flow: &Flow, bytes: &[u8]) {
        let Some(answer) = stun::answer(bytes) else { return };
        for number in self.numbers() {
            self.with_registration(number, |registration, wire| registration.mapped(wire, flow, answer));
        }
    }

    /// Roads that no keep-alive comes back on are broken for everybody (RFC 5626 section 4.4).
    pub(super) fn roads_failed(&mut self) {
        while let Some((flow, detail)) = self.wire.failed.pop() {
            if flow.transport.reliable() {
                self.wire.out.push_back(Output::Close(flow));
                self.wire.transactions.connection_lost(self.wire.now, &flow, &detail);
                self.pump();
            }
            self.road_lost(&flow, &detail);
        }
    }

    pub(super) fn road_lost(&mut self, flow: &Flow, detail: &str) {
        for number in self.numbers() {
            self.with_registration(number, |registration, wire| registration.road_lost(wire, flow, detail));
        }
    }

    /// Sends a call that reached nobody to the next machine of its PBX, if there is one. The account looks after its own
    /// way then, too.
    pub(super) fn goes_elsewhere(&mut self, call: CallId, event: &TransactionEvent) -> bool {
        let Some(failed) = self.calls.get(&call).and_then(|call| call.failed_way(event)) else {
            return false;
        };
        let over = |(_, registration): &(&u64, &Registration)| registration.leads(failed);
        let Some((number, registration)) = self.registrations.iter().find(over) else { return false };
        let (number, hop) = (*number, registration.line().hop.clone());
        let next = registration.next_after(&self.wire, failed);
        self.with_registration(number, |registration, wire| registration.way_failed(wire, failed, event));
        let Some(next) = next else { return false };
        self.with_call(call, |call, wire| call.go_elsewhere(wire, &hop, next));
        true
    }

    /// Something happened to the computer.
    pub(super) fn turned(&mut self, turn: Turn) {
        if turn != Turn::Sleeping {
            self.wire.shunned.forgive();
        }
        for number in self.numbers() {
            self.with_registration(number, |registration, wire| registration.turned(wire, turn));
        }
    }

    fn numbers(&self) -> Vec<u64> {
        self.registrations.keys().copied().collect()
    }
}
