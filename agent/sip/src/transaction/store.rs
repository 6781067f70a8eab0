//! All transactions of one endpoint: their keys, their deadlines, and the cap on how many there are.

use crate::{
    deadlines::{Deadlines, give_back},
    flow::{Flow, Transmit, Transport},
    message::{FieldError, Header, Method, Rejection, Request, Response, Text, Via, check_response, name},
    rng::Rng,
    transaction::{
        client::Client,
        event::{Sink, TimerBase, TransactionEvent, TransactionId},
        matching::{MergeKey, ServerKey, client_key},
        server::Server,
    },
};
use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    time::Instant,
};

/// How many transactions may live at once. A flood beyond it is answered 503 without keeping anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests of others. Each lives 64*T1 after its answer, so 200 calls a second need 13,000.
    pub servers: usize,
    /// Requests of ours.
    pub clients: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { servers: 32_768, clients: 8_192 }
    }
}

/// Seconds after which those turned away may come again.
const COME_AGAIN: &str = "10";

/// Bytes of a request that its answers repeat, and that are kept with them: sixty-four hops fit.
const MOST_REPEATED: usize = 8 * 1024;

/// All client and server transactions.
#[derive(Debug)]
pub struct Transactions {
    base: TimerBase,
    limits: Limits,
    clients: BTreeMap<TransactionId, Client>,
    servers: BTreeMap<TransactionId, Server>,
    client_keys: HashMap<(Text, Text), TransactionId>,
    server_keys: HashMap<ServerKey, TransactionId>,
    merge_keys: HashMap<MergeKey, TransactionId>,
    deadlines: Deadlines<TransactionId>,
    next: u64,
    sink: Sink,
}

impl Transactions {
    /// None yet.
    pub fn new(base: TimerBase, limits: Limits) -> Self {
        Self {
            base,
            limits,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            client_keys: HashMap::new(),
            server_keys: HashMap::new(),
            merge_keys: HashMap::new(),
            deadlines: Deadlines::default(),
            next: 1,
            sink: Sink::default(),
        }
    }

    /// The durations all timers are made of.
    pub fn base(&self) -> &TimerBase {
        &self.base
    }

    /// How many there are: client and server transactions.
    pub fn len(&self) -> (usize, usize) {
        (self.clients.len(), self.servers.len())
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.servers.is_empty()
    }

    /// Bytes to be sent, in order.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.sink.transmits.pop_front()
    }

    /// What is to be told, in order.
    pub fn poll_event(&mut self) -> Option<TransactionEvent> {
        self.sink.events.pop_front()
    }

    /// When [`Transactions::timeout`] wants to be called.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Reserves the name of a request that is to be sent later.
    pub fn reserve(&mut self) -> TransactionId {
        self.next += 1;
        TransactionId(self.next)
    }

    /// Sends a request over `flow`; its Via is added here. What becomes of it is told under `id` (see
    /// [`Transactions::reserve`]).
    pub fn send(
        &mut self,
        now: Instant,
        id: TransactionId,
        (mut request, flow): (Request, Flow),
        rng: &mut dyn Rng,
    ) {
        if self.clients.len() >= self.limits.clients {
            return self.fail_unsent(id, "too many requests are under way");
        }
        let branch = add_via(&mut request, &flow, rng);
        self.start(now, id, (request, flow), &branch);
    }

    /// Tells that a request whose name was reserved could not be sent at all.
    pub fn fail_unsent(&mut self, id: TransactionId, detail: &str) {
        self.sink.events.push_back(TransactionEvent::Failed { id, detail: detail.to_owned() });
        self.sink.events.push_back(TransactionEvent::Gone { id });
    }

    /// Sends a request that has no transaction: the ACK to a 2xx (RFC 3261 section 13.2.2.4).
    pub fn send_ack(&mut self, mut request: Request, flow: Flow, rng: &mut dyn Rng) {
        add_via(&mut request, &flow, rng);
        self.sink.transmit(flow, &request.to_bytes().into());
    }

    /// Sends bytes that are no message: a keep-alive.
    pub fn send_bytes(&mut self, flow: Flow, bytes: &[u8]) {
        self.sink.transmit(flow, &bytes::Bytes::copy_from_slice(bytes));
    }

    /// Gives an INVITE of ours up: CANCEL goes out as soon as RFC 3261 section 9.1 allows, with `headers` (Reason).
    /// Nothing happens when it was answered already.
    pub fn cancel(&mut self, now: Instant, id: TransactionId, headers: Vec<Header>) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.want_cancel(headers);
            self.settle_client(now, id);
        }
    }

    /// Nobody waits for the answer to this request of ours any more: it is forgotten after 64*T1 at the latest.
    pub fn forsake(&mut self, now: Instant, id: TransactionId) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.forsake((now, &self.base));
            self.settle_client(now, id);
        }
    }

    /// Answers a request. Ignored when its transaction is gone or was answered.
    pub fn respond(&mut self, now: Instant, id: TransactionId, response: &Response) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.respond(response, (now, &self.base), &mut self.sink);
            self.settle_server(id);
        }
    }

    /// Whether this server transaction still owes its final response.
    pub fn is_open(&self, id: TransactionId) -> bool {
        self.servers.get(&id).is_some_and(Server::is_open)
    }

    /// Whether a request would begin a transaction that has nothing to do with those there are: it is no request that
    /// comes again, and no CANCEL of one.
    pub fn is_new(&self, request: &Request) -> bool {
        let Ok(via) = request.headers.via() else { return true };
        let known = |key: Result<ServerKey, _>| key.is_ok_and(|key| self.server_keys.contains_key(&key));
        let cancels = request.method == Method::Cancel && known(ServerKey::cancelled(request, &via));
        !cancels && !known(ServerKey::of(request, &via))
    }

    /// A request came in. What can have no transaction is handed back, with the reason.
    #[must_use]
    pub fn received_request(
        &mut self,
        now: Instant,
        request: Request,
        flow: Flow,
    ) -> Option<(Request, FieldError)> {
        let found = request.headers.via().and_then(|via| Ok((ServerKey::of(&request, &via)?, via)));
        let (key, via) = match found {
            Ok(found) => found,
            Err(wrong) => return Some((request, wrong)),
        };
        if let Some(&id) = self.server_keys.get(&key) {
            self.again(now, id, request, flow);
        } else if request.method == Method::Ack {
            self.sink.events.push_back(TransactionEvent::Ack { request, flow });
        } else if let Some(field) = repeats_too_much(&request) {
            return Some((request, FieldError { field, what: "an answer would repeat too much" }));
        } else {
            self.begin_server(now, request, flow, (key, &via));
        }
        None
    }

    /// The server transaction of a request that begins one.
    fn begin_server(
        &mut self,
        now: Instant,
        mut request: Request,
        flow: Flow,
        (key, via): (ServerKey, &Via),
    ) {
        request.headers.note_source(flow.peer);
        let reply = reply_way(&request, flow);
        if self.servers.len() >= self.limits.servers {
            let mut response = Response::to(&request, 503, None);
            response.headers.push(name::RETRY_AFTER, COME_AGAIN);
            let bytes = response.to_bytes().into();
            self.sink.transmits.push_back(Transmit { flow: reply.0, otherwise: reply.1, bytes });
            return;
        }
        let merge = MergeKey::of(&request).ok().flatten();
        let merged = merge.as_ref().is_some_and(|merge| self.merge_keys.contains_key(merge));
        let cancels = (request.method == Method::Cancel)
            .then(|| ServerKey::cancelled(&request, via).ok())
            .flatten()
            .and_then(|key| self.server_keys.get(&key).copied());
        let invite = cancels.and_then(|invite| self.servers.get(&invite));
        if invite.is_some_and(|invite| !invite.comes_back_over(&reply.0)) {
            // Who overheard or guessed the branch of somebody's INVITE neither ends the call with it from elsewhere nor takes
            // the place of the CANCEL that would.
            tracing::debug!(from = %flow.peer, "a CANCEL from elsewhere than its INVITE is passed over");
            return;
        }
        let id = self.reserve();
        self.server_keys.insert(key.clone(), id);
        let merge = merge.filter(|_| !merged);
        if let Some(merge) = &merge {
            self.merge_keys.insert(merge.clone(), id);
        }
        let is_invite = request.method == Method::Invite;
        self.servers.insert(id, Server::new(id, (key, merge), is_invite, reply, (now, &self.base)));
        self.sink.events.push_back(TransactionEvent::Request { id, request, flow, cancels, merged });
    }

    /// A request came in that cannot be read far enough to have a transaction; it is answered and forgotten.
    pub fn answer_unread(&mut self, request: &Request, rejection: &Rejection, (flow, tag): (Flow, &str)) {
        let mut request = request.clone();
        request.headers.note_source(flow.peer);
        let (flow, otherwise) = reply_way(&request, flow);
        let bytes = rejection.response(&request, Some(tag)).to_bytes().into();
        self.sink.transmits.push_back(Transmit { flow, otherwise, bytes });
    }

    /// A response came in; one that matches no request of ours is dropped (RFC 3261 section 18.1.2).
    pub fn received_response(&mut self, now: Instant, response: Response) {
        if check_response(&response).is_err() {
            return;
        }
        let (Ok(via), Ok(cseq)) = (response.headers.via(), response.headers.cseq()) else { return };
        let Some(branch) = via.transaction_branch() else { return };
        let Some(&id) = self.client_keys.get(&client_key(branch, &cseq.method)) else { return };
        if let Some(client) = self.clients.get_mut(&id) {
            client.response(response, (now, &self.base), &mut self.sink);
            self.settle_client(now, id);
        }
    }

    /// The road of `flow` broke.
    pub fn connection_lost(&mut self, now: Instant, flow: &Flow, detail: &str) {
        self.fail_where(now, detail, |of| of.same_road(flow));
    }

    /// The network says that nothing reaches `peer` over UDP (ICMP, or no route).
    pub fn peer_refused(&mut self, now: Instant, peer: SocketAddr, detail: &str) {
        self.fail_where(now, detail, |of| of.transport == Transport::Udp && of.peer == peer);
    }

    /// Does everything that is due.
    pub fn timeout(&mut self, now: Instant) {
        while let Some(id) = self.deadlines.take_due(now) {
            if let Some(client) = self.clients.get_mut(&id) {
                client.timeout((now, &self.base), &mut self.sink);
                self.settle_client(now, id);
            } else if let Some(server) = self.servers.get_mut(&id) {
                server.timeout((now, &self.base), &mut self.sink);
                self.settle_server(id);
            }
        }
    }

    fn fail_where(&mut self, now: Instant, detail: &str, on: impl Fn(&Flow) -> bool) {
        let clients: Vec<_> = self.clients.iter().filter(|(_, c)| on(&c.flow())).map(|(id, _)| *id).collect();
        for id in clients {
            if let Some(client) = self.clients.get_mut(&id) {
                client.fail(detail, &mut self.sink);
                self.settle_client(now, id);
            }
        }
        let servers: Vec<_> = self.servers.iter().filter(|(_, s)| on(&s.flow())).map(|(id, _)| *id).collect();
        for id in servers {
            if let Some(server) = self.servers.get_mut(&id) {
                server.fail(detail, &mut self.sink);
                self.settle_server(id);
            }
        }
    }

    /// A request that belongs to a transaction we have: a retransmission, or the ACK.
    fn again(&mut self, now: Instant, id: TransactionId, request: Request, flow: Flow) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        if request.method == Method::Ack {
            if !server.ack((now, &self.base)) {
                self.sink.events.push_back(TransactionEvent::Ack { request, flow });
            }
        } else {
            server.again(&mut self.sink);
        }
        self.settle_server(id);
    }

    fn start(&mut self, now: Instant, id: TransactionId, (request, flow): (Request, Flow), branch: &Text) {
        self.client_keys.insert(client_key(branch, &request.method), id);
        let client = Client::start(id, request, flow, (now, &self.base), &mut self.sink);
        self.deadlines.set(id, client.deadline());
        self.clients.insert(id, client);
    }

    /// After anything that happened to a client: its CANCEL, its deadline, its end.
    fn settle_client(&mut self, now: Instant, id: TransactionId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let cancel = client.take_cancel((now, &self.base)).map(|cancel| (cancel, client.flow()));
        self.deadlines.set(id, client.deadline().filter(|_| !client.is_over()));
        if client.is_over()
            && let Some(client) = self.clients.remove(&id)
        {
            if let Some(branch) = client.request().headers.via().ok().and_then(|via| via.branch().cloned()) {
                self.client_keys.remove(&client_key(&branch, &client.request().method));
                give_back(&mut self.client_keys);
            }
            self.sink.events.push_back(TransactionEvent::Gone { id });
        }
        if let Some((cancel, flow)) = cancel
            && let Ok(Some(branch)) = cancel.headers.via().map(|via| via.branch().cloned())
        {
            let id = self.reserve();
            self.start(now, id, (cancel, flow), &branch);
        }
    }

    fn settle_server(&mut self, id: TransactionId) {
        let Some(server) = self.servers.get(&id) else { return };
        self.deadlines.set(id, server.deadline().filter(|_| !server.is_over()));
        if server.is_over()
            && let Some(server) = self.servers.remove(&id)
        {
            self.server_keys.remove(&server.key);
            if let Some(merge) = &server.merge {
                self.merge_keys.remove(merge);
                give_back(&mut self.merge_keys);
            }
            give_back(&mut self.server_keys);
            self.sink.events.push_back(TransactionEvent::Gone { id });
        }
    }
}

/// Puts our Via on top, with a branch nobody can guess (RFC 3261 section 8.1.1.7), and gives the branch.
fn add_via(request: &mut Request, flow: &Flow, rng: &mut dyn Rng) -> Text {
    let branch = Text::from(format!("z9hG4bK{}", rng.token(12)));
    let (host, port) = flow.sent_by();
    let mut via = Via::new(flow.transport.via_name(), host, port, branch.clone());
    if request.method == Method::Register {
        // Keep-alives are offered to the next machine (RFC 6223 section 4.2.2).
        via.params.set("keep", None);
    }
    request.headers.push_front(name::VIA, via.to_value());
    branch
}

/// Which field is to blame when more of a request stands in its answers (RFC 3261 section 8.2.6.2) than is borne: the longest.
fn repeats_too_much(request: &Request) -> Option<&'static str> {
    let names = [name::VIA, name::FROM, name::TO, name::CALL_ID, name::CSEQ];
    let length = |name: &'static str| request.headers.all(name).map(|value| value.len()).sum::<usize>();
    let all: usize = names.into_iter().map(length).sum();
    (all > MOST_REPEATED).then(|| names.into_iter().max_by_key(|name| length(name))).flatten()
}

/// Where answers go (RFC 3261 section 18.2.2, RFC 3581 section 4). The source is noted in the Via already. A host name
/// or a `maddr` there is not followed: answers go back to where the request came from, never to a third machine.
fn reply_way(request: &Request, flow: Flow) -> (Flow, Option<SocketAddr>) {
    let Ok(via) = request.headers.via() else { return (flow, None) };
    let written = SocketAddr::new(flow.peer.ip(), via.port.unwrap_or(flow.transport.default_port()));
    if flow.transport.reliable() {
        return (flow, Some(written));
    }
    let peer = if via.params.has("rport") { flow.peer } else { written };
    (Flow { peer, ..flow }, None)
}
