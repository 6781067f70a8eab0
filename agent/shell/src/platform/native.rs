//! Windows and macOS: winit's event loop on the main thread, with tray-icon and global-hotkey on it.

pub(super) mod clipboard;
mod keys;

use self::keys::Keys;
use crate::{
    SelectionReader, ShellConfig, ShellError, ShellInbox, ShellInput, Tell,
    board::{Board, Step, Word},
    chord::Purpose,
    icon,
    mail::{Mail, lock},
    menu::Menu,
    page,
    parts::Parts,
    text,
};
use agent_core::{
    action::{Action, Source},
    port::shell::{Part, ShellCommand, ShellEvent},
    view::{MenuItem, TrayIcon as Icon, TrayView, View},
};
use global_hotkey::{GlobalHotKeyEvent, HotKeyState};
use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};
use tray_icon::{
    MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent,
    menu::{self as native_menu, MenuEvent, PredefinedMenuItem},
};
use winit::{
    application::ApplicationHandler,
    event::{StartCause, WindowEvent},
    event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopBuilder, EventLoopProxy},
    window::WindowId,
};

/// How long a reader of the selection waits at most.
const SELECTION_PATIENCE: Duration = Duration::from_millis(700);

/// How long the end of the session is held up for the agent to hang up and to take its leave of the PBX; Windows ends
/// whoever takes longer than five seconds.
const LEAVE_PATIENCE: Duration = Duration::from_secs(4);

/// What differs between the two.
pub(super) trait Os: 'static {
    /// Puts toasts up.
    type Toaster: Toaster;

    /// Held for as long as the loop runs; hears of the end of the session where the loop itself does not.
    type Watch;

    /// Sets the event loop up.
    fn prepare(builder: &mut EventLoopBuilder<Woke>);
    /// Begins to watch; `leave` blocks until the agent has wound itself up.
    fn watch(leave: Leave) -> Self::Watch;
    /// The pixels of the tray's picture.
    const TRAY_SIZE: u32;
    /// The way of the button on which the tray's menu opens.
    const MENU_OPENS_ON: MouseButtonState;
    /// What is selected in the program the user works in; called on a thread of its own.
    fn selection() -> Result<String, String>;
    /// Opens a page that was checked; called on a thread of its own.
    fn open(url: &str) -> Result<(), String>;
}

/// Puts toasts up and takes them down, telling what became of it.
pub(super) trait Toaster: Sized {
    /// An error is a sentence for the user: there are no toasts then.
    fn new(config: &ShellConfig, say: Say) -> Result<Self, String>;
    /// Does a step; every step is answered by exactly one [`Said::Notified`] or [`Said::Closed`].
    fn step(&mut self, step: Step);
    /// The toast was closed from outside.
    fn gone(&mut self, server: u32);
    /// Sees to it that what was asked for is done before the process ends.
    fn finish(self);
}

/// Asks the agent to wind itself up and waits until it has, or until the system would lose patience.
pub(super) type Leave = Box<dyn Fn()>;

/// How a toaster speaks.
pub(super) type Say = Arc<dyn Fn(Said) + Send + Sync>;

/// What a toaster says.
#[derive(Debug)]
pub(super) enum Said {
    /// The toast is up under this id, or the reason why not.
    Notified(u64, Result<u32, String>),
    /// The toast is down.
    Closed(u64),
    /// The user did something.
    Word(Word),
}

/// What wakes the loop.
pub(super) enum Woke {
    Mail,
    /// The tray's menu opened at that time; it may be told only once it is closed again.
    MenuOpened(Instant),
    /// An entry of it was chosen.
    Menu(String),
    Hotkey(u32, HotKeyState),
    Said(Said),
    Read(Option<SelectionReader>, Result<String, String>),
}

/// Runs the loop until told to quit.
pub(super) fn run<O: Os>(config: ShellConfig, inbox: ShellInbox, tell: Tell) -> Result<(), ShellError> {
    let mut builder = EventLoop::<Woke>::with_user_event();
    O::prepare(&mut builder);
    let events = builder.build().map_err(|error| ShellError::Loop(error.to_string()))?;
    events.set_control_flow(ControlFlow::Wait);
    // A mutex, because not every platform's proxy may be used from two threads at once.
    let proxy = Arc::new(Mutex::new(events.create_proxy()));
    let waker = |proxy: &Arc<Mutex<EventLoopProxy<Woke>>>| {
        let proxy = proxy.clone();
        // Fails only when the loop has ended: then there is nobody to wake.
        move |woke: Woke| drop(lock(&proxy).send_event(woke))
    };
    let wake = waker(&proxy);
    inbox.on_mail(move || wake(Woke::Mail));
    let wake = waker(&proxy);
    TrayIconEvent::set_event_handler(Some(move |event: TrayIconEvent| {
        // Told just before the menu is shown, whichever button it was.
        if let TrayIconEvent::Click { button_state, .. } = event
            && button_state == O::MENU_OPENS_ON
        {
            wake(Woke::MenuOpened(Instant::now()));
        }
    }));
    let wake = waker(&proxy);
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| wake(Woke::Menu(event.id.0))));
    let wake = waker(&proxy);
    GlobalHotKeyEvent::set_event_handler(Some(move |event: GlobalHotKeyEvent| {
        wake(Woke::Hotkey(event.id(), event.state()));
    }));
    let wake = waker(&proxy);
    let mut app = App::<O> {
        parts: Parts::new(tell.clone()),
        say: Arc::new(move |said| wake(Woke::Said(said))),
        config,
        tell,
        inbox,
        proxy,
        shown: TrayView::default(),
        tray: None,
        menu: Menu::default(),
        rows: Vec::new(),
        board: Board::default(),
        toaster: None,
        keys: Keys::default(),
        dialling: false,
        watch: None,
        quits: false,
    };
    events.run_app(&mut app).map_err(|error| ShellError::Loop(error.to_string()))
}

struct App<O: Os> {
    config: ShellConfig,
    tell: Tell,
    parts: Parts,
    inbox: ShellInbox,
    proxy: Arc<Mutex<EventLoopProxy<Woke>>>,
    say: Say,
    shown: TrayView,
    tray: Option<TrayIcon>,
    menu: Menu,
    /// The entries that are up, to be worded anew.
    rows: Vec<(i32, native_menu::MenuItem)>,
    board: Board,
    toaster: Option<O::Toaster>,
    keys: Keys,
    dialling: bool,
    watch: Option<O::Watch>,
    /// The agent itself ends the loop.
    quits: bool,
}

impl<O: Os> ApplicationHandler<Woke> for App<O> {
    fn new_events(&mut self, _: &ActiveEventLoop, cause: StartCause) {
        // Tray and hotkeys must be made on this thread once the loop runs, not before.
        if cause == StartCause::Init {
            self.begin();
        }
    }

    fn resumed(&mut self, _: &ActiveEventLoop) {}

    fn window_event(&mut self, _: &ActiveEventLoop, _: WindowId, _: WindowEvent) {}

    fn user_event(&mut self, events: &ActiveEventLoop, woke: Woke) {
        match woke {
            Woke::Mail => {
                let mail = self.inbox.take();
                if mail.quit {
                    self.quits = true;
                    self.watch = None;
                    self.board.want(&[]);
                    self.advance();
                    if let Some(toaster) = self.toaster.take() {
                        toaster.finish();
                    }
                    self.keys.release();
                    self.tray = None;
                    events.exit();
                } else {
                    self.sort(mail);
                }
            }
            Woke::MenuOpened(at) => self.menu.opened(at),
            Woke::Menu(id) => {
                let action = id.parse().ok().and_then(|id| self.menu.action(Instant::now(), id).cloned());
                if let Some(action) = action {
                    (self.tell)(ShellInput::Action(action));
                }
            }
            Woke::Hotkey(id, state) => self.hit(id, state),
            Woke::Said(said) => self.hear(said),
            Woke::Read(reader, text) => self.has_read(reader, text),
        }
    }

    fn exiting(&mut self, _: &ActiveEventLoop) {
        // The system ends the loop (macOS, when the user logs out), and with it the process once this returns.
        if !self.quits {
            self.leave()();
        }
    }
}

impl<O: Os> App<O> {
    fn leave(&self) -> Leave {
        let (tell, handle) = (self.tell.clone(), self.inbox.handle());
        Box::new(move || {
            tell(ShellInput::Action(Action::Quit));
            if !handle.wait_for_quit(LEAVE_PATIENCE) {
                tracing::warn!("the session ends before the agent has wound itself up");
            }
        })
    }

    fn begin(&mut self) {
        self.watch = Some(O::watch(self.leave()));
        let built = TrayIconBuilder::new()
            .with_id(&self.config.id)
            .with_tooltip(&self.config.name)
            .with_menu_on_left_click(true)
            .with_menu(Box::new(native_menu::Menu::new()))
            .with_icon_opt(picture::<O>(Icon::default()))
            .build();
        match built {
            Ok(tray) => {
                self.tray = Some(tray);
                self.parts.works(Part::Tray);
            }
            Err(error) => self.parts.fails(Part::Tray, format!("The tray icon could not be made ({error}).")),
        }
        match O::Toaster::new(&self.config, self.say.clone()) {
            Ok(toaster) => {
                self.toaster = Some(toaster);
                // Notifications of both systems have a field for an answer.
                self.board.can_type(true);
                self.parts.works(Part::Toasts);
                self.parts.works(Part::ToastButtons);
            }
            Err(problem) => self.parts.fails(Part::Toasts, problem),
        }
        let settings = self.config.hotkeys.clone();
        self.keys.set(&settings, &self.parts);
    }

    fn sort(&mut self, mail: Mail) {
        if let Some(view) = mail.view {
            self.show(&view);
        }
        for command in mail.commands {
            match command {
                ShellCommand::OpenUrl { url } => self.open(&url),
            }
        }
        if mail.refused > 0 {
            self.open_failed(format!("{} pages were not opened: too many at once.", mail.refused));
        }
        if let Some(settings) = mail.hotkeys {
            self.keys.set(&settings, &self.parts);
        }
        if mail.dial_selection {
            self.dial_selection();
        }
        for reader in mail.readers {
            self.read(Some(reader));
        }
    }

    fn show(&mut self, view: &View) {
        let old = std::mem::replace(&mut self.shown, view.tray.clone());
        if let Some(tray) = &self.tray {
            if old.icon != view.tray.icon
                && let Err(error) = tray.set_icon(picture::<O>(view.tray.icon))
            {
                tracing::debug!(%error, "the tray's picture stays as it was");
            }
            if old.tooltip != view.tray.tooltip {
                // Windows shows 127 characters; the rest would be refused.
                let _ = tray.set_tooltip(Some(text::lines(&view.tray.tooltip, 127)));
            }
        }
        if old.menu != view.tray.menu {
            self.show_menu(&view.tray.menu);
        }
        self.board.want(&view.toasts);
        self.advance();
    }

    fn show_menu(&mut self, items: &[MenuItem]) {
        let change = self.menu.set(Instant::now(), items);
        if !change.layout {
            for line in self.menu.lines().iter().filter(|line| change.reworded.contains(&line.id)) {
                if let (MenuItem::Label(words) | MenuItem::Entry { text: words, .. }, Some((_, row))) =
                    (&line.item, self.rows.iter().find(|(id, _)| *id == line.id))
                {
                    row.set_text(label(words));
                }
            }
            return;
        }
        let menu = native_menu::Menu::new();
        self.rows.clear();
        for line in self.menu.lines() {
            let added = match &line.item {
                MenuItem::Separator => menu.append(&PredefinedMenuItem::separator()),
                MenuItem::Label(words) | MenuItem::Entry { text: words, .. } => {
                    let enabled = matches!(line.item, MenuItem::Entry { .. });
                    let row =
                        native_menu::MenuItem::with_id(line.id.to_string(), label(words), enabled, None);
                    let added = menu.append(&row);
                    self.rows.push((line.id, row));
                    added
                }
            };
            if let Err(error) = added {
                tracing::debug!(%error, "a menu entry could not be added");
            }
        }
        if let Some(tray) = &self.tray {
            tray.set_menu(Some(Box::new(menu)));
        }
    }

    /// Does everything about toasts that can be done now.
    fn advance(&mut self) {
        let Some(toaster) = &mut self.toaster else { return };
        while let Some(step) = self.board.next() {
            toaster.step(step);
        }
    }

    fn hear(&mut self, said: Said) {
        match said {
            Said::Notified(toast, Ok(server)) => {
                self.parts.works(Part::Toasts);
                for word in self.board.notified(toast, Some(server)) {
                    self.say_word(word);
                }
            }
            Said::Notified(toast, Err(problem)) => {
                self.parts.fails(Part::Toasts, problem);
                self.board.notified(toast, None);
            }
            Said::Closed(toast) => self.board.closed(toast),
            Said::Word(word) => {
                if let (Word::Closed(server, _), Some(toaster)) = (&word, &mut self.toaster) {
                    toaster.gone(*server);
                }
                self.say_word(word);
            }
        }
        self.advance();
    }

    fn say_word(&mut self, word: Word) {
        if let Some(action) = self.board.hear(word) {
            (self.tell)(ShellInput::Action(action));
        }
    }

    fn hit(&mut self, id: u32, state: HotKeyState) {
        match (self.keys.purpose(id), state) {
            (Some(Purpose::Answer), HotKeyState::Pressed) => {
                (self.tell)(ShellInput::Action(Action::Answer { call: None }));
            }
            (Some(Purpose::HangUp), HotKeyState::Pressed) => {
                (self.tell)(ShellInput::Action(Action::Hangup { call: None }));
            }
            // Once it is let go: copying presses keys of its own.
            (Some(Purpose::DialSelection), HotKeyState::Released) => self.dial_selection(),
            _ => {}
        }
    }

    fn dial_selection(&mut self) {
        if !std::mem::replace(&mut self.dialling, true) {
            self.read(None);
        }
    }

    /// Reads the selection on a thread of its own, another one keeping the time: the program asked may hang.
    fn read(&self, reader: Option<SelectionReader>) {
        let proxy = self.proxy.clone();
        let keep_time = move || {
            let (done, text) = std::sync::mpsc::channel();
            let started = thread::Builder::new()
                .name("selection".to_owned())
                .spawn(move || drop(done.send(O::selection())));
            let late = || {
                "The program did not hand its selection over in time; select the number again, or type it."
                    .to_owned()
            };
            let text = match started {
                Ok(_) => text.recv_timeout(SELECTION_PATIENCE).unwrap_or_else(|_| Err(late())),
                Err(error) => Err(format!("The selection could not be read ({error}).")),
            };
            drop(lock(&proxy).send_event(Woke::Read(reader, text)));
        };
        if let Err(error) = thread::Builder::new().name("selection-time".to_owned()).spawn(keep_time) {
            self.parts.fails(Part::Selection, format!("The selection could not be read ({error})."));
        }
    }

    fn has_read(&mut self, reader: Option<SelectionReader>, text: Result<String, String>) {
        if let Some(reader) = reader {
            match &text {
                Ok(_) => self.parts.works(Part::Selection),
                Err(problem) => self.parts.fails(Part::Selection, problem),
            }
            return reader(text);
        }
        self.dialling = false;
        match text {
            Ok(text) => {
                self.parts.works(Part::Selection);
                let dial = Action::Dial { text, source: Source::Selection, account: None, withhold: false };
                (self.tell)(ShellInput::Action(dial));
            }
            Err(problem) => self.parts.fails_again(Part::Selection, problem),
        }
    }

    fn open(&self, url: &str) {
        let url = match page::checked(url) {
            Ok(url) => url,
            Err(why) => return self.open_failed(why),
        };
        let (tell, parts) = (self.tell.clone(), self.parts.clone());
        let open = move || match O::open(&url) {
            Ok(()) => parts.works(Part::Browser),
            Err(why) => tell(ShellInput::Event(ShellEvent::OpenFailed { why })),
        };
        if let Err(error) = thread::Builder::new().name("page".to_owned()).spawn(open) {
            self.open_failed(format!("The page could not be opened ({error})."));
        }
    }

    fn open_failed(&self, why: String) {
        (self.tell)(ShellInput::Event(ShellEvent::OpenFailed { why }));
    }
}

/// A single `&` marks the key that chooses an entry; a caller's name holds none.
fn label(words: &str) -> String {
    text::one_line(words, text::SHORT).replace('&', "&&")
}

fn picture<O: Os>(icon: Icon) -> Option<tray_icon::Icon> {
    let picture = icon::draw(icon, O::TRAY_SIZE);
    tray_icon::Icon::from_rgba(picture.rgba, picture.size, picture.size).ok()
}

/// The builder takes a picture or none, not an option.
trait WithIcon {
    fn with_icon_opt(self, icon: Option<tray_icon::Icon>) -> Self;
}

impl WithIcon for TrayIconBuilder {
    fn with_icon_opt(self, icon: Option<tray_icon::Icon>) -> Self {
        match icon {
            Some(icon) => self.with_icon(icon),
            None => self,
        }
    }
}
