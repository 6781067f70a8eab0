//! A call that takes the place of another (RFC 3891 section 3): which one, and whether it may.

use crate::{
    call::Standing,
    config::Callers,
    endpoint::model::Endpoint,
    flow::Flow,
    message::{Rejection, Request},
    transfer::Replaces,
    wire::Owner,
};
use agent_core::id::{AccountId, CallId};

impl Endpoint {
    /// The call an INVITE takes the place of, if it does.
    pub(in crate::endpoint) fn replaced(
        &self,
        account: AccountId,
        request: &Request,
        flow: &Flow,
    ) -> Result<Option<CallId>, Rejection> {
        let Some(replaces) = Replaces::of(&request.headers)? else { return Ok(None) };
        let refuse = |status| Err(Rejection::new(status, None));
        // Who knows a dialog's name has overheard it or was told; it takes the registrar's word besides (section 7), and what only
        // the registrar was told: an address can be forged.
        let registrar = self
            .accounts
            .get(&account)
            .and_then(|number| self.registrations.get(number))
            .filter(|registration| registration.is_registrar(flow))
            .zip(request.uri.user_text())
            .is_some_and(|(registration, user)| registration.is_contact_user(&user.to_text()));
        if !registrar && self.wire.config.callers != Callers::Anyone {
            return refuse(403);
        }
        let found = replaces.names().find_map(|name| match self.dialogs.get(&name) {
            Some(Owner::Call(call)) => Some(*call),
            _ => None,
        });
        let Some(call) = found else {
            let ended = replaces.names().any(|name| self.transfers.has_ended(&name));
            return refuse(if ended { 603 } else { 481 });
        };
        match self.calls.get(&call).map(|call| call.standing()) {
            Some(Standing::Up) if replaces.early_only => refuse(486),
            Some(Standing::Up | Standing::Calling) => Ok(Some(call)),
            // An early dialog that we did not begin matches nothing.
            Some(Standing::Ringing) | None => refuse(481),
            Some(Standing::Over) => refuse(603),
        }
    }
}
