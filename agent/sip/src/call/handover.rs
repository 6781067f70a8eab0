//! What a call shows of itself when it is to change hands, and the answer that sends it elsewhere.

use crate::{
    call::forwarded,
    call::model::{Call, Stage},
    dialog::DialogId,
    message::{Header, NameAddr, Request, Response, Text, Uri, name},
    transaction::TransactionId,
    transfer::DIVERSION,
    wire::Wire,
};
use agent_core::port::sip::{CallEnd, ForwardReason};

/// How a call stands towards whoever would take its place (RFC 3891 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// We called, and nobody answered yet.
    Calling,
    /// They called, and it rings here.
    Ringing,
    /// Answered.
    Up,
    /// Over.
    Over,
}

impl Call {
    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        match self.stage {
            _ if self.ended => Standing::Over,
            Stage::Calling(_) => Standing::Calling,
            Stage::Ringing(_) => Standing::Ringing,
            // A hang-up that waits for their ACK is one.
            Stage::Up if self.bye_after_ack => Standing::Over,
            Stage::Up => Standing::Up,
            Stage::Ending(_) | Stage::Over => Standing::Over,
        }
    }

    /// The name of the dialog that was answered, and where its other side is reached by anybody: the address it is
    /// called by, or its Contact when that names nobody.
    pub(crate) fn other_side(&self) -> Option<(DialogId, Uri)> {
        let dialog = self.dialog.as_ref().filter(|_| self.standing() == Standing::Up)?;
        let named = |uri: &Uri| {
            let host = uri.as_sip().map(|uri| uri.host.to_plain().to_ascii_lowercase());
            host.is_some_and(|host| !host.ends_with(".invalid")) && uri.user_text().is_some()
        };
        let remote = &dialog.remote().uri;
        let uri = if named(remote) { remote } else { dialog.target() };
        Some((dialog.id(), uri.clone()))
    }

    /// Answers a request in the dialog with our Contact and these header fields.
    pub(crate) fn answer_inside(
        &self,
        wire: &mut Wire,
        (id, request): (TransactionId, &Request),
        status: u16,
        headers: &[(&'static str, &'static str)],
    ) {
        let mut response = self.reply(request, status);
        for (name, value) in headers {
            response.headers.push(*name, *value);
        }
        wire.respond(id, response);
    }

    /// 302: the caller is to try elsewhere (RFC 3261 section 21.3.3), and who sent him there is said (RFC 5806).
    pub(crate) fn deflect(&mut self, wire: &mut Wire, to: Uri, (by, why): (&NameAddr, ForwardReason)) {
        let Stage::Ringing(ringing) = &self.stage else { return };
        let mut response = Response::to(&ringing.request, 302, self.local_tag().as_deref());
        response.headers.push(name::CONTACT, NameAddr::new(to).to_value());
        let mut diversion = by.to_value().to_vec();
        diversion.extend_from_slice(b";reason=");
        diversion.extend_from_slice(forwarded::word(why).as_bytes());
        response.headers.push(DIVERSION, Text::from(diversion));
        wire.respond(ringing.id, response);
        self.finish(wire, CallEnd::Rejected);
    }
}

/// A header field for a request within a dialog.
pub(crate) fn header(name: &'static str, value: impl Into<Text>) -> Header {
    Header { name: Text::from_static(name), value: value.into() }
}
