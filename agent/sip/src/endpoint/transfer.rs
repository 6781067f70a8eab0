//! What the core asks about calls that change hands, handed to the call it is about.

use crate::endpoint::model::Endpoint;
use agent_core::port::sip::{
    CallEnd, Loss, SipEvent, TransferCommand, TransferEvent, transfer::TransferProblem,
};

impl Endpoint {
    pub(super) fn transfer(&mut self, command: TransferCommand) {
        match command {
            TransferCommand::Blind { call, .. } | TransferCommand::Attended { call, .. } => {
                let why = TransferProblem::NotNow;
                self.wire.tell(SipEvent::Transfer(TransferEvent::Failed { call, why }));
            }
            TransferCommand::Follow { call, .. } | TransferCommand::Pickup { call, .. } => {
                let end = CallEnd::Lost { why: Loss::Target, detail: String::new() };
                self.wire.tell(SipEvent::Ended { call, end });
            }
            TransferCommand::Deflect { .. }
            | TransferCommand::Drop { .. }
            | TransferCommand::Accept { .. }
            | TransferCommand::Refuse { .. } => {}
        }
    }
}
