//! A notification service that behaves as it is told: without buttons, slow, deaf, refusing.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};
use zbus::{
    blocking::{Connection, connection::Builder},
    fdo, interface,
    zvariant::OwnedValue,
};

/// How the service behaves.
#[derive(Debug, Clone)]
pub struct Manner {
    /// What it calls itself.
    pub name: String,
    /// What it says it can do.
    pub capabilities: Vec<String>,
    /// How long it takes over every toast.
    pub delay: Duration,
    /// How long it takes over taking one down; buttons can be pressed meanwhile.
    pub closing: Duration,
    /// Refuses every toast with this error.
    pub refuses: Option<String>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            name: "plain".to_owned(),
            capabilities: vec!["body".to_owned()],
            delay: Duration::ZERO,
            closing: Duration::ZERO,
            refuses: None,
        }
    }
}

/// The service; it leaves the bus when dropped.
#[derive(Debug)]
pub struct FakeToasts {
    bus: Connection,
}

const PATH: &str = "/org/freedesktop/Notifications";

impl FakeToasts {
    /// Takes the service's name on the bus.
    pub fn start(address: &str, manner: Manner) -> Result<Self, String> {
        let service = Service { manner: Arc::new(Mutex::new(manner)), last: AtomicU32::new(0) };
        let bus = Builder::address(address)
            .and_then(|builder| builder.serve_at(PATH, service))
            .and_then(|builder| builder.name("org.freedesktop.Notifications"))
            .and_then(Builder::build)
            .map_err(|error| error.to_string())?;
        Ok(Self { bus })
    }

    /// Says that a button was pressed.
    pub fn press(&self, toast: u32, key: &str) -> Result<(), String> {
        self.say("ActionInvoked", &(toast, key))
    }

    /// Says that a toast is down: 1 its time ran out, 2 the user closed it, 3 it was asked for.
    pub fn closed(&self, toast: u32, why: u32) -> Result<(), String> {
        self.say("NotificationClosed", &(toast, why))
    }

    fn say<B: serde::Serialize + zbus::zvariant::DynamicType>(
        &self,
        name: &str,
        body: &B,
    ) -> Result<(), String> {
        self.bus
            .emit_signal(None::<&str>, PATH, "org.freedesktop.Notifications", name, body)
            .map_err(|error| error.to_string())
    }
}

struct Service {
    manner: Arc<Mutex<Manner>>,
    last: AtomicU32,
}

impl Service {
    fn manner(&self) -> Manner {
        self.manner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    fn get_capabilities(&self) -> Vec<String> {
        self.manner().capabilities
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        (self.manner().name, "test".to_owned(), "1".to_owned(), "1.2".to_owned())
    }

    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &self,
        _app: String,
        replaces: u32,
        _icon: String,
        _title: String,
        _body: String,
        _actions: Vec<String>,
        _hints: std::collections::HashMap<String, OwnedValue>,
        _expires: i32,
    ) -> fdo::Result<u32> {
        let manner = self.manner();
        thread::sleep(manner.delay);
        match manner.refuses {
            Some(why) => Err(fdo::Error::Failed(why)),
            None if replaces != 0 => Ok(replaces),
            None => Ok(self.last.fetch_add(1, Ordering::SeqCst) + 1),
        }
    }

    fn close_notification(&self, _id: u32) {
        thread::sleep(self.manner().closing);
    }
}
