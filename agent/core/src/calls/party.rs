//! The other side changes, or is known better: toast, lookup and journal follow.

use super::board::Calls;
use crate::{
    context::Context, id::CallId, journal::Direction, lookup::Lookup, party::Party, port::host::HostCommand,
};

impl Calls {
    /// The PBX says who the other side is by now.
    pub(crate) fn party_is(&mut self, cx: &mut Context<'_>, id: CallId, party: Party) {
        let numbers = cx.numbers;
        let Some(call) = self.call(id) else { return };
        if call.party == party {
            return;
        }
        let mut number = numbers.caller(&party);
        // Nobody's record is behind a code or an emergency number, whatever name it answers with.
        if call.direction == Direction::Outgoing && call.number.lookup.is_none() {
            number.lookup = None;
        }
        call.party = party;
        let same = call.number.lookup == number.lookup;
        let was_asked = call.number.lookup.is_some();
        call.number = number;
        // What was not introduced yet is looked up when it is.
        if !same && !self.fresh.iter().any(|(_, fresh)| *fresh == id) {
            if let Some(call) = self.call(id) {
                call.lookup = Lookup::default();
                call.popped = false;
            }
            if was_asked {
                cx.out.host(HostCommand::Cancel { call: id });
            }
            self.ask_plugins(cx, id);
        }
        self.record(cx, id);
    }
}
