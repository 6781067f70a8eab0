//! Starting SIP, and the handle through which the rest of the program speaks to it.

use crate::{
    config::{Callers, Config},
    endpoint::{Endpoint, Input, Output, Placement},
    flow::Flow,
    message::{Request, Response},
    rng::OsRng,
    transaction::TransactionId,
    transport::Driver,
};
use agent_core::{
    id::{AccountId, CallId},
    port::sip::{SipCommand, SipEvent},
    vigil::Vigil,
};
use agent_net::Net;
use std::{net::SocketAddr, sync::Arc, time::Instant};
use tokio::sync::{mpsc, watch};

/// Commands waiting for the loop. It runs on the thread that sends them, so that only a loop that hangs fills it.
const MOST_WAITING: usize = 16_384;

/// What can be set from outside.
#[derive(Debug, Clone, Default)]
pub struct SipConfig {
    /// Where to listen, for UDP and TCP. `None`: on every address, on a port the system chooses, which is right for a
    /// phone behind a registrar. A fixed port is for who is called straight (`sip:1001@desk:5060`).
    pub bind: Option<SocketAddr>,
    /// Who may call past the registrar.
    pub callers: Callers,
    /// Timers, caps and the rest.
    pub endpoint: Config,
}

/// Who is told.
pub type Tell<T> = Arc<dyn Fn(T) + Send + Sync>;

/// What a whole endpoint tells its owner (see [`serve`]).
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A fact about a call or a registration.
    Event(SipEvent),
    /// A request outside of dialogs, to be answered with [`SipHandle::respond`] or let in with [`SipHandle::admit`].
    Outside {
        /// Its name.
        id: TransactionId,
        /// The request.
        request: Request,
        /// Whence it came.
        flow: Flow,
    },
}

/// What the handle asks of the loop.
enum Order {
    Command(Box<SipCommand>),
    Respond(TransactionId, Box<Response>),
    Admit(TransactionId, AccountId),
    Place(Box<Placement>),
}

/// Speaks to the loop; cheap to clone. The loop ends, without a word to anybody, when the last handle is dropped: send
/// [`SipCommand::Shutdown`] first.
#[derive(Clone)]
pub struct SipHandle {
    orders: mpsc::Sender<Order>,
    listening: watch::Receiver<Option<Result<SocketAddr, String>>>,
}

/// Starts SIP on the current tokio runtime, for an agent that is not watched.
pub fn start(config: SipConfig, net: Net, tell: Tell<SipEvent>) -> SipHandle {
    start_watched(config, net, tell, Vigil::unwatched())
}

/// Starts SIP on the current tokio runtime, for the agent. `vigil` tells when the loop ends by a fault: then every call
/// and every registration is gone, and orders are lost until SIP is started anew.
pub fn start_watched(config: SipConfig, net: Net, tell: Tell<SipEvent>, vigil: Vigil) -> SipHandle {
    let events = Arc::new(move |told| {
        if let Told::Event(event) = told {
            tell(event);
        }
    });
    begin(config, net, events, vigil)
}

/// Starts an endpoint on the current tokio runtime and tells everything it says, for who answers requests itself.
pub fn serve(config: SipConfig, net: Net, tell: Tell<Told>) -> SipHandle {
    begin(config, net, tell, Vigil::unwatched())
}

fn begin(config: SipConfig, net: Net, tell: Tell<Told>, vigil: Vigil) -> SipHandle {
    let (orders, queue) = mpsc::channel(MOST_WAITING);
    let (announce, listening) = watch::channel(None);
    tokio::spawn(async move {
        run(config, net, (tell, announce), queue).await;
        vigil.over();
    });
    SipHandle { orders, listening }
}

impl SipHandle {
    /// Asks for something. Never waits; in order.
    pub fn send(&self, command: SipCommand) {
        self.order(Order::Command(Box::new(command)));
    }

    /// Answers a request told as [`Told::Outside`].
    pub fn respond(&self, id: TransactionId, response: Response) {
        self.order(Order::Respond(id, Box::new(response)));
    }

    /// Lets an INVITE told as [`Told::Outside`] in; it is told as `Incoming` for `account`.
    pub fn admit(&self, id: TransactionId, account: AccountId) {
        self.order(Order::Admit(id, account));
    }

    /// Makes a call that belongs to no account.
    pub fn place(&self, placement: Placement) {
        self.order(Order::Place(Box::new(placement)));
    }

    /// Waits until the sockets are open and gives the address listened on (its IP may be the wildcard), or the sentence
    /// that says why they cannot be.
    pub async fn listening(&self) -> Result<SocketAddr, String> {
        let mut listening = self.listening.clone();
        match listening.wait_for(Option::is_some).await {
            Ok(result) => result.clone().unwrap_or_else(|| Err(ENDED.to_owned())),
            Err(_) => Err(ENDED.to_owned()),
        }
    }

    fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            tracing::error!("SIP does not take commands any more; one was lost");
        }
    }
}

const ENDED: &str = "SIP has ended";

async fn run(
    mut config: SipConfig,
    net: Net,
    (tell, announce): (Tell<Told>, watch::Sender<Option<Result<SocketAddr, String>>>),
    mut orders: mpsc::Receiver<Order>,
) {
    config.endpoint.callers = config.callers;
    let endpoint = Endpoint::new(Instant::now(), config.endpoint, Box::new(OsRng::default()));
    let mut driver = match Driver::open(net, endpoint, config.bind).await {
        Ok(driver) => driver,
        Err(error) => {
            tracing::error!(%error, "SIP cannot listen");
            announce.send_replace(Some(Err(error.to_string())));
            return without_sockets(&tell, &error.to_string(), &mut orders).await;
        }
    };
    announce.send_replace(Some(Ok(driver.listening())));
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(order) => carry_out(&mut driver, order),
                None => return,
            },
            () = driver.step() => {}
        }
        while let Some(output) = driver.take_told() {
            match output {
                Output::Event(event) => tell(Told::Event(event)),
                Output::Outside { id, request, flow } => tell(Told::Outside { id, request, flow }),
                Output::Transmit(_) | Output::Reach { .. } | Output::Open { .. } | Output::Close(_) => {}
            }
        }
    }
}

fn carry_out(driver: &mut Driver, order: Order) {
    driver.with_endpoint(|endpoint, now| match order {
        Order::Command(command) => endpoint.handle(now, Input::Command(*command)),
        Order::Respond(id, response) => endpoint.respond(now, id, *response),
        Order::Admit(id, account) => {
            endpoint.admit(now, id, account);
        }
        Order::Place(placement) => endpoint.place(now, *placement),
    });
}

/// Without sockets nothing can be done, and whoever asks is told so.
async fn without_sockets(tell: &Tell<Told>, why: &str, orders: &mut mpsc::Receiver<Order>) {
    use agent_core::port::sip::{CallEnd, Loss, Registration, RegistrationProblem};
    let lost = |call: CallId| {
        let end = CallEnd::Lost { why: Loss::Network, detail: why.to_owned() };
        SipEvent::Ended { call, end }
    };
    while let Some(order) = orders.recv().await {
        let command = match order {
            Order::Command(command) => *command,
            Order::Place(placement) => {
                tell(Told::Event(lost(placement.call)));
                continue;
            }
            _ => continue,
        };
        let event = match command {
            SipCommand::Register { account, .. } => {
                let reason = RegistrationProblem::Unreachable { detail: why.to_owned() };
                SipEvent::Registration { account, state: Registration::Failed { reason, retry_ms: None } }
            }
            SipCommand::Unregister { account } => {
                SipEvent::Registration { account, state: Registration::Unregistered }
            }
            SipCommand::Invite { call, .. } => lost(call),
            SipCommand::Shutdown { .. } => SipEvent::Down,
            _ => continue,
        };
        tell(Told::Event(event));
    }
}
