//! One call: its dialog, what stage it is in, and what waits for whom.

use crate::{
    auth::DigestClient,
    call::{identity::Belief, leg::Leg, manners::Manners, targets::Targets, timer::Timer},
    dialog::{Dialog, DialogId},
    flow::Flow,
    message::{Header, Headers, Method, NameAddr, Request, Response, SipUri, Text, Uri, name},
    transaction::TransactionId,
    wire::{Owner, Toward, Wire},
};
use agent_core::{
    id::CallId,
    party::{Party, Sdp},
    port::sip::{CallEnd, SipEvent},
};
use std::time::{Duration, Instant};

/// The type of every body we send.
pub(super) const SDP: &str = "application/sdp";
/// How long the end of a call that we hang up may wait for the other side's word before it is told anyway.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// Requests sent for one purpose before a challenge counts as a refusal.
pub(super) const MOST_TRIES: u32 = 4;
/// Branches of a fork that are hung up on; what comes beyond them is left to its timeout.
pub(super) const MOST_FORKS: usize = 16;
/// INVITEs of ours whose 2xx may come again; changes of a session come one by one.
pub(super) const MOST_INVITES: usize = 4;

/// How long their change of the session waits for an answer of the core before it is refused.
pub(super) const THEIRS_WITHIN: Duration = Duration::from_secs(30);

/// How far it has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// Our INVITE is out.
    Calling(Box<Calling>),
    /// Their INVITE waits for our answer.
    Ringing(Box<Ringing>),
    /// Answered, by whichever side.
    Up,
    /// Our BYE is out.
    Ending(Box<Out>),
    /// Nothing more is to be done.
    Over,
}

/// Our INVITE.
#[derive(Debug)]
pub(super) struct Calling {
    pub(super) out: Out,
    /// Where it went, for the next try.
    pub(super) toward: Toward,
    /// The user hung up: the CANCEL is out, or waits for the first provisional response.
    pub(super) given_up: bool,
    /// It was taken (100 Trying), and that was told.
    pub(super) trying: bool,
    /// It was refused with another address, and the core is asked about that.
    pub(super) asking: Option<(Response, Uri)>,
}

/// A request of ours that waits for its answer.
#[derive(Debug)]
pub(super) struct Out {
    pub(super) id: TransactionId,
    /// As sent, credentials and all.
    pub(super) request: Request,
    pub(super) tries: u32,
}

/// An INVITE of ours that was answered with a 2xx, which may come again.
#[derive(Debug)]
pub(super) struct Acknowledged {
    /// Its CSeq number.
    pub(super) number: u32,
    /// Where it went.
    pub(super) uri: Uri,
    /// Authorization and Proxy-Authorization, as it had them.
    pub(super) credentials: Vec<Header>,
}

/// Their INVITE.
#[derive(Debug)]
pub(super) struct Ringing {
    pub(super) id: TransactionId,
    pub(super) request: Request,
    /// When 180 is said again, so that nobody on the way loses patience (section 13.3.1.1).
    pub(super) remind: Option<Instant>,
    /// When their INVITE expires (section 13.3.1).
    pub(super) expires: Option<Instant>,
}

/// A 2xx of ours to an INVITE whose ACK is owed (section 13.3.1.4).
#[derive(Debug)]
pub(super) struct Unacked {
    pub(super) id: TransactionId,
    pub(super) response: Response,
    pub(super) number: u32,
    pub(super) interval: Duration,
    pub(super) resend: Instant,
    pub(super) give_up: Instant,
    /// It carries our offer, so the ACK carries their answer.
    pub(super) offered: bool,
    /// It answers the INVITE that began the call, not one that changed it.
    pub(super) initial: bool,
}

/// Our acknowledgement of a provisional response (RFC 3262).
#[derive(Debug)]
pub(super) struct Prack {
    /// The number of the response.
    pub(super) number: u32,
    pub(super) out: Out,
}

/// A provisional response of ours that is repeated until it is acknowledged (RFC 3262 section 3).
#[derive(Debug)]
pub(super) struct Reliable {
    pub(super) id: TransactionId,
    pub(super) response: Response,
    /// RSeq.
    pub(super) number: u32,
    /// The sequence number of their INVITE.
    pub(super) invite: u32,
    pub(super) interval: Duration,
    pub(super) resend: Instant,
    pub(super) give_up: Instant,
    pub(super) acknowledged: bool,
}

/// Our offer in a reliable 180, to an INVITE without one (RFC 3262 section 5).
#[derive(Debug, Default)]
pub(super) struct RingOffer {
    /// It, until it goes out.
    pub(super) offer: Option<Sdp>,
    /// The number of the response that carries it.
    pub(super) number: Option<u32>,
    /// What came with the PRACK.
    pub(super) answer: Option<Sdp>,
    /// The user took the call before the PRACK came.
    pub(super) accepted: Option<Sdp>,
}

/// A change of the session that we want.
#[derive(Debug, Default)]
pub(super) enum Change {
    /// None.
    #[default]
    None,
    /// Our re-INVITE is out.
    Out(Box<Out>),
    /// It met one of theirs (491) and comes again (section 14.1).
    Again { offer: Sdp, at: Instant },
}

/// Another branch of our INVITE that was answered too.
#[derive(Debug)]
pub(super) struct Fork {
    pub(super) dialog: Dialog,
    pub(super) bye: Out,
}

/// A request sent within the dialog on behalf of somebody above the call.
#[derive(Debug)]
pub(super) struct Errand {
    /// Its name, given by who asked.
    pub(super) number: u64,
    pub(super) out: Out,
}

/// What became of an errand: the final response, or why there is none.
pub(crate) type Outcome = (u64, Result<Response, CallEnd>);

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) id: CallId,
    pub(super) auth: DigestClient,
    /// Whose word counts about who the other side is.
    pub(super) belief: Belief,
    /// Who the other side is, as last told.
    pub(super) party: Option<Party>,
    /// The network has said who it is (P-Asserted-Identity, Remote-Party-ID).
    pub(super) asserted: bool,
    /// Where we are reached within the dialog.
    pub(super) contact: Option<SipUri>,
    /// The road the call came over or left by.
    pub(super) flow: Option<Flow>,
    /// The dialog, once there is one for good: with their INVITE, or with the 2xx to ours.
    pub(super) dialog: Option<Dialog>,
    /// The early dialogs of a call of ours, the one that is heard last; after the answer those of other branches, for
    /// as long as answers may come.
    pub(super) early: Vec<Leg>,
    /// Acknowledgements of provisional responses that are out.
    pub(super) pracks: Vec<Prack>,
    /// Our last reliable provisional response.
    pub(super) reliable: Option<Reliable>,
    /// What it rings with, where they made no offer.
    pub(super) ring_offer: RingOffer,
    pub(super) manners: Manners,
    /// How long the session lasts without a sign of life.
    pub(super) timer: Timer,
    /// The last INVITEs of ours that were answered.
    pub(super) invites: Vec<Acknowledged>,
    /// Our number is not shown to the other side, nor to who takes its place.
    pub(super) hidden: bool,
    /// Where a redirected call may still go.
    pub(super) targets: Targets,
    /// Our UPDATE that refreshes it.
    pub(super) refresh: Option<Out>,
    /// Their Allow names UPDATE.
    pub(super) takes_update: bool,
    pub(super) stage: Stage,
    pub(super) unacked: Option<Unacked>,
    pub(super) change: Change,
    /// The next change of ours, while another one of either side is under way. The newest wins.
    pub(super) next_change: Option<Sdp>,
    /// How often the change under way met one of theirs.
    pub(super) glares: u32,
    /// Their re-INVITE that waits for our answer, and until when.
    pub(super) theirs: Option<(TransactionId, Request, Instant)>,
    pub(super) forks: Vec<Fork>,
    /// Requests sent on behalf of others.
    pub(super) errands: Vec<Errand>,
    /// What became of them, until it is fetched.
    pub(super) outcomes: Vec<Outcome>,
    /// Our INVITE's transaction, while further answers may come.
    pub(super) listening: Option<TransactionId>,
    /// BYE as soon as it is allowed: we hung up before their ACK came (section 15).
    pub(super) bye_after_ack: bool,
    /// The end was told.
    pub(super) ended: bool,
    /// When the end is told although the other side has not said a word to it.
    pub(super) patience: Option<Instant>,
    /// We called, so the Call-ID is ours (which decides who waits longer after a glare).
    pub(super) ours: bool,
}

impl Call {
    pub(super) fn new(
        id: CallId,
        (auth, belief, manners): (DigestClient, Belief, Manners),
        stage: Stage,
        ours: bool,
    ) -> Self {
        Self {
            id,
            auth,
            belief,
            party: None,
            asserted: false,
            contact: None,
            flow: None,
            dialog: None,
            early: Vec::new(),
            pracks: Vec::new(),
            reliable: None,
            ring_offer: RingOffer::default(),
            timer: Timer::new(manners.timer),
            manners,
            invites: Vec::new(),
            hidden: false,
            targets: Targets::default(),
            refresh: None,
            takes_update: false,
            stage,
            unacked: None,
            change: Change::None,
            next_change: None,
            glares: 0,
            theirs: None,
            forks: Vec::new(),
            errands: Vec::new(),
            outcomes: Vec::new(),
            listening: None,
            bye_after_ack: false,
            ended: false,
            patience: None,
            ours,
        }
    }

    /// The names of its dialogs.
    pub(crate) fn dialog_ids(&self) -> Vec<DialogId> {
        self.dialog.iter().chain(self.early.iter().map(|leg| &leg.dialog)).map(Dialog::id).collect()
    }

    /// Whether it can be forgotten: told as ended, and nothing that may still arrive needs it.
    pub(crate) fn is_over(&self) -> bool {
        self.ended && matches!(self.stage, Stage::Over) && self.listening.is_none() && self.forks.is_empty()
    }

    /// When [`Call::timeout`] wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let ringing = match &self.stage {
            Stage::Ringing(ringing) => {
                let unheard = self.reliable.as_ref().filter(|reliable| !reliable.acknowledged);
                [ringing.remind, ringing.expires, unheard.map(|it| it.resend.min(it.give_up))]
            }
            _ => [None, None, None],
        };
        let unacked = self.unacked.as_ref().map(|unacked| unacked.resend.min(unacked.give_up));
        let again = match &self.change {
            Change::Again { at, .. } => Some(*at),
            Change::None | Change::Out(_) => None,
        };
        let theirs = self.theirs.as_ref().map(|(_, _, until)| *until);
        let timer = self.timer.due().filter(|_| matches!(self.stage, Stage::Up));
        ringing.into_iter().chain([unacked, again, theirs, timer, self.patience]).flatten().min()
    }

    /// Does what is due.
    pub(crate) fn timeout(&mut self, wire: &mut Wire) {
        if self.patience.take_if(|at| *at <= wire.now).is_some() {
            self.end(wire, CallEnd::LocalHangup);
        }
        self.ringing_due(wire);
        self.reliable_due(wire);
        self.unacked_due(wire);
        self.change_due(wire);
        self.timer_due(wire);
    }

    /// Checks the order of a request of theirs in the dialog (section 12.2.2).
    pub(crate) fn in_order(&mut self, remote_tag: &Text, number: u32) -> bool {
        self.dialog_with(remote_tag).is_some_and(|dialog| dialog.in_order(number))
    }

    /// The dialog with that tag of theirs, early or not.
    pub(super) fn dialog_with(&mut self, tag: &Text) -> Option<&mut Dialog> {
        let early = self.early.iter_mut().map(|leg| &mut leg.dialog);
        self.dialog.iter_mut().chain(early).find(|dialog| dialog.is_with(tag))
    }

    /// The dialog to ask something in: the confirmed one, or else the early one that is heard.
    pub(super) fn foremost(&mut self) -> Option<&mut Dialog> {
        self.dialog.as_mut().or(self.early.last_mut().map(|leg| &mut leg.dialog))
    }

    /// Follows a Contact of theirs, in the dialog with that tag of theirs.
    pub(super) fn retarget(&mut self, tag: &Text, headers: &Headers) {
        if let Some(dialog) = self.dialog_with(tag) {
            dialog.retarget(headers);
        }
    }

    /// What their Allow says.
    pub(super) fn learn(&mut self, headers: &Headers) {
        if headers.has(name::ALLOW) {
            self.takes_update = headers.words(name::ALLOW).iter().any(|word| *word == "UPDATE");
        }
    }

    /// Whether nothing of it is left but what may still arrive.
    pub(crate) fn is_quiet(&self) -> bool {
        self.ended && matches!(self.stage, Stage::Over)
    }

    /// Tells the end, once.
    pub(super) fn end(&mut self, wire: &mut Wire, end: CallEnd) {
        self.patience = None;
        if !std::mem::replace(&mut self.ended, true) {
            wire.tell(SipEvent::Ended { call: self.id, end });
        }
    }

    /// Ends what is still under way and tells the end.
    pub(super) fn finish(&mut self, wire: &mut Wire, end: CallEnd) {
        self.drop_theirs(wire, 487);
        self.stage = Stage::Over;
        self.unacked = None;
        if let Change::Out(out) = std::mem::take(&mut self.change) {
            // Its answer may be lost for good: whoever owes it stops repeating it when the dialog ends.
            wire.forsake(out.id);
        }
        if let Some(out) = self.refresh.take() {
            wire.forsake(out.id);
        }
        self.next_change = None;
        self.drop_errands(wire, &end);
        self.end(wire, end);
    }

    /// Tells an event of a call that has not ended.
    pub(super) fn tell(&self, wire: &mut Wire, event: SipEvent) {
        if !self.ended {
            wire.tell(event);
        }
    }

    /// Sends a request within the dialog, with credentials. `None` when there is no way to the other side.
    pub(super) fn send_inside(&mut self, wire: &mut Wire, mut request: Request, tries: u32) -> Option<Out> {
        let tag = to_tag(&request.headers);
        let flow = self.flow;
        let toward = way(self.dialog_with(&tag)?, flow)?;
        self.authorize(wire, &mut request, &toward);
        let id = wire.send(Owner::Call(self.id), request.clone(), toward);
        Some(Out { id, request, tries })
    }

    /// A response within the call: our Contact and what we can do.
    pub(super) fn reply(&self, request: &Request, status: u16) -> Response {
        let mut response = Response::to(request, status, self.local_tag().as_deref());
        if let Some(contact) = &self.contact {
            response.headers.push(name::CONTACT, NameAddr::new(contact.clone()).to_value());
        }
        response
    }

    /// An answer to a request in the dialog that needs nothing but a status.
    pub(super) fn answer(&self, wire: &mut Wire, id: TransactionId, request: &Request, status: u16) {
        wire.respond(id, Response::to(request, status, self.local_tag().as_deref()));
    }

    /// Refuses their re-INVITE, if one waits.
    pub(super) fn drop_theirs(&mut self, wire: &mut Wire, status: u16) {
        if let Some((id, request, _)) = self.theirs.take() {
            self.answer(wire, id, &request, status);
        }
    }

    /// A request for the same thing again, after a challenge: the next CSeq and new credentials.
    pub(super) fn again(&mut self, wire: &mut Wire, out: &Out, response: &Response) -> Option<Out> {
        if out.tries >= MOST_TRIES || !self.challenged(&out.request, response) {
            return None;
        }
        let request = self.dialog_with(&to_tag(&out.request.headers))?.repeat(&out.request);
        self.send_inside(wire, request, out.tries + 1)
    }

    /// Whether a challenge within the call can be answered, and is one of the account's own machines'.
    pub(super) fn challenged(&mut self, sent: &Request, response: &Response) -> bool {
        let flow = self.flow;
        let dialog = self.dialog_with(&to_tag(&sent.headers));
        let Some(toward) = dialog.and_then(|dialog| way(dialog, flow)) else { return false };
        self.credible(&toward) && self.auth.challenged(sent, response).is_ok()
    }

    /// Adds the credentials that are known, on the way to the account's own machines.
    pub(super) fn authorize(&mut self, wire: &mut Wire, request: &mut Request, toward: &Toward) {
        if self.credible(toward) {
            let cnonce = wire.rng.token(8);
            self.auth.authorize(request, &cnonce);
        }
    }

    /// Whether that is the way to the account's own machines. The other side of a dialog may be anywhere, and who calls
    /// somebody gives them no means to try passwords.
    pub(super) fn credible(&self, toward: &Toward) -> bool {
        match toward {
            Toward::Flow(_) => true,
            Toward::Hop(hop, _) => {
                let peer = self.flow.map(|flow| flow.peer.ip());
                self.auth.is_for(&hop.host) || (peer.is_some() && hop.host.parse().ok() == peer)
            }
        }
    }

    /// Our tag in its dialog, once there is one.
    pub(crate) fn local_tag(&self) -> Option<String> {
        self.dialog.as_ref().map(|dialog| dialog.id().local_tag.to_text().into_owned())
    }
}

/// Their tag in a request of theirs; empty for a peer of RFC 2543.
pub(super) fn from_tag(headers: &Headers) -> Text {
    headers.from().ok().and_then(|from| from.tag().cloned()).unwrap_or_default()
}

/// Their tag in a request of ours and in its responses.
pub(super) fn to_tag(headers: &Headers) -> Text {
    headers.to().ok().and_then(|to| to.tag().cloned()).unwrap_or_default()
}

/// The way to a dialog's other side.
pub(super) fn way(dialog: &Dialog, flow: Option<Flow>) -> Option<Toward> {
    match (dialog.hop(), flow) {
        (Some(hop), flow) => Some(Toward::Hop(hop, flow)),
        (None, Some(flow)) => Some(Toward::Flow(flow)),
        (None, None) => None,
    }
}

/// Our header fields in every INVITE and its 2xx.
pub(super) fn describe(request: &mut Request, wire: &Wire, contact: Option<&SipUri>) {
    if let Some(contact) = contact {
        request.headers.set(name::CONTACT, NameAddr::new(contact.clone()).to_value());
    }
    request.headers.set(name::ALLOW, wire.config.abilities.allow());
    if !wire.config.abilities.extensions.is_empty() {
        request.headers.set(name::SUPPORTED, wire.config.abilities.extensions.join(", "));
    }
}

/// The session description a message carries.
pub(super) fn sdp(body: Option<bytes::Bytes>) -> Option<Sdp> {
    body.map(|body| Sdp(body.to_vec()))
}

/// Whether a response is to this method.
pub(super) fn is_about(response: &Response, method: &Method) -> bool {
    response.headers.cseq().is_ok_and(|cseq| cseq.method == *method)
}
