//! The PBX asks the phone to call somebody, outside of any call (REFER, RFC 3515): click-to-dial. Asked of the core, followed,
//! reported on in a dialog of its own (section 2.4.4; without, where they want no reports: RFC 4488).

use crate::{
    call::header,
    dialog::Dialog,
    endpoint::model::Endpoint,
    flow::Flow,
    message::{Method, NameAddr, Rejection, Request, Response, name},
    transaction::{TransactionEvent, TransactionId},
    transfer::{EVENT, Fragment, REFER_SUB, REFERRED_BY, ReferTo, Remote, Report, SUBSCRIPTION_STATE},
    wire::{Owner, Toward, contact_uri},
};
use agent_core::{
    id::AccountId,
    port::sip::{TransferEvent, transfer::Wish},
};
use std::time::Duration;

/// The core must have a word within this: their REFER waits 32 s (RFC 3261 section 17.1.2.2, Timer F).
const CORE_WITHIN: Duration = Duration::from_secs(20);
/// How long reports are promised: longer than anybody is asked and anything rings.
const PROMISED: Duration = Duration::from_secs(660);

impl Endpoint {
    /// REFER outside of a dialog. Whom the phone calls is at its user's cost, so that only the registrar is heard, and only
    /// where it calls us by the Contact it knows.
    pub(super) fn asked_to_dial(&mut self, id: TransactionId, request: Request, flow: Flow) {
        let user = request.uri.user_text().map(|user| user.to_text().into_owned());
        let known = self.accounts.iter().find_map(|(account, number)| {
            let registration = self.registrations.get(number)?;
            let ours = user.as_ref().is_some_and(|user| registration.is_contact_user(user));
            (ours && registration.is_registrar(&flow)).then_some((*account, registration))
        });
        let Some((account, registration)) = known else { return self.turn_away(id, &request, &flow) };
        let to = match ReferTo::of(&request.headers) {
            Ok(to) => to,
            Err(wrong) => return self.wire.reject(id, &request, &Rejection::from(wrong)),
        };
        let home = registration.manners().is_home(&to.address.uri);
        let status = match () {
            () if self.closing.is_some() => Some(480),
            () if to.other_method => Some(603),
            // One question at a time; who clicks twice means one call.
            () if !self.remotes.has_room(account) => Some(486),
            () => None,
        };
        if let Some(status) = status {
            return self.wire.refuse(id, &request, status);
        }
        let tag = self.wire.rng.token(6);
        let dialog = match Dialog::by_request(&request, &tag) {
            Ok(dialog) => dialog,
            Err(wrong) => return self.wire.reject(id, &request, &wrong.into()),
        };
        let (target, contact) = (to.referred(home), contact_uri(user.as_deref(), flow.transport, flow.local));
        let remote = Remote {
            account,
            referred_by: request.headers.get(REFERRED_BY).cloned(),
            quiet: request.headers.get(REFER_SUB).is_some_and(|value| super::transfer::is_false(value)),
            request: Some((id, request, tag)),
            flow,
            contact: NameAddr::new(contact).to_value(),
            dialog,
            to,
            followed: false,
            report: Report::default(),
            out: None,
            until: self.wire.now + CORE_WITHIN,
        };
        let number = self.remotes.add(remote);
        self.tell_transfer(TransferEvent::RemoteDial { account, request: number, target });
    }

    /// 202, and the first report at once (RFC 3515 section 2.4.4).
    pub(super) fn accept_remote(&mut self, number: u64) {
        let now = self.wire.now;
        let Some(remote) = self.remotes.list.get_mut(&number) else { return };
        let Some((id, request, tag)) = remote.request.take() else { return };
        remote.until = now + PROMISED;
        let mut response = Response::to(&request, 202, Some(&tag));
        response.headers.push(name::CONTACT, remote.contact.clone());
        if remote.quiet {
            response.headers.push(REFER_SUB, "false");
        }
        self.wire.respond(id, response);
        self.report_remote(number, Fragment::new(100, "Trying"));
    }

    /// 603, or the same as the last report.
    pub(super) fn refuse_remote(&mut self, number: u64) {
        let Some(remote) = self.remotes.list.get_mut(&number) else { return };
        match remote.request.take() {
            Some((id, request, _)) => {
                self.remotes.list.remove(&number);
                self.wire.refuse(id, &request, 603);
            }
            None => self.report_remote(number, Fragment::new(603, "Decline")),
        }
    }

    /// Says how far the call has come.
    pub(super) fn report_remote(&mut self, number: u64, fragment: Fragment) {
        let Some(remote) = self.remotes.list.get_mut(&number) else { return };
        remote.report.add(fragment);
        self.next_remote_report(number);
    }

    fn next_remote_report(&mut self, number: u64) {
        let now = self.wire.now;
        let Some(remote) = self.remotes.list.get_mut(&number) else { return };
        if remote.report.is_done() {
            self.remotes.list.remove(&number);
            return;
        }
        let Some(fragment) = remote.report.take() else { return };
        if remote.quiet {
            remote.report.out = false;
            return self.next_remote_report(number);
        }
        let state = if fragment.is_final() {
            "terminated;reason=noresource".to_owned()
        } else {
            format!("active;expires={}", remote.until.saturating_duration_since(now).as_secs())
        };
        let mut request = remote.dialog.request(Method::Notify);
        request.headers.push(name::CONTACT, remote.contact.clone());
        for header in [header(EVENT, "refer"), header(SUBSCRIPTION_STATE, state)] {
            request.headers.push(header.name, header.value);
        }
        request.set_body(Fragment::KIND, fragment.to_body());
        self.send_remote_report(number, request, false);
    }

    fn send_remote_report(&mut self, number: u64, request: Request, signed: bool) {
        let Some(remote) = self.remotes.list.get_mut(&number) else { return };
        let id = self.wire.send(Owner::Remote(number), request.clone(), Toward::Flow(remote.flow));
        remote.out = Some((id, request, signed));
    }

    /// What a report's transaction tells.
    pub(super) fn remote_event(&mut self, number: u64, event: &TransactionEvent) {
        let (TransactionEvent::Response { id, .. }
        | TransactionEvent::TimedOut { id }
        | TransactionEvent::Failed { id, .. }) = event
        else {
            return;
        };
        let Some(remote) = self.remotes.list.get_mut(&number) else { return };
        let Some((_, request, signed)) = remote.out.take_if(|(out, ..)| out == id) else { return };
        if let TransactionEvent::Response { response, .. } = event {
            if response.is_provisional() {
                remote.out = Some((*id, request, signed));
                return;
            }
            if response.is_success() {
                remote.report.out = false;
                return self.next_remote_report(number);
            }
            let place = self.accounts.get(&remote.account).and_then(|it| self.registrations.get(it));
            if let (401 | 407, false, Some(registration)) = (response.status, signed, place) {
                let mut auth = registration.credentials();
                let mut again = remote.dialog.repeat(&request);
                if auth.challenged(&request, response).is_ok() {
                    let cnonce = self.wire.rng.token(8);
                    auth.authorize(&mut again, &cnonce);
                    return self.send_remote_report(number, again, true);
                }
            }
        }
        // Nobody listens (RFC 6665 section 4.2.2): the call is made all the same.
        remote.quiet = true;
        remote.report.out = false;
        self.next_remote_report(number);
    }

    /// Gives up what has lasted too long.
    pub(super) fn remotes_due(&mut self) {
        let now = self.wire.now;
        while let Some(number) = self.remotes.due(now) {
            self.wire.followed.forget(Wish::Request(number));
            if let Some(Remote { request: Some((id, request, _)), .. }) = self.remotes.list.remove(&number) {
                self.wire.refuse(id, &request, 603);
            }
        }
    }

    /// An account is gone, and with it whoever asked over it.
    pub(super) fn remotes_of(&mut self, account: AccountId) {
        let of = |(_, remote): &(&u64, &Remote)| remote.account == account;
        let numbers: Vec<u64> = self.remotes.list.iter().filter(of).map(|(number, _)| *number).collect();
        for number in numbers {
            self.refuse_remote(number);
        }
    }
}
