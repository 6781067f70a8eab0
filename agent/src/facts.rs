//! What an administrator reads in the log at INFO: registrations, calls and lookups, without a number, a name or a secret.

use agent_core::{
    id::{AccountId, CallId},
    port::{
        Effect, Event, Neighbour,
        host::{HostCommand, HostEvent},
        sip::{CallEnd, Registration, RegistrationProblem, SipCommand, SipEvent},
    },
};
use std::{collections::BTreeMap, time::Instant};

/// A call as far as its facts are concerned.
#[derive(Debug)]
struct Seen {
    began: Instant,
    answered: Option<Instant>,
    /// When the plugins were asked who it is.
    asked: Option<Instant>,
}

/// Watches what goes in and out of the core, and puts it into lines.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    calls: BTreeMap<CallId, Seen>,
    accounts: BTreeMap<AccountId, String>,
}

impl Facts {
    /// The line about something that happened, if it is one of the facts.
    pub(crate) fn event(&mut self, now: Instant, event: &Event) -> Option<String> {
        match event {
            Event::Sip(SipEvent::Registration { account, state }) => self.registration(*account, state),
            Event::Sip(SipEvent::Incoming { call, account, .. }) => {
                Some(self.begins(now, *call, *account, "in"))
            }
            Event::Sip(SipEvent::Answered { call, .. }) => self.answered(now, *call),
            Event::Sip(SipEvent::Ended { call, end }) => Some(self.ended(now, *call, end)),
            Event::Host(HostEvent::Found { call, card }) => {
                let took = self.lookup_took(now, *call)?;
                Some(format!("call {call}: plugin {} found somebody after {took} ms", card.source))
            }
            Event::Host(HostEvent::NotFound { call, plugin, error }) => {
                let took = self.lookup_took(now, *call)?;
                let what = if error.is_some() { "failed" } else { "knows nobody" };
                Some(format!("call {call}: plugin {plugin} {what} after {took} ms"))
            }
            Event::Broken(Neighbour::Sip) => {
                let lost = std::mem::take(&mut self.calls).len();
                self.accounts.clear();
                (lost > 0).then(|| format!("{lost} calls ended: the PBX session broke down"))
            }
            _ => None,
        }
    }

    /// The line about something that is asked for, if it is one of the facts.
    pub(crate) fn effect(&mut self, now: Instant, effect: &Effect) -> Option<String> {
        match effect {
            Effect::Sip(SipCommand::Invite { call, account, .. }) => {
                Some(self.begins(now, *call, *account, "out"))
            }
            Effect::Sip(SipCommand::Accept { call, .. }) => self.answered(now, *call),
            Effect::Host(HostCommand::Lookup { call, .. }) => {
                self.calls.get_mut(call)?.asked = Some(now);
                None
            }
            _ => None,
        }
    }

    fn begins(&mut self, now: Instant, call: CallId, account: AccountId, way: &str) -> String {
        self.calls.insert(call, Seen { began: now, answered: None, asked: None });
        format!("call {call}: began ({way}, account {})", account.0)
    }

    fn answered(&mut self, now: Instant, call: CallId) -> Option<String> {
        let seen = self.calls.get_mut(&call).filter(|seen| seen.answered.is_none())?;
        seen.answered = Some(now);
        let waited = now.saturating_duration_since(seen.began).as_secs_f64();
        Some(format!("call {call}: answered after {waited:.1} s"))
    }

    fn ended(&mut self, now: Instant, call: CallId, end: &CallEnd) -> String {
        let why = match end {
            CallEnd::RemoteHangup => "they hung up".to_owned(),
            CallEnd::Cancelled { elsewhere: true } => "answered elsewhere".to_owned(),
            CallEnd::Cancelled { elsewhere: false } => "they gave up".to_owned(),
            CallEnd::RefusedElsewhere => "refused elsewhere".to_owned(),
            CallEnd::LocalHangup => "hung up here".to_owned(),
            CallEnd::Rejected => "refused here".to_owned(),
            CallEnd::Refused { status, .. } => format!("refused with {status}"),
            CallEnd::Lost { .. } => "lost".to_owned(),
        };
        let answered = self.calls.remove(&call).and_then(|seen| seen.answered);
        let talked = match answered {
            Some(since) => {
                format!("after {:.1} s of talk", now.saturating_duration_since(since).as_secs_f64())
            }
            None => "never answered".to_owned(),
        };
        format!("call {call}: ended: {why}, {talked}")
    }

    /// Milliseconds since the plugins were asked; `None` for a call that is over.
    fn lookup_took(&self, now: Instant, call: CallId) -> Option<u128> {
        Some(now.saturating_duration_since(self.calls.get(&call)?.asked?).as_millis())
    }

    fn registration(&mut self, account: AccountId, state: &Registration) -> Option<String> {
        let words = match state {
            Registration::Idle => return None,
            Registration::Connecting => "registering".to_owned(),
            Registration::Registered => "registered".to_owned(),
            Registration::Unregistered => "signed off".to_owned(),
            Registration::Failed { reason, retry_ms } => {
                // The reason phrase and the system's words are the peer's to choose: they stand at DEBUG.
                let why = match reason {
                    RegistrationProblem::WrongPassword => "refused: wrong password".to_owned(),
                    RegistrationProblem::NoPassword => "there is no password".to_owned(),
                    RegistrationProblem::NoCommonAuthentication => "an unknown way of signing in".to_owned(),
                    RegistrationProblem::WeakerAuthentication => "a weaker way of signing in".to_owned(),
                    RegistrationProblem::Forbidden { .. } => {
                        "refused although the password is right".to_owned()
                    }
                    RegistrationProblem::Silent => "no answer".to_owned(),
                    RegistrationProblem::Unreachable { .. } => "the PBX cannot be reached".to_owned(),
                    RegistrationProblem::Fault => "a fault of Trayphone".to_owned(),
                    RegistrationProblem::Certificate(_) => "the PBX's certificate is not believed".to_owned(),
                    RegistrationProblem::WebSocket(_) => "the PBX opens no WebSocket".to_owned(),
                    RegistrationProblem::Refused { status, .. } => format!("refused with {status}"),
                };
                match retry_ms {
                    Some(ms) => format!("{why}; retry in {} s", ms.div_ceil(1000)),
                    None => format!("{why}; no retry before something is changed"),
                }
            }
        };
        // A refresh is no news.
        if self.accounts.insert(account, words.clone()).as_ref() == Some(&words) {
            return None;
        }
        Some(format!("account {}: {words}", account.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::{
        caller::CallerCard,
        journal::Direction,
        party::{Party, Sdp},
    };
    use std::time::Duration;

    const NUMBER: &str = "+49301234567";

    fn state(state: Registration) -> Event {
        Event::Sip(SipEvent::Registration { account: AccountId(0), state })
    }

    fn failed(reason: RegistrationProblem, retry_ms: Option<u64>) -> Event {
        state(Registration::Failed { reason, retry_ms })
    }

    fn incoming(call: CallId) -> Event {
        let party = Party { number: NUMBER.to_owned(), name: Some("Alice".to_owned()), ..Party::default() };
        let local = std::net::IpAddr::from([192, 0, 2, 10]);
        let called = "1001".to_owned();
        Event::Sip(SipEvent::Incoming {
            call,
            account: AccountId(1),
            party,
            called,
            local,
            offer: None,
            with: Box::default(),
            unfit: None,
        })
    }

    #[test]
    fn an_account_tells_what_the_pbx_said_and_a_refresh_tells_nothing() {
        let (mut facts, now) = (Facts::default(), Instant::now());
        let mut line = |event: Event| facts.event(now, &event).unwrap_or_default();
        assert_eq!(line(state(Registration::Registered)), "account 0: registered");
        assert_eq!(line(state(Registration::Registered)), "");
        let refused = RegistrationProblem::Refused { status: 503, phrase: NUMBER.to_owned() };
        assert_eq!(line(failed(refused, Some(30_000))), "account 0: refused with 503; retry in 30 s");
        let wrong = line(failed(RegistrationProblem::WrongPassword, Some(1_700_000)));
        assert_eq!(wrong, "account 0: refused: wrong password; retry in 1700 s");
        let none = line(failed(RegistrationProblem::NoPassword, None));
        assert_eq!(none, "account 0: there is no password; no retry before something is changed");
        assert_eq!(line(state(Registration::Unregistered)), "account 0: signed off");
    }

    #[test]
    fn a_call_tells_its_times_and_nobodys_number_or_name() {
        let (mut facts, begun) = (Facts::default(), Instant::now());
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let call = CallId(1);
        let card = CallerCard {
            source: "org.example.crm".to_owned(),
            name: "Alice".to_owned(),
            company: None,
            url: None,
        };
        let lookup = HostCommand::Lookup {
            call,
            direction: Direction::Incoming,
            number: NUMBER.to_owned(),
            name: None,
        };
        let why = Some(format!("https://crm.example/{NUMBER}"));
        let failed = HostEvent::NotFound { call, plugin: "org.example.mail".to_owned(), error: why };
        let lines = [
            facts.event(at(0), &incoming(call)),
            facts.effect(at(1), &Effect::Host(lookup)),
            facts.event(at(43), &Event::Host(HostEvent::Found { call, card })),
            facts.event(at(101), &Event::Host(failed)),
            facts.effect(at(2_000), &Effect::Sip(SipCommand::Accept { call, answer: Sdp(Vec::new()) })),
            facts.event(at(14_500), &Event::Sip(SipEvent::Ended { call, end: CallEnd::RemoteHangup })),
        ];
        let told: Vec<String> = lines.into_iter().flatten().collect();
        assert_eq!(
            told,
            [
                "call 1: began (in, account 1)",
                "call 1: plugin org.example.crm found somebody after 42 ms",
                "call 1: plugin org.example.mail failed after 100 ms",
                "call 1: answered after 2.0 s",
                "call 1: ended: they hung up, after 12.5 s of talk",
            ]
        );
        let gone = facts.event(at(0), &incoming(CallId(3)));
        assert!(gone.is_some() && facts.calls.len() == 1, "{facts:?}");
        let lost = facts.event(at(1), &Event::Broken(Neighbour::Sip));
        assert_eq!(lost.as_deref(), Some("1 calls ended: the PBX session broke down"));
        assert!(facts.calls.is_empty());
    }
}
