//! What users, neighbours and the wire may say in the model: good answers, bad ones and nonsense.

use agent_core::{
    action::{Action, FeatureAction, QueueStep},
    caller::CallerCard,
    id::{AccountId, CallId},
    party::{Party, Sdp},
    port::{
        Effect, Event, Neighbour,
        host::HostEvent,
        media::{Flow, MediaCommand, MediaEvent, SoundProblem},
        sip::{
            CallEnd, Loss, MessageCommand, MessageEvent, PhoneEvent, Registration, SipCommand, SipEvent,
            TransferCommand, TransferEvent, WatchEvent,
            message::MessageProblem,
            transfer::{DialogRef, Referred, TransferProblem},
            watch::{ForwardWhen, LineInfo, LineState},
        },
        store::{PasswordQuestion, SecretProblem, StoreCommand, StoreEvent},
    },
    secret::Secret,
};

/// Every neighbour that can break.
pub(crate) const NEIGHBOURS: [Neighbour; 6] =
    [Neighbour::Sip, Neighbour::Media, Neighbour::Host, Neighbour::Store, Neighbour::Shell, Neighbour::Api];

/// What is kept for an account, so that it can be told whose a password is and which question it answers.
pub(crate) fn secret(question: &PasswordQuestion) -> String {
    format!("{} {}", question.aor, question.generation)
}

/// The store's word to a question for a password.
pub(crate) fn password(question: &PasswordQuestion, how: u8) -> Event {
    let result = match how % 8 {
        6 => Err(SecretProblem::Missing),
        7 => Err(SecretProblem::Failed("locked".to_owned())),
        _ => Ok(Secret::new(secret(question))),
    };
    Event::Store(StoreEvent::Password { question: question.clone(), result })
}

pub(crate) fn action(what: u8, call: Option<CallId>) -> Action {
    let named = call.unwrap_or(CallId(1));
    match what % 17 {
        0..=3 => Action::Answer { call },
        4 => Action::Decline { call },
        5 => Action::Hangup { call },
        6..=7 => Action::Hold { call },
        8..=9 => Action::Resume { call },
        10 => Action::Mute { on: (what > 127).then_some(what.is_multiple_of(2)) },
        11 => Action::Dtmf { call, digits: "1*#".to_owned() },
        12 => Action::Silence,
        13 => Action::OpenRecord { call: named },
        14 => Action::Choose { question: u64::from(what), choice: Some(1) },
        15 => Action::DismissToast { toast: named.0 },
        _ => Action::Show,
    }
}

/// A neighbour's answer to what it was asked: good, or bad in some way of its own.
pub(crate) fn answer(asked: &Effect, how: u8) -> Option<Event> {
    let sdp = Sdp(vec![b'a' + how % 3]);
    let bad = how % 8 > 5;
    let refused = |call: CallId| MediaEvent::Refused { call, why: SoundProblem::NoOffer };
    Some(match asked {
        Effect::Media(MediaCommand::Offer { call, .. }) if bad => Event::Media(refused(*call)),
        Effect::Media(MediaCommand::Offer { call, .. } | MediaCommand::Reoffer { call, .. }) => {
            Event::Media(MediaEvent::Offered { call: *call, sdp })
        }
        Effect::Media(MediaCommand::Accept { call, .. } | MediaCommand::Complete { call, .. }) if bad => {
            Event::Media(refused(*call))
        }
        Effect::Media(MediaCommand::Accept { call, flow, .. }) => {
            Event::Media(MediaEvent::Accepted { call: *call, sdp, flow: bent(*flow, how) })
        }
        Effect::Media(MediaCommand::Complete { call, .. }) => {
            Event::Media(MediaEvent::Completed { call: *call, flow: flow(how) })
        }
        Effect::Sip(command) => Event::Sip(sip_answer(command, how, sdp)?),
        Effect::Store(StoreCommand::Password(question)) => password(question, how),
        Effect::Restart(who) if bad => Event::Broken(*who),
        Effect::Restart(who) => Event::Restarted(*who),
        _ => return None,
    })
}

fn sip_answer(command: &SipCommand, how: u8, sdp: Sdp) -> Option<SipEvent> {
    let bad = how % 8 > 5;
    Some(match command {
        SipCommand::Register { account, .. } => {
            SipEvent::Registration { account: *account, state: Registration::Registered }
        }
        SipCommand::Accept { call, .. } if bad => SipEvent::Ended { call: *call, end: end(how) },
        SipCommand::Accept { call, .. } => {
            SipEvent::Confirmed { call: *call, answer: (!how.is_multiple_of(4)).then_some(sdp) }
        }
        SipCommand::Invite { call, .. } => match how % 8 {
            0 | 1 => SipEvent::Progress { call: *call, status: 180, answer: None },
            2 => SipEvent::Progress { call: *call, status: 183, answer: Some(sdp) },
            3 if how & 64 == 0 => SipEvent::Progress { call: *call, status: 199, answer: None },
            3 => SipEvent::Phone(PhoneEvent::Trying { call: *call }),
            4 | 5 => SipEvent::Answered { call: *call, answer: Some(sdp) },
            6 => SipEvent::Answered { call: *call, answer: None },
            _ => SipEvent::Ended { call: *call, end: end(how / 8) },
        },
        SipCommand::Transfer(TransferCommand::Follow { call, .. } | TransferCommand::Pickup { call, .. }) => {
            match how % 4 {
                0 => SipEvent::Progress { call: *call, status: 180, answer: None },
                1 | 2 => SipEvent::Answered { call: *call, answer: Some(sdp) },
                _ => SipEvent::Ended { call: *call, end: end(how / 4) },
            }
        }
        SipCommand::Transfer(
            TransferCommand::Blind { call, .. } | TransferCommand::Attended { call, .. },
        ) => SipEvent::Transfer(match how % 4 {
            0 => TransferEvent::Agreed { call: *call },
            1 => TransferEvent::Done { call: *call },
            2 => TransferEvent::Progress { call: *call, status: 100 },
            _ => TransferEvent::Failed { call: *call, why: TransferProblem::Silent },
        }),
        SipCommand::Message(MessageCommand::Send { message, .. }) => SipEvent::Message(match how % 4 {
            0 => MessageEvent::Failed { message: *message, why: MessageProblem::Silent },
            1 => return None,
            _ => MessageEvent::Sent { message: *message, kept: how > 127 },
        }),
        SipCommand::Ring { call } if bad => SipEvent::Ended { call: *call, end: end(how) },
        SipCommand::Reject { call, .. } => SipEvent::Ended { call: *call, end: CallEnd::Rejected },
        SipCommand::Hangup { call } => SipEvent::Ended { call: *call, end: CallEnd::LocalHangup },
        SipCommand::Reoffer { call, .. } if bad => {
            SipEvent::ReofferRefused { call: *call, status: if how > 127 { 491 } else { 488 } }
        }
        SipCommand::Reoffer { call, .. } => SipEvent::ReofferAnswered { call: *call, answer: sdp },
        SipCommand::AnswerReoffer { call, answer: Ok(_) } => {
            SipEvent::Confirmed { call: *call, answer: how.is_multiple_of(2).then_some(sdp) }
        }
        _ => return None,
    })
}

/// What the user asks of calls that change hands.
pub(crate) fn feature(what: u8, call: CallId, other: CallId) -> FeatureAction {
    let named = (what > 127).then_some(call);
    let number = || if what.is_multiple_of(3) { "602".to_owned() } else { "nobody".to_owned() };
    match what % 13 {
        9 => FeatureAction::Dnd { account: (what > 127).then_some(AccountId(0)), on: what.is_multiple_of(2) },
        10 | 11 => FeatureAction::Forward {
            account: Some(AccountId(u32::from(what % 2))),
            when: [ForwardWhen::Always, ForwardWhen::Busy, ForwardWhen::NoAnswer][usize::from(what) % 3],
            to: (what > 64).then(number),
        },
        12 => FeatureAction::Queue {
            account: None,
            step: [QueueStep::In, QueueStep::Out][usize::from(what) % 2],
            queue: (what > 200).then(number),
        },
        8 => FeatureAction::Message { account: None, to: number(), text: "hello".to_owned() },
        0 | 1 => FeatureAction::Transfer { call: named, to: Some(number()), with: None },
        2 => FeatureAction::Transfer { call: named, to: None, with: Some(other) },
        3 => FeatureAction::Deflect { call: named, to: number() },
        4 => FeatureAction::Conference { calls: vec![call, other], split: false },
        5 => FeatureAction::Conference { calls: Vec::new(), split: what > 127 },
        6 => FeatureAction::Park { call: named },
        _ => FeatureAction::Pickup {
            account: None,
            number: Some(number()),
            dialog: Some(DialogRef {
                call_id: "there".to_owned(),
                to_tag: "t".to_owned(),
                from_tag: "f".to_owned(),
            }),
        },
    }
}

/// What the wire says of calls that change hands, whatever their state.
pub(crate) fn transfer(what: u8, call: CallId) -> TransferEvent {
    let referred = |number: &str| Referred {
        number: number.to_owned(),
        uri: format!("sip:{number}@pbx.example"),
        name: None,
        home: !what.is_multiple_of(3),
        replaces: what > 127,
        phone: what > 127 && what.is_multiple_of(3),
    };
    match what % 10 {
        0 => TransferEvent::Agreed { call },
        1 => TransferEvent::Progress { call, status: 180 },
        2 => TransferEvent::Done { call },
        3 => TransferEvent::Failed { call, why: TransferProblem::Untold },
        4 | 5 => TransferEvent::Asked { call, target: referred("603") },
        6 => TransferEvent::Asked { call, target: referred("112") },
        7 => TransferEvent::Redirected { call, target: referred("112") },
        8 => TransferEvent::Redirected { call, target: referred("603") },
        _ => TransferEvent::Asked { call, target: referred("alice") },
    }
}

fn end(how: u8) -> CallEnd {
    let refused = |status| CallEnd::Refused { status, phrase: "No".to_owned() };
    match how % 8 {
        0 => CallEnd::RemoteHangup,
        1 => CallEnd::Cancelled { elsewhere: false },
        2 => CallEnd::Cancelled { elsewhere: true },
        3 => refused(486),
        4 => refused(404),
        5 => refused(480),
        6 => CallEnd::Lost { why: Loss::Network, detail: "gone".to_owned() },
        _ => CallEnd::LocalHangup,
    }
}

fn flow(how: u8) -> Flow {
    [Flow::SendRecv, Flow::SendOnly, Flow::RecvOnly, Flow::Inactive][usize::from(how) % 4]
}

fn bent(wanted: Flow, how: u8) -> Flow {
    if how.is_multiple_of(3) { flow(how / 3) } else { wanted }
}

pub(crate) fn nonsense(what: u8, call: CallId) -> Event {
    let sdp = Sdp(vec![b'n']);
    let some = (what > 127).then(|| sdp.clone());
    match what % 16 {
        0 => Event::Sip(SipEvent::Progress { call, status: 180, answer: some }),
        1 => Event::Sip(SipEvent::Answered { call, answer: some }),
        2 => Event::Sip(SipEvent::Confirmed { call, answer: some }),
        3 | 4 => Event::Sip(SipEvent::Reoffer { call, offer: some }),
        5 => Event::Sip(SipEvent::ReofferAnswered { call, answer: sdp }),
        6 => Event::Sip(SipEvent::ReofferRefused { call, status: 491 }),
        7 => Event::Sip(SipEvent::Ended { call, end: end(what) }),
        8 => Event::Media(MediaEvent::Offered { call, sdp }),
        9 => Event::Media(MediaEvent::Accepted { call, sdp, flow: flow(what) }),
        10 => Event::Media(MediaEvent::Completed { call, flow: flow(what) }),
        11 => Event::Media(MediaEvent::Refused { call, why: SoundProblem::NoAudio }),
        12 => Event::Media(MediaEvent::Silent { call }),
        13 => Event::Sip(SipEvent::Phone(PhoneEvent::Refresh { call })),
        // A call for help stays known as one: it has no end of its own.
        14 => {
            let to = Party { number: "9112".to_owned(), ..Party::default() };
            Event::Sip(SipEvent::Phone(PhoneEvent::Moved { call, to }))
        }
        15 if call.0.is_multiple_of(2) => Event::Sip(SipEvent::Watch(WatchEvent::Line {
            account: AccountId(0),
            target: ["*761001", "*451001"][usize::from(what > 127)].to_owned(),
            line: LineInfo {
                state: [LineState::Idle, LineState::Busy, LineState::Unknown][usize::from(what / 16) % 3],
                ..LineInfo::default()
            },
        })),
        _ => Event::Media(MediaEvent::Digit { call, digit: '5' }),
    }
}

pub(crate) fn plugin(what: u8, call: CallId) -> HostEvent {
    let plugin = "org.example.crm".to_owned();
    let url = "https://crm.example/1".to_owned();
    match what % 5 {
        0 | 1 => HostEvent::Found {
            call,
            card: CallerCard {
                source: plugin,
                name: "Alice".to_owned(),
                company: None,
                url: what.is_multiple_of(2).then_some(url),
            },
        },
        2 => HostEvent::NotFound { call, plugin, error: (what > 127).then(|| "failed".to_owned()) },
        3 => HostEvent::LookupDone { call },
        _ => HostEvent::OpenRecord { call, plugin, url },
    }
}
