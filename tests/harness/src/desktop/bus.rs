//! An ear on the session bus: every notification as the service is told it, with what the service says in return.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};
use zbus::{blocking, message::Type, zvariant::OwnedValue};

/// One thing said to or by the notification service.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// A toast was handed over.
    Notify {
        /// The id it replaces, 0 for none.
        replaces: u32,
        /// First line.
        title: String,
        /// Text.
        body: String,
        /// Names and words of the buttons, in turn.
        actions: Vec<String>,
        /// `urgency`: 0 to 2.
        urgency: Option<u8>,
        /// Milliseconds; 0 never, -1 as the service likes.
        expires: i32,
    },
    /// The service's answer: the toast's id.
    Shown(u32),
    /// A toast was asked to be taken down.
    Close(u32),
    /// The service says a toast is down, and why.
    Closed(u32, u32),
    /// The service says a button was pressed.
    Invoked(u32, String),
}

type Heard = Arc<(Mutex<Vec<(Instant, Notice)>>, Condvar)>;

/// The ear.
#[derive(Debug, Clone)]
pub struct Monitor {
    heard: Heard,
}

const SERVICE: &str = "org.freedesktop.Notifications";

impl Monitor {
    /// Begins to listen; what is said after this returns is heard.
    pub fn start(address: &str) -> Result<Self, String> {
        let text = |error: zbus::Error| error.to_string();
        let bus = blocking::connection::Builder::address(address).map_err(text)?.build().map_err(text)?;
        let stream = blocking::MessageIterator::from(&bus);
        let rules: [&str; 0] = [];
        bus.call_method(
            Some("org.freedesktop.DBus"),
            "/org/freedesktop/DBus",
            Some("org.freedesktop.DBus.Monitoring"),
            "BecomeMonitor",
            &(&rules[..], 0u32),
        )
        .map_err(text)?;
        let heard = Heard::default();
        let ears = heard.clone();
        thread::spawn(move || listen(stream, &ears));
        Ok(Self { heard })
    }

    /// Everything heard so far.
    pub fn all(&self) -> Vec<(Instant, Notice)> {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How much was heard so far.
    pub fn count(&self) -> usize {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The first notice from number `from` on that `pick` takes, waiting for it for [`super::PATIENCE`].
    pub fn wait<T>(
        &self,
        from: usize,
        mut pick: impl FnMut(Instant, &Notice) -> Option<T>,
    ) -> Result<T, String> {
        let until = Instant::now() + super::PATIENCE;
        let mut seen = from;
        let mut heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            while let Some((at, notice)) = heard.get(seen) {
                if let Some(picked) = pick(*at, notice) {
                    return Ok(picked);
                }
                seen += 1;
            }
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return Err(format!("waited in vain; heard: {:#?}", heard.get(from..)));
            };
            let left = left.min(Duration::from_secs(1));
            heard = self.heard.1.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn listen(stream: blocking::MessageIterator, heard: &Heard) {
    let mut asked: HashMap<(String, u32), ()> = HashMap::new();
    for message in stream.map_while(Result::ok) {
        let at = Instant::now();
        let header = message.header();
        let member = header.member().map(|m| m.as_str()).unwrap_or_default();
        let interface = header.interface().map(|i| i.as_str()).unwrap_or_default();
        let sender = header.sender().map(|s| s.to_string()).unwrap_or_default();
        let notice = match (message.message_type(), interface, member) {
            (Type::MethodCall, SERVICE, "Notify") => {
                asked.insert((sender, message.primary_header().serial_num().get()), ());
                notify(&message)
            }
            (Type::MethodCall, SERVICE, "CloseNotification") => {
                message.body().deserialize().ok().map(Notice::Close)
            }
            (Type::Signal, SERVICE, "NotificationClosed") => {
                message.body().deserialize().ok().map(|(id, why)| Notice::Closed(id, why))
            }
            (Type::Signal, SERVICE, "ActionInvoked") => {
                message.body().deserialize().ok().map(|(id, key)| Notice::Invoked(id, key))
            }
            (Type::MethodReturn, ..) => {
                let to = header.destination().map(|d| d.to_string()).unwrap_or_default();
                let question = header.reply_serial().map(|serial| (to, serial.get()));
                question
                    .and_then(|question| asked.remove(&question))
                    .and_then(|()| message.body().deserialize().ok())
                    .map(Notice::Shown)
            }
            _ => None,
        };
        if let Some(notice) = notice {
            heard.0.lock().unwrap_or_else(PoisonError::into_inner).push((at, notice));
            heard.1.notify_all();
        }
    }
}

type Handed = (String, u32, String, String, String, Vec<String>, HashMap<String, OwnedValue>, i32);

fn notify(message: &zbus::Message) -> Option<Notice> {
    let body = message.body();
    let (_, replaces, _, title, body, actions, hints, expires) = body.deserialize::<Handed>().ok()?;
    let urgency = hints.get("urgency").and_then(|value| u8::try_from(value).ok());
    Some(Notice::Notify { replaces, title, body, actions, urgency, expires })
}
