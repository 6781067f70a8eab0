//! What a PBX tells a phone within a call besides its course, and what the phone tells back: keys by INFO, remote control.

use crate::{
    call::Ask,
    endpoint::{inside::Inside, model::Endpoint},
    message::{Header, Headers, Method, Request, Response, Text, name},
};
use agent_core::{
    id::{AccountId, CallId},
    port::sip::{PhoneCommand, PhoneEvent, SipEvent, Treatment},
};
use bytes::Bytes;
use std::collections::VecDeque;

/// Keys with a duration, as most PBXs speak them.
const RELAY: &str = "application/dtmf-relay";
/// The key alone.
const PLAIN: &str = "application/dtmf";
/// How long a key is said to be held, milliseconds.
const DURATION: u32 = 160;
/// The most keys taken from one INFO: nobody presses more at once.
const MOST_KEYS: usize = 32;

impl Endpoint {
    pub(super) fn phone(&mut self, command: PhoneCommand) {
        match command {
            PhoneCommand::RingWith { call, offer } => {
                self.with_call(call, |call, wire| call.ring_with(wire, offer));
            }
            PhoneCommand::Digits { call, digits, relay } => {
                self.send_key(call, digits.chars().collect(), relay)
            }
            PhoneCommand::Treat { account, how } => self.treat(account, how),
        }
    }

    /// An account's PBX wants to be treated otherwise from now on: calls that stand stay as they are.
    fn treat(&mut self, account: AccountId, how: Treatment) {
        let rate = self.wire.config.subscribes_per_second;
        if let Some(desk) = self.watches.desks.get_mut(&account) {
            desk.pace.set(how.subscribes_per_second.map_or(rate, |slower| slower.min(rate)));
        }
        let number = self.accounts.get(&account);
        if let Some(registration) = number.and_then(|number| self.registrations.get_mut(number)) {
            registration.treatment = how;
        }
        self.take_turns(account);
    }

    /// Sends the next key, and the one after it once that was answered: keys that overtake each other are another number.
    fn send_key(&mut self, call: CallId, mut keys: VecDeque<char>, relay: bool) {
        let Some(key) = keys.front().copied() else { return };
        let (kind, body) = if relay {
            (RELAY, format!("Signal={key}\r\nDuration={DURATION}\r\n"))
        } else {
            (PLAIN, format!("{key}\r\n"))
        };
        let ask = Ask {
            method: Method::Info,
            headers: Vec::<Header>::new(),
            body: Some((Text::from_static(kind), Bytes::from(body))),
        };
        self.ask_inside(call, ask, move |endpoint, asked| match asked.answer {
            Ok(response) if response.is_success() => {
                keys.pop_front();
                endpoint.send_key(call, keys, relay);
            }
            // It knows keys in the other form only (RFC 3261 section 21.4.13).
            Ok(response) if response.status == 415 && relay => endpoint.send_key(call, keys, false),
            Ok(response) => {
                let status = response.status;
                endpoint.wire.tell(SipEvent::Phone(PhoneEvent::KeysRefused { call, status }));
            }
            // The call ended, and that is told.
            Err(_) => {}
        });
    }

    /// Their INFO: keys, or the empty one of RFC 2976 section 2.2, which asks whether we are there.
    pub(super) fn informed(&mut self, inside: Inside) {
        let Inside { id, request, call, .. } = inside;
        if request.headers.has(name::INFO_PACKAGE) {
            // RFC 6086 section 4.2.2: none was agreed on.
            return self.wire.refuse(id, &request, 469);
        }
        if request.body.is_empty() {
            return self.wire.refuse(id, &request, 200);
        }
        let Some(keys) = keys(&request) else {
            let mut response = Response::to(&request, 415, None);
            response.headers.push(name::ACCEPT, format!("{RELAY}, {PLAIN}"));
            return self.wire.respond(id, response);
        };
        self.wire.refuse(id, &request, 200);
        for digit in keys {
            self.wire.tell(SipEvent::Phone(PhoneEvent::Digit { call, digit }));
        }
    }

    /// Their NOTIFY of a kind that steers the phone (`talk`, `hold`), obeyed where the account says so and it came from
    /// its registrar. Gives back what is none.
    pub(super) fn steered(&mut self, inside: Inside) -> Option<Inside> {
        let event = event(&inside.request.headers);
        let told = match event.as_deref() {
            Some("talk") => PhoneEvent::Talk { call: inside.call },
            Some("hold") => PhoneEvent::Hold { call: inside.call },
            _ => return Some(inside),
        };
        if !self.calls.get(&inside.call).is_some_and(|call| call.obeys(&inside.flow)) {
            self.wire.refuse(inside.id, &inside.request, 403);
            return None;
        }
        self.wire.refuse(inside.id, &inside.request, 200);
        self.wire.tell(SipEvent::Phone(told));
        None
    }
}

/// The event package, in lower case.
fn event(headers: &Headers) -> Option<String> {
    let value = headers.get(name::EVENT)?;
    let package = value.split(|&b| b == b';').next().unwrap_or_default().trim_ascii();
    Some(String::from_utf8_lossy(package).to_ascii_lowercase())
}

/// The keys an INFO tells; `None` when it tells of something else.
fn keys(request: &Request) -> Option<Vec<char>> {
    let kind = request.headers.content_type()?.ok()?.kind;
    let text = String::from_utf8_lossy(&request.body);
    let value = match kind.as_str() {
        RELAY => text.lines().find_map(|line| {
            let (name, value) = line.split_once(['=', ':'])?;
            name.trim().eq_ignore_ascii_case("signal").then(|| value.trim().to_owned())
        })?,
        PLAIN => text.trim().to_owned(),
        _ => return None,
    };
    // Some write the number of the event of RFC 4733 in place of the key.
    let keys = match value.as_str() {
        "10" if kind == RELAY => vec!['*'],
        "11" if kind == RELAY => vec!['#'],
        _ => value.chars().map(|key| key.to_ascii_uppercase()).collect(),
    };
    let known = |key: &char| key.is_ascii_digit() || matches!(key, '*' | '#' | 'A'..='D');
    Some(keys.into_iter().filter(known).take(MOST_KEYS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &str, body: &str) -> Option<String> {
        let mut request = Request::new(Method::Info, "sip:1@x".parse::<crate::message::Uri>().unwrap());
        request.headers.push(name::CONTENT_TYPE, kind);
        request.body = Bytes::copy_from_slice(body.as_bytes());
        keys(&request).map(|keys| keys.into_iter().collect())
    }

    #[test]
    fn keys_are_read_in_every_dialect() {
        for (kind, body, keys) in [
            ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", Some("5")),
            ("Application/DTMF-Relay", "signal= *\nDuration=250", Some("*")),
            ("application/dtmf-relay", "Signal=11", Some("#")),
            ("application/dtmf-relay", "Duration=160", None),
            ("application/dtmf", "7", Some("7")),
            ("application/dtmf", "d\r\n", Some("D")),
            ("application/dtmf", "12#", Some("12#")),
            ("application/dtmf", "hook", Some("")),
            ("text/plain", "5", None),
        ] {
            assert_eq!(said(kind, body).as_deref(), keys, "{kind} {body:?}");
        }
        assert_eq!(said("application/dtmf", &"1".repeat(10_000)).map(|keys| keys.len()), Some(MOST_KEYS));
    }
}
