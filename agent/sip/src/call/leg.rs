//! One early dialog of a call of ours: a fork has one for each branch that spoke (RFC 3261 section 12.1.2).

use crate::{
    dialog::Dialog,
    message::{CSeq, Method, Response, Uri, name},
};

/// An early dialog and what is known of it.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) dialog: Dialog,
    /// The number of the last reliable provisional response taken in (RFC 3262 section 4).
    pub(super) taken: Option<u32>,
    /// Its acknowledgement failed, so that a repetition is acknowledged anew.
    pub(super) owed: bool,
    /// Their answer to our offer came reliably: no later one in this dialog counts (RFC 3261 section 13.2.1).
    pub(super) answered: bool,
    /// Something was described in it, reliably or not.
    pub(super) described: bool,
    /// They said BYE in it, before its answer got here.
    pub(super) left: bool,
}

impl Leg {
    /// The dialog that a provisional response makes. `asked` is the address the INVITE went to. `None` for a response
    /// that makes none: without a tag, or not to be understood.
    pub(super) fn by(response: &Response, asked: &Uri) -> Option<Self> {
        response.headers.to().ok()?.tag()?;
        let dialog = Dialog::by_response(response, Some(asked)).ok()?;
        Some(Self { dialog, taken: None, owed: false, answered: false, described: false, left: false })
    }

    /// The PRACK for the reliable response of that number (RFC 3262 section 7.2).
    pub(super) fn prack(&mut self, number: u32, response: &Response) -> Option<crate::message::Request> {
        let CSeq { number: invite, .. } = response.headers.cseq().ok()?;
        let mut request = self.dialog.request(Method::Prack);
        request.headers.push(name::RACK, format!("{number} {invite} INVITE"));
        Some(request)
    }
}
