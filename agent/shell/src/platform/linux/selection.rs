//! The text selected in other programs: X's PRIMARY selection, asked for with a limit on time and size (ICCCM 2.4).

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::time::{Duration, Instant};
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{
            Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, Property, Time, Window,
            WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

/// How long the program that holds the selection may take.
const PATIENCE: Duration = Duration::from_millis(500);
/// The most that is taken, bytes; the rest is cut off.
const MOST: usize = 64 * 1024;

/// Reads what is selected; empty when nothing is, or no text. An error is a sentence for the user.
pub(super) fn read() -> Result<String, String> {
    let until = Instant::now() + PATIENCE;
    let (x, screen) = RustConnection::connect(None).map_err(|_| no_display())?;
    let root = x.setup().roots.get(screen).map(|screen| screen.root).ok_or_else(no_display)?;
    Reader::new(x, root, until).and_then(|reader| reader.read()).map_err(|trouble| match trouble {
        Trouble::Late => {
            "The program that holds the selection did not hand it over within half a second; select \
                          the number again, or type it."
                .to_owned()
        }
        Trouble::X(error) => format!("The selection could not be read ({error})."),
    })
}

enum Trouble {
    Late,
    X(String),
}

impl<E: std::error::Error> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::X(error.to_string())
    }
}

struct Reader {
    x: RustConnection,
    window: Window,
    property: Atom,
    incr: Atom,
    utf8: Atom,
    until: Instant,
}

impl Reader {
    fn new(x: RustConnection, root: Window, until: Instant) -> Result<Self, Trouble> {
        let atom = |name: &str| x.intern_atom(false, name.as_bytes());
        let (property, incr, utf8) = (atom("TRAYPHONE_SELECTION")?, atom("INCR")?, atom("UTF8_STRING")?);
        let window = x.generate_id()?;
        let events = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        x.create_window(0, window, root, -1, -1, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &events)?;
        let (property, incr, utf8) = (property.reply()?.atom, incr.reply()?.atom, utf8.reply()?.atom);
        Ok(Self { x, window, property, incr, utf8, until })
    }

    fn read(&self) -> Result<String, Trouble> {
        for target in [self.utf8, AtomEnum::STRING.into()] {
            if let Some((kind, bytes)) = self.convert(target)? {
                return Ok(self.text(kind, bytes));
            }
        }
        Ok(String::new())
    }

    /// Bytes to text: `STRING` is Latin-1 (ICCCM 2.6.2), everything else is taken for UTF-8.
    fn text(&self, kind: Atom, mut bytes: Vec<u8>) -> String {
        bytes.truncate(MOST);
        if kind == Atom::from(AtomEnum::STRING) {
            return bytes.into_iter().map(char::from).collect();
        }
        let text = String::from_utf8_lossy(&bytes);
        // A character cut in two at the end is left out.
        text.trim_end_matches('\u{FFFD}').to_owned()
    }

    /// Asks for the selection as `target`; nothing when nobody holds one, or not as this.
    fn convert(&self, target: Atom) -> Result<Option<(Atom, Vec<u8>)>, Trouble> {
        self.x.convert_selection(
            self.window,
            AtomEnum::PRIMARY.into(),
            target,
            self.property,
            Time::CURRENT_TIME,
        )?;
        loop {
            if let Event::SelectionNotify(notice) = self.next()? {
                if notice.property == x11rb::NONE {
                    return Ok(None);
                }
                if notice.target == target {
                    break;
                }
            }
        }
        let (kind, first) = self.take()?;
        if kind != self.incr {
            return Ok((kind == self.utf8 || kind == Atom::from(AtomEnum::STRING)).then_some((kind, first)));
        }
        self.pieces().map(Some)
    }

    /// In pieces: each comes after we have taken the one before, an empty one ends it (ICCCM 2.7.2). What is too much
    /// is taken all the same and dropped, as long as there is time: some owners die when nobody takes it.
    fn pieces(&self) -> Result<(Atom, Vec<u8>), Trouble> {
        let (mut kind, mut whole) = (self.utf8, Vec::new());
        loop {
            let event = match self.next() {
                Err(Trouble::Late) if whole.len() >= MOST => return Ok((kind, whole)),
                event => event?,
            };
            let Event::PropertyNotify(notice) = event else { continue };
            if notice.atom == self.property && notice.state == Property::NEW_VALUE {
                let (of, piece) = self.take()?;
                if piece.is_empty() {
                    return Ok((kind, whole));
                }
                kind = of;
                if whole.len() < MOST {
                    whole.extend_from_slice(&piece);
                }
            }
        }
    }

    /// Takes at most [`MOST`] bytes of the property, then removes it.
    fn take(&self) -> Result<(Atom, Vec<u8>), Trouble> {
        let words = (MOST / 4) as u32;
        let got = self.x.get_property(false, self.window, self.property, AtomEnum::ANY, 0, words)?.reply()?;
        self.x.delete_property(self.window, self.property)?;
        self.x.flush()?;
        Ok((got.type_, got.value))
    }

    fn next(&self) -> Result<Event, Trouble> {
        self.x.flush()?;
        loop {
            if let Some(event) = self.x.poll_for_event()? {
                return Ok(event);
            }
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Trouble::Late);
            }
            let left = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 100_000_000 });
            let mut fds = [PollFd::new(self.x.stream(), PollFlags::IN)];
            match poll(&mut fds, Some(&left)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Trouble::X(error.to_string())),
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.x.destroy_window(self.window);
        let _ = self.x.sync();
    }
}

fn no_display() -> String {
    if std::env::var_os("WAYLAND_DISPLAY").is_some_and(|name| !name.is_empty()) {
        "On this Wayland desktop the selection of other programs cannot be read yet; copy the number and dial it by hand."
            .to_owned()
    } else {
        "There is no display, so nothing can be selected.".to_owned()
    }
}
