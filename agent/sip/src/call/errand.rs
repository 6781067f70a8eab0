//! Errands: requests within a call's dialog that somebody above the call wants sent (INFO, NOTIFY, REFER, MESSAGE, …).
//!
//! The call adds what the dialog demands, answers challenges (RFC 3261 section 22.2) and keeps the outcome until it is
//! fetched. An errand whose call ends before its answer came is told as ended with the call.

use crate::{
    call::model::{Call, Errand, Outcome, Stage},
    message::{Header, Method, NameAddr, Response, Text, name},
    transaction::TransactionId,
    wire::{Wire, wants_contact},
};
use agent_core::port::sip::{CallEnd, Loss};
use bytes::Bytes;

/// Requests of one call that may wait for their answers at once.
const MOST_ERRANDS: usize = 32;

/// What is to be asked of the other side of a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The method; INVITE, ACK, CANCEL, BYE, PRACK and UPDATE are the call's own.
    pub method: Method,
    /// Header fields beyond those of the dialog; a Contact is added where the method wants one.
    pub headers: Vec<Header>,
    /// The body with its type.
    pub body: Option<(Text, Bytes)>,
}

impl Call {
    /// Sends a request within the dialog. Its outcome is fetched with [`Call::take_outcomes`] under `number`.
    pub(crate) fn ask(&mut self, wire: &mut Wire, number: u64, ask: Ask) {
        let open = matches!(self.stage, Stage::Calling(_) | Stage::Ringing(_) | Stage::Up) && !self.ended;
        let ours = [
            Method::Invite,
            Method::Ack,
            Method::Cancel,
            Method::Bye,
            Method::Prack,
            Method::Update,
            Method::Register,
        ];
        if !open || ours.contains(&ask.method) || self.errands.len() >= MOST_ERRANDS {
            return self.outcomes.push((number, Err(nowhere())));
        }
        // Where the dialog's other requests say that we are, this one says so, too: it refreshes the target (RFC 6665
        // section 4.1.2.1), and two addresses in one dialog would be two phones.
        let contact = self.contact.clone().filter(|_| wants_contact(&ask.method));
        let request = self.foremost().map(|dialog| {
            let mut request = dialog.request(ask.method);
            if let Some(contact) = contact {
                request.headers.push(name::CONTACT, NameAddr::new(contact).to_value());
            }
            for header in ask.headers {
                request.headers.push(header.name, header.value);
            }
            if let Some((kind, body)) = ask.body {
                request.headers.push(name::CONTENT_TYPE, kind);
                request.body = body;
            }
            request
        });
        match request.and_then(|request| self.send_inside(wire, request, 1)) {
            Some(out) => self.errands.push(Errand { number, out }),
            None => self.outcomes.push((number, Err(nowhere()))),
        }
    }

    /// What has become of errands since the last time.
    pub(crate) fn take_outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    /// A response to an errand; false when it is to something else.
    pub(super) fn errand_answered(
        &mut self,
        wire: &mut Wire,
        id: TransactionId,
        response: &Response,
    ) -> bool {
        let Some(at) = self.errands.iter().position(|errand| errand.out.id == id) else { return false };
        if response.is_provisional() {
            return true;
        }
        let errand = self.errands.swap_remove(at);
        if matches!(response.status, 401 | 407)
            && let Some(again) = self.again(wire, &errand.out, response)
        {
            self.errands.push(Errand { number: errand.number, out: again });
        } else {
            self.outcomes.push((errand.number, Ok(response.clone())));
        }
        true
    }

    /// No answer came to an errand; false when the transaction is another's.
    pub(super) fn errand_lost(&mut self, id: TransactionId, lost: &CallEnd) -> bool {
        let Some(at) = self.errands.iter().position(|errand| errand.out.id == id) else { return false };
        let errand = self.errands.swap_remove(at);
        self.outcomes.push((errand.number, Err(lost.clone())));
        true
    }

    /// The call is over, and with it every errand.
    pub(super) fn drop_errands(&mut self, wire: &mut Wire, end: &CallEnd) {
        for errand in std::mem::take(&mut self.errands) {
            wire.forsake(errand.out.id);
            self.outcomes.push((errand.number, Err(end.clone())));
        }
    }
}

/// There is nobody to ask.
pub(crate) fn nowhere() -> CallEnd {
    CallEnd::Lost { why: Loss::Forgotten, detail: "there is no dialog to ask in".to_owned() }
}
