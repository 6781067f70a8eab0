//! The words of scripted peers: requests and responses written out, and what they expect.

use crate::world::{Letter, Who, World, sdp};
use agent_core::{
    id::{AccountId, CallId},
    port::sip::{SipCommand, SipEvent},
    secret::Secret,
    settings::AccountSettings,
};
use agent_sip::{
    flow::{Flow, Transport},
    message::{Message, Method, Request, Response},
};
use std::time::Duration;

/// The account every test registers.
pub(crate) const ACCOUNT: AccountId = AccountId(0);

/// Settings of an account at `pbx.example`, or over another registrar.
pub(crate) fn settings(registrar: Option<&str>) -> AccountSettings {
    AccountSettings {
        aor: "sip:1001@pbx.example".to_owned(),
        registrar: registrar.map(str::to_owned),
        ..AccountSettings::default()
    }
}

/// A call of ours to somebody, over the account every test registers.
pub(crate) fn calling(call: u64, target: &str) -> SipCommand {
    let (target, offer) = (target.to_owned(), sdp("offer"));
    SipCommand::Invite { call: CallId(call), account: ACCOUNT, target, offer, withhold: false }
}

/// Starts the account.
pub(crate) fn register(world: &mut World, phone: Who, registrar: Option<&str>) {
    let password = Secret::new("secret".to_owned());
    world.command(phone, SipCommand::Register { account: ACCOUNT, settings: settings(registrar), password });
}

/// A phone with its account registered at a scripted PBX that says yes to everything, and nothing left to read.
pub(crate) fn registered(world: &mut World) -> (Who, Who) {
    let pbx = world.script("192.0.2.10");
    // So long that no refresh gets in the way of what is tested.
    let config = agent_sip::config::Config { expires: Duration::from_secs(3600), ..Default::default() };
    let phone = world.phone("192.0.2.1", config);
    register(world, phone, None);
    let (letter, request) = expect(world, pbx, Method::Register);
    let contact = request.headers.get("Contact").expect("a Contact").to_string();
    answer(world, &letter, 200, &[("Contact", &contact)], "");
    world.told = Some(request.headers.contact().expect("a Contact").uri.to_string());
    world.settle();
    world.events(phone).clear();
    (phone, pbx)
}

/// The same INVITE or REFER as a registrar sends it: to the Contact it was told, and not to the number.
pub(crate) fn as_told(world: &World, words: &str) -> String {
    let contact = world.told.as_deref().expect("a registration");
    words.replacen(" sip:1001@192.0.2.1 ", &format!(" {contact} "), 1)
}

/// The next message at a peer, which must be this request.
pub(crate) fn expect(world: &mut World, who: Who, method: Method) -> (Letter, Request) {
    let letter = world.letter(who);
    match &letter.message {
        Message::Request(request) if request.method == method => (letter.clone(), request.clone()),
        other => panic!("{method} was expected, and there came {}", text(other)),
    }
}

/// The next message at a peer, which must be a response with this status.
pub(crate) fn expect_status(world: &mut World, who: Who, status: u16) -> (Letter, Response) {
    let letter = world.letter(who);
    match &letter.message {
        Message::Response(response) if response.status == status => (letter.clone(), response.clone()),
        other => panic!("{status} was expected, and there came {}", text(other)),
    }
}

/// Answers a request a peer has received. A final answer to INVITE and everything above 100 carries the tag `pbx`.
pub(crate) fn answer(world: &mut World, to: &Letter, status: u16, headers: &[(&str, &str)], body: &str) {
    answer_tagged(world, to, (status, "pbx"), headers, body);
}

/// The same with a To tag of one's own.
pub(crate) fn answer_tagged(
    world: &mut World,
    to: &Letter,
    (status, tag): (u16, &str),
    headers: &[(&str, &str)],
    body: &str,
) {
    let Message::Request(request) = &to.message else { panic!("only requests are answered") };
    let mut noted = request.clone();
    noted.headers.note_source(to.flow.peer);
    let mut response = Response::to(&noted, status, (status > 100).then_some(tag));
    for (name, value) in headers {
        response.headers.push(*name, *value);
    }
    if !body.is_empty() {
        response.set_body("application/sdp", body.to_owned());
    }
    world.post(to.flow, response.to_bytes().into());
}

/// Sends a request of a scripted peer, written with `\n` line ends; `{ip}` is its own address.
pub(crate) fn say(world: &mut World, from: Who, to: Who, words: &str) {
    let (local, peer) = (world.address(from), world.address(to));
    let bytes = words.replace("{ip}", &local.ip().to_string()).replace('\n', "\r\n").into_bytes();
    world.post(Flow { transport: Transport::Udp, local, peer }, bytes.into());
}

/// An INVITE of a scripted peer for 1001, with the branch, further header lines and a body.
pub(crate) fn invite(branch: &str, number: u32, more: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    format!(
        "INVITE sip:1001@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP {{ip}}:5060;branch=z9hG4bK{branch}\nMax-Forwards: 70\n\
         From: \"Anna\" <sip:600@pbx.example>;tag=anna\nTo: <sip:1001@pbx.example>\nCall-ID: call-in\n\
         CSeq: {number} INVITE\nContact: <sip:600@{{ip}}:5060>\n{more}{kind}Content-Length: {}\n\n{body}",
        body.len()
    )
}

/// A request of a scripted peer within the dialog that `response` (ours, to its INVITE) made.
pub(crate) fn inside(
    response: &Response,
    (method, number): (&str, u32),
    branch: &str,
    more: &str,
    body: &str,
) -> String {
    let to = response.headers.to().expect("To").to_value();
    let target =
        response.headers.contact().map_or_else(|| "sip:1001@192.0.2.1".to_owned(), |c| c.uri.to_string());
    let from = response.headers.from().expect("From").to_value();
    let call_id = response.headers.call_id().expect("Call-ID");
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    format!(
        "{method} {target} SIP/2.0\nVia: SIP/2.0/UDP {{ip}}:5060;branch=z9hG4bK{branch}\nMax-Forwards: 70\n\
         From: {from}\nTo: {to}\nCall-ID: {call_id}\nCSeq: {number} {method}\nContact: <sip:600@{{ip}}:5060>\n{more}{kind}\
         Content-Length: {}\n\n{body}",
        body.len()
    )
}

/// A request of a scripted peer within the dialog that its own `response` to our `invite` made.
pub(crate) fn inside_ours(
    invite: &Request,
    (method, number): (&str, u32),
    branch: &str,
    more: &str,
    body: &str,
) -> String {
    let contact = invite.headers.contact().expect("Contact").uri;
    let from = invite.headers.to().expect("To").with_tag("pbx").to_value();
    let to = invite.headers.from().expect("From").to_value();
    let call_id = invite.headers.call_id().expect("Call-ID");
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    format!(
        "{method} {contact} SIP/2.0\nVia: SIP/2.0/UDP {{ip}}:5060;branch=z9hG4bK{branch}\nMax-Forwards: 70\n\
         From: {from}\nTo: {to}\nCall-ID: {call_id}\nCSeq: {number} {method}\nContact: <sip:pbx@{{ip}}:5060>\n{more}{kind}\
         Content-Length: {}\n\n{body}",
        body.len()
    )
}

/// The next event, which must be this one as far as its `Debug` text begins.
pub(crate) fn event(world: &mut World, phone: Who, begins: &str) -> SipEvent {
    let event = world.event(phone);
    let shown = format!("{event:?}");
    assert!(shown.starts_with(begins), "{begins} was expected, and there came {shown}");
    event
}

/// Nothing more is told and nothing is left behind once every timer has run out.
pub(crate) fn clean(world: &mut World, phone: Who) {
    world.pass(Duration::from_secs(200));
    let load = world.load(phone);
    assert_eq!((load.calls, load.clients, load.servers, load.held), (0, 0, 0, 0), "something leaked");
}

pub(crate) fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.to_bytes()).into_owned()
}
