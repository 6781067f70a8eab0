//! What happens to a call of ours before its answer: ringing, announcements, several early dialogs (RFC 3261 sections
//! 12.1.2 and 13.2.2.1, RFC 6228).
//!
//! A call has one sound, so that one early dialog is heard at a time: the last that described itself. The core is told
//! its description as that of the call.

use crate::{
    call::{
        leg::Leg,
        model::{Call, MOST_FORKS, SDP, Stage, sdp, to_tag},
    },
    message::{Method, Response, Text, name},
    wire::Wire,
};
use agent_core::port::sip::{PhoneEvent, SipEvent};

/// Early Dialog Terminated (RFC 6228).
const LEFT: u16 = 199;

impl Call {
    /// A provisional response to our INVITE.
    pub(super) fn progress(&mut self, wire: &mut Wire, response: &Response) {
        if response.status <= 100 {
            if let Stage::Calling(calling) = &mut self.stage
                && !calling.given_up
                && !std::mem::replace(&mut calling.trying, true)
            {
                self.tell(wire, SipEvent::Phone(PhoneEvent::Trying { call: self.id }));
            }
            return;
        }
        self.learn(&response.headers);
        let (status, number) = (response.status, reliable_number(response));
        let Some(at) = self.leg_of(response) else {
            if number.is_none() && status != LEFT {
                self.tell(
                    wire,
                    SipEvent::Progress { call: self.id, status, answer: sdp(response.body_of(SDP)) },
                );
                self.connected(wire, &response.headers);
            }
            return;
        };
        if let Some(number) = number
            && !self.take_reliable(wire, at, number, response)
        {
            return;
        }
        if status == LEFT {
            return self.leg_left(wire, at);
        }
        let leg = &mut self.early[at];
        let answer = sdp(response.body_of(SDP)).filter(|_| !leg.answered);
        if answer.is_some() {
            leg.answered = number.is_some();
            leg.described = true;
            // The one that is heard stands last.
            let leg = self.early.remove(at);
            self.early.push(leg);
        }
        self.tell(wire, SipEvent::Progress { call: self.id, status, answer });
        self.connected(wire, &response.headers);
    }

    /// The early dialog with that tag.
    pub(super) fn leg_with(&mut self, tag: &Text) -> Option<&mut Leg> {
        self.early.iter_mut().find(|leg| leg.dialog.is_with(tag))
    }

    /// Takes the early dialog of a 2xx out: from now on it is confirmed, or hung up on.
    pub(super) fn take_leg(&mut self, response: &Response) -> Option<Leg> {
        let tag = to_tag(&response.headers);
        let at = self.early.iter().position(|leg| leg.dialog.is_with(&tag))?;
        Some(self.early.remove(at))
    }

    /// The early dialog of a provisional response, made if it is new. Branches beyond the cap have none.
    fn leg_of(&mut self, response: &Response) -> Option<usize> {
        let Stage::Calling(calling) = &self.stage else { return None };
        let tag = response.headers.to().ok()?.tag().cloned()?;
        if let Some(at) = self.early.iter().position(|leg| leg.dialog.is_with(&tag)) {
            return Some(at);
        }
        if self.early.len() >= MOST_FORKS || response.status == LEFT && reliable_number(response).is_none() {
            return None;
        }
        let leg = Leg::by(response, &calling.out.request.uri)?;
        // A branch that says nothing does not take the place of the one that is heard.
        let at = self.early.iter().position(|leg| leg.described).unwrap_or(self.early.len());
        self.early.insert(at, leg);
        Some(at)
    }

    /// That branch will not answer any more; what it let hear is over.
    fn leg_left(&mut self, wire: &mut Wire, at: usize) {
        let heard = self.early[at].described && at + 1 == self.early.len();
        self.early.remove(at);
        if heard {
            self.tell(wire, SipEvent::Progress { call: self.id, status: LEFT, answer: None });
        }
    }
}

/// The number of a provisional response that wants to be acknowledged (RFC 3262 section 4).
fn reliable_number(response: &Response) -> Option<u32> {
    let invite = response.headers.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
    let wanted = invite && response.headers.has_word(name::REQUIRE, "100rel");
    response.headers.rseq().filter(|_| wanted)
}
