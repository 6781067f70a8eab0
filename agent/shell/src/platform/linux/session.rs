//! One conversation with the session bus: the tray's host asks, the notification service is told, both come and go.

use super::{
    toasts::{self, Painter, Server},
    tray::{self, Tray},
};
use crate::{
    ShellConfig, ShellInput, Tell,
    board::{Board, Closed, Step, Word},
    parts::Parts,
};
use agent_core::{port::shell::Part, view::View};
use async_io::Timer;
use futures_lite::{StreamExt, future};
use futures_util::stream::FuturesUnordered;
use std::{
    pin::Pin,
    rc::Rc,
    time::{Duration, Instant},
};
use zbus::{Connection, Message, MessageStream, message::Type};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const BUS: &str = "org.freedesktop.DBus";
/// A notification service that has not answered for so long is said to hang.
const PATIENCE: Duration = Duration::from_secs(2);
/// The tray is told of changes at most this often; the last one is always told.
const TRAY_PACE: Duration = Duration::from_millis(50);
/// A host that has just been offered the icon may not hear what changes while it still looks at it: what did is said
/// again after this time.
const SETTLING: Duration = Duration::from_secs(1);
/// A notification service that was lost is looked for again at most this often.
const SEEK_PACE: Duration = Duration::from_secs(2);

/// What outlives a connection.
pub(super) struct Desk {
    pub(super) config: ShellConfig,
    pub(super) parts: Parts,
    pub(super) tell: Tell,
    pub(super) painter: Rc<Painter>,
}

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The view's sender wants to end everything.
    Quit,
    /// The bus is gone.
    BusLost,
}

/// What woke us.
enum Wake {
    Message(Option<zbus::Result<Message>>),
    /// `None`: there will be no more views.
    View(Option<Rc<View>>),
    Answer(Answer),
    Time,
}

/// What became of something asked of others.
enum Answer {
    Registered(zbus::Result<Option<bool>>),
    /// The service, and at which life of it we asked.
    Server(u32, zbus::Result<Server>),
    Notified(u32, u64, zbus::Result<u32>),
    Closed(u32, u64),
}

type Asked = Pin<Box<dyn Future<Output = Answer>>>;

struct Session<'a> {
    desk: &'a Desk,
    bus: Connection,
    tray: Tray,
    wanted: Rc<View>,
    tray_due: bool,
    tray_told: Option<Instant>,
    /// When the icon was offered last.
    offered: Option<Instant>,
    /// When everything about the icon is to be said again.
    repeat_at: Option<Instant>,
    board: Board,
    server: Option<Rc<Server>>,
    /// Counts the lives of the notification service, so that answers of a former one are known for what they are.
    life: u32,
    seeking: bool,
    seek_at: Option<Instant>,
    sought: Option<Instant>,
    asked: FuturesUnordered<Asked>,
    /// How many answers the notification service owes, and since when without giving any.
    owed: usize,
    owing: Option<Instant>,
    hangs: bool,
}

/// Holds the conversation until the bus is lost or nobody has views any more.
pub(super) async fn hold(
    desk: &Desk,
    bus: Connection,
    views: &async_channel::Receiver<Rc<View>>,
    current: Rc<View>,
) -> (End, Rc<View>) {
    let executor = bus.executor().clone();
    let ticking = async move {
        loop {
            executor.tick().await;
        }
    };
    let mut session = Session {
        desk,
        tray: Tray::new(&desk.config),
        wanted: current,
        tray_due: true,
        tray_told: None,
        offered: None,
        repeat_at: None,
        board: Board::default(),
        server: None,
        life: 0,
        seeking: false,
        seek_at: None,
        sought: None,
        asked: FuturesUnordered::new(),
        owed: 0,
        owing: None,
        hangs: false,
        bus,
    };
    let end = future::or(session.run(views), ticking).await;
    (end, session.wanted.clone())
}

impl Session<'_> {
    async fn run(&mut self, views: &async_channel::Receiver<Rc<View>>) -> End {
        let mut messages = MessageStream::from(&self.bus);
        if let Err(error) = self.begin().await {
            tracing::debug!(%error, "the bus did not let us begin");
            return End::BusLost;
        }
        self.board.want(&self.wanted.toasts);
        loop {
            if self.advance().await.is_err() {
                return End::BusLost;
            }
            match self.wait(&mut messages, views).await {
                Wake::Message(Some(Ok(message))) => {
                    if self.hear(&message).await.is_err() {
                        return End::BusLost;
                    }
                }
                Wake::Message(Some(Err(_)) | None) => return End::BusLost,
                Wake::View(Some(view)) => {
                    self.tray_due |= self.wanted.tray != view.tray;
                    if self.wanted.toasts != view.toasts {
                        self.board.want(&view.toasts);
                        if self.server.is_none() && self.board.wants_any() {
                            // Perhaps the bus can start a service by now.
                            self.seek_later(Instant::now());
                        }
                    }
                    self.wanted = view;
                }
                Wake::View(None) => {
                    self.leave().await;
                    return End::Quit;
                }
                Wake::Answer(answer) => self.answered(answer),
                Wake::Time => {}
            }
        }
    }

    async fn wait(
        &mut self,
        messages: &mut MessageStream,
        views: &async_channel::Receiver<Rc<View>>,
    ) -> Wake {
        let deadline = self.deadline();
        let asked = &mut self.asked;
        let answer = async {
            match asked.next().await {
                Some(answer) => Wake::Answer(answer),
                None => future::pending().await,
            }
        };
        let message = async { Wake::Message(messages.next().await) };
        let view = async { Wake::View(views.recv().await.ok()) };
        let time = async {
            match deadline {
                Some(at) => Timer::at(at).await,
                None => future::pending().await,
            };
            Wake::Time
        };
        future::or(message, future::or(view, future::or(answer, time))).await
    }

    /// Asks for the signals we live on, offers the icon and looks for the notification service.
    async fn begin(&mut self) -> zbus::Result<()> {
        for rule in [
            format!("type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{WATCHER}'"),
            format!("type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{}'", toasts::SERVICE),
            format!("type='signal',sender='{WATCHER}',interface='{WATCHER}'"),
            format!("type='signal',sender='{0}',interface='{0}'", toasts::SERVICE),
        ] {
            self.bus.call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), "AddMatch", &rule).await?;
        }
        self.register();
        self.seek();
        Ok(())
    }

    /// Does everything that can be done now.
    async fn advance(&mut self) -> zbus::Result<()> {
        let now = Instant::now();
        if self.seek_at.is_some_and(|at| at <= now) {
            self.seek();
        }
        while self.server.is_some() {
            let Some(step) = self.board.next() else { break };
            self.take(step);
        }
        if self.owing.is_some_and(|since| since + PATIENCE <= now) && !self.hangs {
            self.hangs = true;
            self.desk.parts.fails(
                Part::Toasts,
                "The notification service does not answer: calls show in the tray only.",
            );
        }
        if self.tray_due && self.tray_told.is_none_or(|at| at + TRAY_PACE <= now) {
            self.tray_due = false;
            self.tray_told = Some(now);
            self.tray.show(&self.bus, &self.wanted.tray).await?;
            if self.offered.is_some_and(|at| now < at + SETTLING) {
                self.repeat_at.get_or_insert(now + SETTLING);
            }
        }
        if self.repeat_at.is_some_and(|at| at <= now) {
            self.repeat_at = None;
            self.tray.repeat(&self.bus).await?;
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        let tray = self.tray_told.filter(|_| self.tray_due).map(|at| at + TRAY_PACE);
        let owing = self.owing.filter(|_| !self.hangs).map(|since| since + PATIENCE);
        [tray, owing, self.seek_at, self.repeat_at].into_iter().flatten().min()
    }

    fn take(&mut self, step: Step) {
        let Some(server) = self.server.clone() else { return };
        let (bus, painter, life) = (self.bus.clone(), self.desk.painter.clone(), self.life);
        self.owe();
        self.asked.push(Box::pin(async move {
            match step {
                Step::Notify { toast, replaces, view, keys } => {
                    let result = painter.notify(&bus, &server, (&view, &keys), replaces).await;
                    Answer::Notified(life, toast, result)
                }
                Step::Close { toast, server } => {
                    // Refused where the toast has gone by itself meanwhile: then it is down as well.
                    let _ = toasts::close(&bus, server).await;
                    Answer::Closed(life, toast)
                }
            }
        }));
    }

    fn answered(&mut self, answer: Answer) {
        match answer {
            Answer::Registered(result) => self.registered(result),
            Answer::Server(life, result) if life == self.life => {
                self.paid();
                self.found(result);
            }
            Answer::Notified(life, toast, result) if life == self.life => {
                self.paid();
                match result {
                    Ok(server) => {
                        self.desk.parts.works(Part::Toasts);
                        for word in self.board.notified(toast, Some(server)) {
                            self.say(word);
                        }
                    }
                    Err(error) => {
                        self.desk.parts.fails(Part::Toasts, refusal(&error));
                        self.board.notified(toast, None);
                    }
                }
            }
            Answer::Closed(life, toast) if life == self.life => {
                self.paid();
                self.board.closed(toast);
            }
            Answer::Server(..) | Answer::Notified(..) | Answer::Closed(..) => {}
        }
    }

    /// The notification service is asked something.
    fn owe(&mut self) {
        self.owed += 1;
        self.owing.get_or_insert_with(Instant::now);
    }

    /// The notification service has answered something: it lives.
    fn paid(&mut self) {
        self.owed = self.owed.saturating_sub(1);
        self.owing = (self.owed > 0).then(Instant::now);
        if std::mem::take(&mut self.hangs) {
            self.desk.parts.works(Part::Toasts);
        }
    }

    /// What others say of themselves, or ask of us.
    async fn hear(&mut self, message: &Message) -> zbus::Result<()> {
        match message.message_type() {
            Type::MethodCall => {
                if let Some(action) = self.tray.answer(&self.bus, message).await? {
                    (self.desk.tell)(ShellInput::Action(action));
                }
            }
            Type::Signal => self.hear_signal(message),
            Type::MethodReturn | Type::Error => {}
        }
        Ok(())
    }

    fn hear_signal(&mut self, message: &Message) {
        let header = message.header();
        let interface = header.interface().map(|name| name.as_str()).unwrap_or_default();
        let member = header.member().map(|name| name.as_str()).unwrap_or_default();
        let body = message.body();
        match (interface, member) {
            (BUS, "NameOwnerChanged") => {
                let Ok((name, _, new)) = body.deserialize::<(String, String, String)>() else { return };
                if name == WATCHER {
                    self.watcher_changed(!new.is_empty());
                } else if name == toasts::SERVICE {
                    self.server_changed(!new.is_empty());
                }
            }
            (WATCHER, "StatusNotifierHostRegistered" | "StatusNotifierHostUnregistered") => self.register(),
            (toasts::SERVICE, "ActionInvoked") => {
                if let Ok((id, key)) = body.deserialize::<(u32, String)>() {
                    self.say(Word::Invoked(id, key));
                }
            }
            (toasts::SERVICE, "NotificationReplied") => {
                if let Ok((id, text)) = body.deserialize::<(u32, String)>() {
                    self.say(Word::Replied(id, text));
                }
            }
            (toasts::SERVICE, "NotificationClosed") => {
                if let Ok((id, why)) = body.deserialize::<(u32, u32)>() {
                    let why = if why == 3 { Closed::ByUs } else { Closed::Other };
                    self.say(Word::Closed(id, why));
                }
            }
            _ => {}
        }
    }

    fn say(&mut self, word: Word) {
        if let Some(action) = self.board.hear(word) {
            (self.desk.tell)(ShellInput::Action(action));
        }
    }

    fn watcher_changed(&mut self, there: bool) {
        if there {
            self.register();
        } else {
            self.desk.parts.fails(Part::Tray, NO_TRAY);
        }
    }

    /// Offers the icon; a host that shows it already is not bothered by hearing it twice.
    fn register(&mut self) {
        self.offered = Some(Instant::now());
        let bus = self.bus.clone();
        self.asked.push(Box::pin(async move { Answer::Registered(register(&bus).await) }));
    }

    fn registered(&mut self, result: zbus::Result<Option<bool>>) {
        match result {
            Ok(Some(false)) => self.desk.parts.fails(Part::Tray, NO_TRAY),
            Ok(_) => self.desk.parts.works(Part::Tray),
            Err(error) => {
                tracing::debug!(%error, "no tray");
                self.desk.parts.fails(Part::Tray, NO_TRAY);
            }
        }
    }

    fn server_changed(&mut self, there: bool) {
        self.life += 1;
        self.server = None;
        self.seeking = false;
        self.owed = 0;
        self.owing = None;
        self.hangs = false;
        self.board.server_gone();
        if there {
            self.seek();
        } else {
            self.desk.parts.fails(Part::Toasts, NO_TOASTS);
            self.seek_later(Instant::now());
        }
    }

    fn seek_later(&mut self, now: Instant) {
        if !self.seeking {
            self.seek_at = Some(self.sought.map_or(now, |last| (last + SEEK_PACE).max(now)));
        }
    }

    fn seek(&mut self) {
        self.seek_at = None;
        if std::mem::replace(&mut self.seeking, true) {
            return;
        }
        self.sought = Some(Instant::now());
        self.owe();
        let (bus, life) = (self.bus.clone(), self.life);
        self.asked.push(Box::pin(async move { Answer::Server(life, Server::ask(&bus).await) }));
    }

    fn found(&mut self, result: zbus::Result<Server>) {
        self.seeking = false;
        match result {
            Ok(server) => {
                self.desk.parts.works(Part::Toasts);
                match server.button_problem() {
                    Some(problem) => self.desk.parts.fails(Part::ToastButtons, problem),
                    None => self.desk.parts.works(Part::ToastButtons),
                }
                self.board.can_type(server.actions && server.replies);
                self.server = Some(Rc::new(server));
            }
            Err(error) => {
                tracing::debug!(%error, "no notification service");
                self.desk.parts.fails(Part::Toasts, NO_TOASTS);
            }
        }
    }

    /// Takes everything down before the end; what cannot be reached is left behind.
    async fn leave(&mut self) {
        let closing = async {
            // Answers that are under way tell ids of toasts that must come down too.
            self.board.want(&[]);
            while !self.board.up().is_empty() || self.board.is_busy() {
                while let Some(step) = self.board.next() {
                    self.take(step);
                }
                match self.asked.next().await {
                    Some(answer) => self.answered(answer),
                    None => break,
                }
            }
        };
        let timeout = async {
            Timer::after(Duration::from_millis(500)).await;
        };
        future::or(closing, timeout).await;
    }
}

const NO_TRAY: &str = "This desktop shows no tray icons (on GNOME, install the AppIndicator extension): \
                       toasts, hotkeys and the trayphone command work all the same.";
const NO_TOASTS: &str =
    "There is no notification service: calls show in the tray, and \"trayphone events\" tells of them.";

fn refusal(error: &zbus::Error) -> String {
    format!("The notification service refused a notification ({error}): calls show in the tray only.")
}

/// `None`: the watcher does not say whether anybody shows icons.
async fn register(bus: &Connection) -> zbus::Result<Option<bool>> {
    let path = "/StatusNotifierWatcher";
    let name = bus.unique_name().map(|name| name.as_str()).unwrap_or_default();
    bus.call_method(Some(WATCHER), path, Some(WATCHER), "RegisterStatusNotifierItem", &name).await?;
    let property = (WATCHER, "IsStatusNotifierHostRegistered");
    let answer =
        bus.call_method(Some(WATCHER), path, Some("org.freedesktop.DBus.Properties"), "Get", &property).await;
    Ok(answer.ok().and_then(|answer| tray::property::<bool>(&answer)))
}
