//! A call whose INVITE reached nobody goes to the next machine of the PBX (RFC 3263 section 4.3, RFC 3261 section 8.1.3.5).

use crate::{
    call::model::{Call, MOST_TRIES, Out, Stage},
    flow::{Flow, Hop, Transport},
    message::{CSeq, Method, name},
    transaction::{TransactionEvent, TransactionId},
    ways::Way,
    wire::{Owner, Toward, Wire},
};

impl Call {
    /// The way an INVITE of ours failed on, when another one may do better: nobody has said a word to it but 503.
    pub(crate) fn failed_way(&self, event: &TransactionEvent) -> Option<Way> {
        let id: TransactionId = match event {
            TransactionEvent::TimedOut { id } | TransactionEvent::Failed { id, .. } => *id,
            TransactionEvent::Response { id, response } if response.status == 503 => *id,
            _ => return None,
        };
        let Stage::Calling(calling) = &self.stage else { return None };
        let ours = calling.out.id == id && !calling.given_up && calling.out.tries < MOST_TRIES;
        let unheard = self.dialog.is_none();
        self.flow.map(Way::from).filter(|_| ours && unheard)
    }

    /// Sends the INVITE the next way to its hop.
    pub(crate) fn go_elsewhere(&mut self, wire: &mut Wire, hop: &Hop, way: Way) {
        let Stage::Calling(calling) = &mut self.stage else { return };
        let mut request = calling.out.request.clone();
        let number = request.headers.cseq().map_or(1, |cseq| cseq.number) + 1;
        request.headers.set(name::CSEQ, CSeq { number, method: Method::Invite }.to_string());
        // What was said to one machine's challenge is nothing to another, and the name is put on again on the way out.
        for header in [name::USER_AGENT, name::AUTHORIZATION, name::PROXY_AUTHORIZATION] {
            request.headers.remove(header);
        }
        // Over UDP the same socket of ours leads there; a connection shows its address when it is open.
        let same = |flow: Flow| {
            (way.transport == Transport::Udp && flow.transport == way.transport)
                .then_some(Flow { peer: way.peer, ..flow })
        };
        self.flow = self.flow.and_then(same);
        calling.toward = match self.flow {
            Some(flow) => Toward::Flow(flow),
            None => {
                let (host, port) = (way.peer.ip().to_string(), Some(way.peer.port()));
                Toward::Hop(Hop { host, port, transport: Some(way.transport), ..hop.clone() }, None)
            }
        };
        let id = wire.send(Owner::Call(self.id), request.clone(), calling.toward.clone());
        calling.out = Out { id, request, tries: calling.out.tries + 1 };
        self.listening = Some(id);
    }
}
