//! Linux: one thread holds the conversation with the session bus, another the hotkeys; nothing polls.

mod browser;
mod display;
mod hotkeys;
mod keymap;
mod selection;
mod session;
mod toasts;
mod tray;
mod value;

pub(crate) use self::display::display;
use self::{
    browser::Browser,
    hotkeys::Hotkeys,
    session::{Desk, End},
    toasts::Painter,
};
use crate::{
    SelectionReader, ShellConfig, ShellError, ShellInbox, ShellInput, Tell, chord::Purpose, mail::Mail,
    parts::Parts,
};
use agent_core::{
    action::{Action, Source},
    port::shell::{Part, ShellCommand, ShellEvent},
    view::View,
};
use async_channel::{Receiver, Sender};
use async_io::Timer;
use futures_lite::{StreamExt, future};
use futures_util::stream::FuturesUnordered;
use std::{
    pin::Pin,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};
use zbus::Connection;

/// A bus that does not let us in within this time is not there.
const BUS_PATIENCE: Duration = Duration::from_secs(3);
/// While there is no bus, it is looked for at most this often when there is something to show ...
const BUS_PACE: Duration = Duration::from_secs(5);
/// ... and this often when there is not.
const BUS_IDLE: Duration = Duration::from_secs(60);
/// The most a reader of the selection waits, all told.
const SELECTION_PATIENCE: Duration = Duration::from_millis(700);

pub(crate) fn run(config: ShellConfig, inbox: ShellInbox, tell: Tell) -> Result<(), ShellError> {
    let parts = Parts::new(tell.clone());
    let (bell, rung) = async_channel::bounded(1);
    inbox.on_mail({
        let bell = bell.clone();
        // Full means that it rings already.
        move || drop(bell.try_send(Ring::Mail))
    });
    let pressed = {
        let tell = tell.clone();
        let (dial, dialled) = async_channel::bounded::<()>(1);
        (Box::new(move |purpose| press(&tell, &dial, purpose)) as hotkeys::Pressed, dialled)
    };
    let hotkeys = Hotkeys::start(config.hotkeys.clone(), parts.clone(), pressed.0);
    let (views_in, views) = async_channel::bounded(1);
    let clerk = Clerk {
        browser: Browser::new(parts.clone(), tell.clone()),
        hotkeys,
        views: views_in,
        parts: parts.clone(),
        tell: tell.clone(),
        inbox,
        rung,
        dialled: pressed.1,
        reads: FuturesUnordered::new(),
        dialling: false,
    };
    let desk = Desk { painter: Rc::new(Painter::new(&config)), config, parts, tell };
    // Not async_io's own block_on: its helper thread then drives the sockets and sleeps; with it, both would wake.
    future::block_on(future::zip(clerk.work(), keep_bus(&desk, &views)));
    Ok(())
}

/// What a hotkey does.
fn press(tell: &Tell, dial: &Sender<()>, purpose: Purpose) {
    match purpose {
        Purpose::Answer => tell(ShellInput::Action(Action::Answer { call: None })),
        Purpose::HangUp => tell(ShellInput::Action(Action::Hangup { call: None })),
        // Full means that one is being read already.
        Purpose::DialSelection => drop(dial.try_send(())),
    }
}

/// The bell of the inbox.
#[derive(Debug)]
enum Ring {
    Mail,
}

/// What is to be done with a selection once it is read.
type Read = Pin<Box<dyn Future<Output = (Option<SelectionReader>, Result<String, String>)>>>;

/// Reads the mail and passes it on.
struct Clerk {
    inbox: ShellInbox,
    rung: Receiver<Ring>,
    dialled: Receiver<()>,
    views: Sender<Rc<View>>,
    browser: Browser,
    hotkeys: Option<Hotkeys>,
    parts: Parts,
    tell: Tell,
    reads: FuturesUnordered<Read>,
    dialling: bool,
}

impl Clerk {
    /// Works until told to quit; then the views end, and with them everything else.
    async fn work(mut self) {
        loop {
            let rung = async { self.rung.recv().await.is_ok().then_some(Woken::Mail) };
            let dialled = async { self.dialled.recv().await.ok().map(|()| Woken::Dial) };
            let reads = &mut self.reads;
            let read = async {
                match reads.next().await {
                    Some((reader, text)) => Some(Woken::Read(reader, text)),
                    None => future::pending().await,
                }
            };
            match future::or(rung, future::or(dialled_or_wait(dialled), read)).await {
                Some(Woken::Mail) => {
                    let mail = self.inbox.take();
                    if mail.quit {
                        return;
                    }
                    self.sort(mail);
                }
                Some(Woken::Dial) => self.dial_selection(),
                Some(Woken::Read(reader, text)) => self.has_read(reader, text),
                None => return,
            }
        }
    }

    fn sort(&mut self, mail: Mail) {
        if let Some(view) = mail.view {
            // The one that was not taken yet is replaced: only the latest counts.
            let _ = self.views.force_send(Rc::from(view));
        }
        for command in mail.commands {
            match command {
                ShellCommand::OpenUrl { url } => self.browser.open(&url),
            }
        }
        if mail.refused > 0 {
            let why = format!("{} pages were not opened: too many at once.", mail.refused);
            (self.tell)(ShellInput::Event(ShellEvent::OpenFailed { why }));
        }
        if let (Some(settings), Some(hotkeys)) = (mail.hotkeys, &self.hotkeys) {
            hotkeys.set(settings);
        }
        if mail.dial_selection {
            self.dial_selection();
        }
        for reader in mail.readers {
            self.reads.push(read(Some(reader)));
        }
    }

    fn dial_selection(&mut self) {
        if !std::mem::replace(&mut self.dialling, true) {
            self.reads.push(read(None));
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
}

enum Woken {
    Mail,
    Dial,
    Read(Option<SelectionReader>, Result<String, String>),
}

/// Where there is no hotkey thread, nobody will ever dial by hotkey: that is no reason to end.
async fn dialled_or_wait(dialled: impl Future<Output = Option<Woken>>) -> Option<Woken> {
    match dialled.await {
        Some(woken) => Some(woken),
        None => future::pending().await,
    }
}

/// Reads the selection on a thread of its own, because a program that hangs may hold it.
fn read(reader: Option<SelectionReader>) -> Read {
    let (done, text) = async_channel::bounded(1);
    let spawned = thread::Builder::new()
        .name("selection".to_owned())
        .stack_size(256 * 1024)
        .spawn(move || drop(done.try_send(selection::read())));
    Box::pin(async move {
        if let Err(error) = spawned {
            return (reader, Err(format!("The selection could not be read ({error}).")));
        }
        let text =
            async { text.recv().await.unwrap_or_else(|_| Err("Reading the selection failed.".to_owned())) };
        let late = async {
            Timer::after(SELECTION_PATIENCE).await;
            Err("The display did not answer in time; select the number again, or type it.".to_owned())
        };
        (reader, future::or(text, late).await)
    })
}

/// Keeps a conversation with the session bus going, for as long as there are views.
async fn keep_bus(desk: &Desk, views: &Receiver<Rc<View>>) {
    let mut current = Rc::new(View::default());
    loop {
        let tried = Instant::now();
        match connect().await {
            Ok(bus) => {
                let (end, last) = session::hold(desk, bus, views, current).await;
                current = last;
                if end == End::Quit {
                    return;
                }
                let problem =
                    "The session bus is gone: there is no tray icon and no notification until it is back.";
                desk.parts.fails(Part::Tray, problem);
                desk.parts.fails(Part::Toasts, problem);
            }
            Err(problem) => {
                desk.parts.fails(Part::Tray, problem.clone());
                desk.parts.fails(Part::Toasts, problem);
            }
        }
        let mut until = tried + BUS_IDLE;
        loop {
            let view = async { Some(views.recv().await) };
            let time = async {
                Timer::at(until).await;
                None
            };
            match future::or(view, time).await {
                Some(Ok(view)) => {
                    current = view;
                    until = until.min(tried + BUS_PACE);
                }
                Some(Err(_)) => return,
                None => break,
            }
        }
    }
}

async fn connect() -> Result<Connection, String> {
    let build = async { zbus::connection::Builder::session()?.internal_executor(false).build().await };
    let late = async {
        Timer::after(BUS_PATIENCE).await;
        Err(zbus::Error::Failure("no answer".to_owned()))
    };
    future::or(build, late).await.map_err(|error: zbus::Error| {
        let error = crate::text::one_line(&error.to_string(), 120);
        format!("There is no session bus ({error}), so there is no tray icon and no notification.")
    })
}
