//! Lines of a transcript that the wire says.

use super::{account_id, call, quoted, sdp, texting, watching};
use agent_core::{
    certificate::{CertificateFault, Fingerprint, Untrusted},
    id::AccountId,
    party::Party,
    port::{
        media::SoundProblem,
        sip::{
            CallEnd, Circumstances, ForwardReason, Forwarding, Loss, PhoneEvent, Registration,
            RegistrationProblem, Ring, SipEvent,
        },
    },
};

pub(super) fn sip(first: &str, rest: &mut Vec<&str>) -> Option<SipEvent> {
    let id = || call(rest[0]);
    Some(match first {
        "registration" => {
            SipEvent::Registration { account: account_id(rest[0])?, state: registration(&rest[1..])? }
        }
        "address" => SipEvent::Address { account: account_id(rest[0])?, local: rest[1].parse().ok()? },
        "incoming" => return incoming(rest),
        "progress" => {
            SipEvent::Progress { call: id()?, status: rest[1].parse().ok()?, answer: sdp(rest.get(2)) }
        }
        "answered" => SipEvent::Answered { call: id()?, answer: sdp(rest.get(1)) },
        "confirmed" => SipEvent::Confirmed { call: id()?, answer: sdp(rest.get(1)) },
        "refresh" => SipEvent::Phone(PhoneEvent::Refresh { call: id()? }),
        "moved" => {
            let to = Party { number: rest[1].to_owned(), ..Party::default() };
            SipEvent::Phone(PhoneEvent::Moved { call: id()?, to })
        }
        "reoffer" => SipEvent::Reoffer { call: id()?, offer: sdp(rest.get(1)) },
        "reoffer-answered" => SipEvent::ReofferAnswered { call: id()?, answer: sdp(rest.get(1))? },
        "reoffer-refused" => SipEvent::ReofferRefused { call: id()?, status: rest[1].parse().ok()? },
        "ended" => SipEvent::Ended { call: id()?, end: end(&rest[1..])? },
        "transfer" => SipEvent::Transfer(super::super::transfer::told(rest)?),
        "redirected" => SipEvent::Transfer(super::super::transfer::redirected(rest)?),
        "remote-dial" => SipEvent::Transfer(super::super::transfer::remote_dial(rest)?),
        "down" => SipEvent::Down,
        "party" => SipEvent::Party { call: id()?, party: party(&rest[1..])? },
        "message" | "message-sent" | "message-redirected" | "message-kept" | "message-failed" => {
            SipEvent::Message(texting::told(first, rest)?)
        }
        "watched" | "line" | "presence" | "messages" | "features" => {
            SipEvent::Watch(watching::told(first, rest)?)
        }
        _ => SipEvent::Phone(phone(first, rest)?),
    })
}

fn incoming(rest: &mut Vec<&str>) -> Option<SipEvent> {
    let id = call(rest.remove(0))?;
    let number = rest.remove(0);
    let name = quoted(rest[0]);
    if name.is_some() {
        rest.remove(0);
    }
    let withheld = number == "withheld";
    let number = if withheld { String::new() } else { number.to_owned() };
    let ["to", called, "at", local, more @ ..] = &rest[..] else { return None };
    let (account, more) = match more {
        ["on", account, more @ ..] => (account_id(account)?, more),
        more => (AccountId(0), more),
    };
    let uri = format!("sip:{number}@pbx.example");
    Some(SipEvent::Incoming {
        call: id,
        account,
        party: Party { number, name, uri, withheld },
        called: (*called).to_owned(),
        local: local.parse().ok()?,
        offer: sdp(more.first()).filter(|sdp| sdp.0 != b"no-offer"),
        with: Box::new(circumstances(more)?),
        unfit: match more {
            [_, "unfit", why @ ..] => Some(problem(why)?),
            _ => None,
        },
    })
}

/// `by 1002 "Desk" NoAnswer x2 line "Sales" ring Internal answer-after 3`, behind the offer.
fn circumstances(rest: &[&str]) -> Option<Circumstances> {
    let mut with = Circumstances::default();
    let mut words = rest.iter().skip(1).copied().peekable();
    if words.peek() == Some(&"unfit") {
        return Some(with);
    }
    while let Some(word) = words.next() {
        match word {
            "by" => {
                let number = words.next()?;
                let withheld = number == "withheld";
                let number = if withheld { String::new() } else { number.to_owned() };
                let name = words.next_if(|word| word.starts_with('"')).and_then(quoted);
                let by = Party { uri: format!("sip:{number}@pbx.example"), number, name, withheld };
                let reasons = [
                    ForwardReason::Always,
                    ForwardReason::Busy,
                    ForwardReason::NoAnswer,
                    ForwardReason::Unreachable,
                    ForwardReason::DoNotDisturb,
                ];
                let named = |word: &str| reasons.into_iter().find(|why| format!("{why:?}") == word);
                let why = words.next_if(|word| named(word).is_some()).and_then(named).unwrap_or_default();
                let times =
                    words.next_if(|word| word.starts_with('x')).and_then(|word| word[1..].parse().ok());
                with.forwarded.push(Forwarding { by, why, times: times.unwrap_or(1) });
            }
            "line" => with.line = quoted(words.next()?),
            "ring" => {
                let ring = words.next()?;
                with.ring =
                    [Ring::Internal, Ring::Special].into_iter().find(|it| format!("{it:?}") == ring)?;
            }
            "rings-with-offer" => with.rings_with_offer = true,
            "answer-after" => with.auto_answer = words.next()?.parse().ok(),
            _ => return None,
        }
    }
    Some(with)
}

fn phone(first: &str, rest: &[&str]) -> Option<PhoneEvent> {
    let id = || call(rest[0]);
    Some(match first {
        "keys-refused" => PhoneEvent::KeysRefused { call: id()?, status: rest[1].parse().ok()? },
        "info-digit" => PhoneEvent::Digit { call: id()?, digit: rest[1].chars().next()? },
        "trying" => PhoneEvent::Trying { call: id()? },
        "talk" => PhoneEvent::Talk { call: id()? },
        "hold" => PhoneEvent::Hold { call: id()? },
        "cause" => PhoneEvent::Cause { call: id()?, q850: rest[1].parse().ok()? },
        "pbx" => PhoneEvent::Pbx { account: account_id(rest[0])?, product: quoted(rest[1])? },
        _ => return None,
    })
}

/// Who somebody is: `+4930 "Alice"`, `withheld`.
fn party(rest: &[&str]) -> Option<Party> {
    let (number, name) = (rest.first()?, rest.get(1).and_then(|word| quoted(word)));
    let withheld = *number == "withheld";
    let number = if withheld { String::new() } else { (*number).to_owned() };
    Some(Party { uri: format!("sip:{number}@pbx.example"), number, name, withheld })
}

pub(super) fn problem(rest: &[&str]) -> Option<SoundProblem> {
    Some(match rest {
        ["not-sdp", detail] => SoundProblem::NotSdp { detail: quoted(detail)? },
        ["no-audio"] => SoundProblem::NoAudio,
        ["declined"] => SoundProblem::Declined,
        ["no-common-codec", theirs] => SoundProblem::NoCommonCodec { theirs: quoted(theirs)? },
        ["encrypted", profile] => SoundProblem::Encrypted { profile: quoted(profile)? },
        ["address", detail] => SoundProblem::Address { detail: quoted(detail)? },
        ["no-port", detail] => SoundProblem::NoPort { detail: quoted(detail)? },
        ["fault"] => SoundProblem::Fault,
        _ => return None,
    })
}

fn end(rest: &[&str]) -> Option<CallEnd> {
    Some(match rest {
        ["remote-hangup"] => CallEnd::RemoteHangup,
        ["cancelled"] => CallEnd::Cancelled { elsewhere: false },
        ["refused-elsewhere"] => CallEnd::RefusedElsewhere,
        ["elsewhere"] => CallEnd::Cancelled { elsewhere: true },
        ["local-hangup"] => CallEnd::LocalHangup,
        ["rejected"] => CallEnd::Rejected,
        ["refused", status, phrase @ ..] => {
            CallEnd::Refused { status: status.parse().ok()?, phrase: phrase.join(" ") }
        }
        ["lost", why, detail] => CallEnd::Lost {
            why: [Loss::Silent, Loss::Unusable, Loss::Network, Loss::Forgotten, Loss::Target]
                .into_iter()
                .find(|loss| format!("{loss:?}") == *why)?,
            detail: quoted(detail)?,
        },
        _ => return None,
    })
}

/// A key that is another than the one expected; the log does not write the one that was shown.
fn changed(detail: &str) -> Option<Untrusted> {
    let (host, expected) =
        detail.strip_prefix("the certificate of ")?.split_once(" has another key than ")?;
    let fault = CertificateFault::Changed { expected: Fingerprint::parse(expected)? };
    Some(Untrusted { host: host.to_owned(), fault, presented: Some(Fingerprint([2; 32])) })
}

fn registration(rest: &[&str]) -> Option<Registration> {
    let retry = |rest: &[&str]| match rest {
        ["retry", ms] => ms.parse().ok(),
        _ => None,
    };
    Some(match rest {
        ["idle"] => Registration::Idle,
        ["connecting"] => Registration::Connecting,
        ["registered"] => Registration::Registered,
        ["unregistered"] => Registration::Unregistered,
        ["failed", reason, more @ ..] => {
            let (reason, more) = match (*reason, more) {
                ("wrong-password", more) => (RegistrationProblem::WrongPassword, more),
                ("no-password", more) => (RegistrationProblem::NoPassword, more),
                ("weaker-authentication", more) => (RegistrationProblem::WeakerAuthentication, more),
                ("forbidden", [phrase, more @ ..]) => {
                    (RegistrationProblem::Forbidden { phrase: (*phrase).to_owned() }, more)
                }
                ("no-common-authentication", more) => (RegistrationProblem::NoCommonAuthentication, more),
                ("silent", more) => (RegistrationProblem::Silent, more),
                ("unreachable", [detail, more @ ..]) => {
                    (RegistrationProblem::Unreachable { detail: quoted(detail)? }, more)
                }
                ("certificate", [detail, more @ ..]) => {
                    (RegistrationProblem::Certificate(changed(&quoted(detail)?)?), more)
                }
                ("refused", [status, phrase, more @ ..]) => {
                    let (status, phrase) = (status.parse().ok()?, quoted(phrase)?);
                    (RegistrationProblem::Refused { status, phrase }, more)
                }
                _ => return None,
            };
            Registration::Failed { reason, retry_ms: retry(more) }
        }
        _ => return None,
    })
}
