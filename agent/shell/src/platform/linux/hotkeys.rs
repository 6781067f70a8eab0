//! Global hotkeys under X: passive key grabs on a connection of their own, on one thread that sleeps until a key is hit.

use super::keymap::Keymap;
use crate::{
    chord::{self, Chord, Purpose},
    mail::lock,
    parts::Parts,
};
use agent_core::{port::shell::Part, settings::HotkeySettings};
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, eventfd, poll},
    fd::OwnedFd,
};
use std::{
    sync::{Arc, Mutex},
    thread,
};
use x11rb::{
    connection::Connection as _,
    errors::ReplyError,
    protocol::{
        ErrorKind, Event,
        xproto::{ConnectionExt as _, GrabMode, Mapping, ModMask, Window},
    },
    rust_connection::RustConnection,
};

/// A key that is hit so soon after it was let go, milliseconds, was not let go by a finger.
const REPEAT_GAP: u32 = 10;

/// What a hotkey does when it is hit.
pub(super) type Pressed = Box<dyn Fn(Purpose) + Send>;

/// The thread that holds the keys; dropping it gives them back.
pub(super) struct Hotkeys {
    orders: Arc<Orders>,
}

struct Orders {
    bell: OwnedFd,
    next: Mutex<Order>,
}

#[derive(Default)]
struct Order {
    settings: Option<HotkeySettings>,
    stop: bool,
}

impl Hotkeys {
    /// Starts the thread. What is wrong, then and later, is told as [`Part::Hotkeys`].
    pub(super) fn start(settings: HotkeySettings, parts: Parts, pressed: Pressed) -> Option<Self> {
        let started = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(std::io::Error::from)
            .and_then(|bell| {
                let order = Order { settings: Some(settings), stop: false };
                let orders = Arc::new(Orders { bell, next: Mutex::new(order) });
                let (theirs, parts) = (orders.clone(), parts.clone());
                let run = move || serve(&theirs, &parts, &pressed);
                thread::Builder::new().name("hotkeys".to_owned()).stack_size(256 * 1024).spawn(run)?;
                Ok(orders)
            });
        match started {
            Ok(orders) => Some(Self { orders }),
            Err(error) => {
                parts.fails(Part::Hotkeys, format!("Hotkeys could not be started ({error})."));
                None
            }
        }
    }

    /// Gives back the keys held and takes these.
    pub(super) fn set(&self, settings: HotkeySettings) {
        lock(&self.orders.next).settings = Some(settings);
        self.orders.ring();
    }
}

impl Drop for Hotkeys {
    fn drop(&mut self) {
        lock(&self.orders.next).stop = true;
        self.orders.ring();
    }
}

impl Orders {
    fn ring(&self) {
        // Fails only when the count is full, and then it rings already.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    /// What is to be done, emptying the bell.
    fn take(&self) -> Order {
        let _ = rustix::io::read(&self.bell, &mut [0u8; 8]);
        std::mem::take(&mut lock(&self.next))
    }
}

/// Serves one X server after the other: when it goes away, the next order tries again.
fn serve(orders: &Orders, parts: &Parts, pressed: &Pressed) {
    let mut settings = None;
    loop {
        let order = orders.take();
        if order.stop {
            return;
        }
        settings = order.settings.or(settings);
        if let Some(wanted) = &settings {
            match hold(orders, parts, pressed, wanted) {
                Ok(End::Stop) => return,
                Ok(End::NoKeys) => {}
                Err(problem) => parts.fails(Part::Hotkeys, problem),
            }
        }
        let mut fds = [PollFd::new(&orders.bell, PollFlags::IN)];
        if poll(&mut fds, None).is_err_and(|error| error != rustix::io::Errno::INTR) {
            return;
        }
    }
}

/// Why the keys are no longer held.
enum End {
    Stop,
    /// There are none to hold.
    NoKeys,
}

/// Holds the keys until told to stop; an error is a sentence for the user.
fn hold(orders: &Orders, parts: &Parts, pressed: &Pressed, settings: &HotkeySettings) -> Result<End, String> {
    let (chords, problems) = chord::all(settings);
    if chords.is_empty() {
        // No keys, no display needed.
        return if problems.is_empty() {
            parts.works(Part::Hotkeys);
            Ok(End::NoKeys)
        } else {
            Err(problems.join(" "))
        };
    }
    let (x, screen) = RustConnection::connect(None).map_err(|error| no_x(&error))?;
    let root = x.setup().roots.get(screen).map(|screen| screen.root).ok_or("The X server has no screen.")?;
    let map = Keymap::read(&x).map_err(lost)?;
    let mut keys = Keys { root, chords, problems, held: Vec::new(), map, last: None };
    keys.grab(&x).map_err(lost)?;
    keys.report(parts);
    loop {
        keys.hear_all(&x, parts, pressed).map_err(lost)?;
        let mut fds = [PollFd::new(x.stream(), PollFlags::IN), PollFd::new(&orders.bell, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(format!("Hotkeys stopped ({error}).")),
        }
        if fds[1].revents().is_empty() {
            continue;
        }
        let order = orders.take();
        if order.stop {
            return Ok(End::Stop);
        }
        if let Some(settings) = order.settings {
            keys.release(&x).map_err(lost)?;
            (keys.chords, keys.problems) = chord::all(&settings);
            keys.grab(&x).map_err(lost)?;
            keys.report(parts);
        }
    }
}

/// The keys as they are held at one X server.
struct Keys {
    root: Window,
    chords: Vec<(Purpose, Chord)>,
    /// What is wrong with the settings themselves.
    problems: Vec<String>,
    held: Vec<Held>,
    map: Keymap,
    /// The key that is down, and when it was let go: an auto-repeat lets go and hits again at once.
    last: Option<(u8, Option<u32>)>,
}

/// One chord's grabs, or why it has none.
struct Held {
    purpose: Purpose,
    grabs: Vec<(u8, u16)>,
    modifiers: u16,
    problem: Option<String>,
}

impl Keys {
    fn grab(&mut self, x: &RustConnection) -> Result<(), ReplyError> {
        self.held = Vec::new();
        for &(purpose, chord) in &self.chords {
            let held = self.grab_one(x, purpose, chord)?;
            self.held.push(held);
        }
        Ok(())
    }

    /// Grabs the chord with every state of the locks, or not at all.
    fn grab_one(&self, x: &RustConnection, purpose: Purpose, chord: Chord) -> Result<Held, ReplyError> {
        let mut held = Held {
            purpose,
            grabs: Vec::new(),
            modifiers: self.map.modifiers(chord.modifiers),
            problem: None,
        };
        let codes = self.map.codes(chord.key.keysym);
        if codes.is_empty() {
            held.problem = Some(format!("This keyboard has no key for {chord} ({}).", purpose.setting()));
        }
        for code in codes {
            for locks in self.map.lock_states() {
                let state = held.modifiers | locks;
                let asked = x.grab_key(
                    false,
                    self.root,
                    ModMask::from(state),
                    code,
                    GrabMode::ASYNC,
                    GrabMode::ASYNC,
                )?;
                match asked.check() {
                    Ok(()) => held.grabs.push((code, state)),
                    Err(ReplyError::X11Error(error)) if error.error_kind == ErrorKind::Access => {
                        give_back(x, self.root, &held.grabs)?;
                        held.grabs.clear();
                        held.problem = Some(format!(
                            "{chord} is taken by another program, so it does not work here; set another one for \
                             {} in [hotkeys] of trayphone.toml.",
                            purpose.setting()
                        ));
                        return Ok(held);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(held)
    }

    fn release(&mut self, x: &RustConnection) -> Result<(), ReplyError> {
        for held in std::mem::take(&mut self.held) {
            give_back(x, self.root, &held.grabs)?;
        }
        x.flush()?;
        Ok(())
    }

    /// The keyboard's layout changed. Gives whether that moved any of our keys.
    fn remap(&mut self, x: &RustConnection) -> Result<bool, ReplyError> {
        let map = Keymap::read(x)?;
        if map == self.map {
            return Ok(false);
        }
        self.map = map;
        self.release(x)?;
        self.grab(x)?;
        Ok(true)
    }

    fn report(&self, parts: &Parts) {
        let taken = self.held.iter().filter_map(|held| held.problem.clone());
        let mut problems: Vec<String> = self.problems.iter().cloned().chain(taken).collect();
        if on_wayland() {
            problems.push(WAYLAND.to_owned());
        }
        if problems.is_empty() {
            parts.works(Part::Hotkeys);
        } else {
            parts.fails(Part::Hotkeys, problems.join(" "));
        }
    }

    /// Everything the X server has to say now.
    fn hear_all(&mut self, x: &RustConnection, parts: &Parts, pressed: &Pressed) -> Result<(), ReplyError> {
        let mut remap = false;
        while let Some(event) = x.poll_for_event()? {
            remap |= matches!(&event, Event::MappingNotify(e) if e.request != Mapping::POINTER);
            if let Some(purpose) = self.hear(&event) {
                pressed(purpose);
            }
        }
        if remap && self.remap(x)? {
            self.report(parts);
        }
        Ok(())
    }

    /// Which hotkey was hit by this event, if any.
    fn hear(&mut self, event: &Event) -> Option<Purpose> {
        match event {
            Event::KeyPress(press) => {
                let repeat = match self.last {
                    Some((code, None)) => code == press.detail,
                    Some((code, Some(time))) => {
                        code == press.detail && press.time.wrapping_sub(time) <= REPEAT_GAP
                    }
                    None => false,
                };
                self.last = Some((press.detail, None));
                if repeat {
                    return None;
                }
                let state = u16::from(press.state) & 0xff & !self.map.locks;
                let hit = |held: &&Held| {
                    held.modifiers == state && held.grabs.iter().any(|(code, _)| *code == press.detail)
                };
                self.held.iter().find(hit).map(|held| held.purpose)
            }
            Event::KeyRelease(release) => {
                self.last = Some((release.detail, Some(release.time)));
                None
            }
            _ => None,
        }
    }
}

fn give_back(x: &RustConnection, root: Window, grabs: &[(u8, u16)]) -> Result<(), ReplyError> {
    for (code, state) in grabs {
        x.ungrab_key(*code, root, ModMask::from(*state))?;
    }
    Ok(())
}

const WAYLAND: &str = "On Wayland, global hotkeys work only while an X program has the keyboard: in the desktop's \
                       keyboard settings, give keys to the commands \"trayphone answer\", \"trayphone hangup\" and \
                       \"trayphone dial --selection\".";

fn on_wayland() -> bool {
    std::env::var_os("WAYLAND_DISPLAY").is_some_and(|name| !name.is_empty())
}

fn no_x(error: &dyn std::fmt::Display) -> String {
    if on_wayland() {
        return "Wayland lets no program take global hotkeys: in the desktop's keyboard settings, give keys to the \
                commands \"trayphone answer\", \"trayphone hangup\" and \"trayphone dial --selection\"."
            .to_owned();
    }
    if std::env::var_os("DISPLAY").is_none_or(|name| name.is_empty()) {
        return "There is no display, so there are no hotkeys.".to_owned();
    }
    format!("The X server cannot be reached ({error}), so there are no hotkeys.")
}

fn lost(error: impl std::fmt::Display) -> String {
    format!("The X server is gone ({error}), so there are no hotkeys.")
}
