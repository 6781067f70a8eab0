//! Toasts by the Desktop Notifications specification 1.2: what is said to the server, and what the server can do.

use super::{
    super::markup,
    value::{Dict, Image, Value},
};
use crate::{ShellConfig, icon, text};
use agent_core::view::{ToastKind, ToastView, TrayIcon};
use zbus::{Connection, Message};

pub(super) const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What the server can do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) actions: bool,
    pub(super) markup: bool,
    /// It lets the user type an answer into a toast.
    pub(super) replies: bool,
}

impl Server {
    /// Asks the server, which starts it where the bus knows how.
    pub(super) async fn ask(bus: &Connection) -> zbus::Result<Self> {
        let answer = call(bus, "GetCapabilities", &()).await?;
        let capabilities: Vec<String> = answer.body().deserialize()?;
        let has = |name: &str| capabilities.iter().any(|capability| capability == name);
        let answer = call(bus, "GetServerInformation", &()).await?;
        let (name, ..): (String, String, String, String) = answer.body().deserialize()?;
        Ok(Self { name, actions: has("actions"), markup: has("body-markup"), replies: has("inline-reply") })
    }

    /// Why its toasts have no buttons to click, if they have none.
    pub(super) fn button_problem(&self) -> Option<String> {
        let how = "answer from the tray menu, with the hotkey or with \"trayphone answer\"";
        let name = text::one_line(&self.name, 40);
        if !self.actions {
            return Some(format!("The notification service {name} shows no buttons: {how}."));
        }
        match self.name.to_ascii_lowercase().as_str() {
            "dunst" => Some(format!("dunst draws no buttons: {how}, or press dunst's own context-menu key.")),
            "mako" => Some(format!("mako draws no buttons: {how}, or with \"makoctl menu\".")),
            _ => None,
        }
    }
}

/// Draws what all toasts share.
pub(super) struct Painter {
    name: String,
    id: String,
    pictures: Vec<(ToastKind, Image)>,
}

impl Painter {
    pub(super) fn new(config: &ShellConfig) -> Self {
        let kinds = [
            ToastKind::Ringing,
            ToastKind::Missed,
            ToastKind::Message,
            ToastKind::Question,
            ToastKind::Trouble,
            ToastKind::Info,
        ];
        let pictures = kinds.into_iter().map(|kind| (kind, image(kind))).collect();
        Self { name: config.name.clone(), id: config.id.clone(), pictures }
    }

    /// Puts a toast up, or replaces the one that has the id `replaces` (0: none). Gives the server's id.
    pub(super) async fn notify(
        &self,
        bus: &Connection,
        server: &Server,
        toast: (&ToastView, &[String]),
        replaces: u32,
    ) -> zbus::Result<u32> {
        let (view, keys) = toast;
        let title = text::one_line(&view.title, text::SHORT);
        let mut body = text::lines(&view.line, text::LONG);
        if server.markup {
            body = markup::escape(&body);
        }
        let words: Vec<String> = view.buttons.iter().map(|button| text::one_line(&button.text, 60)).collect();
        let mut actions: Vec<&str> = Vec::new();
        if server.actions {
            for (key, word) in keys.iter().zip(&words) {
                actions.extend([key.as_str(), word.as_str()]);
            }
        }
        let body = (&self.name, replaces, "", title, body, actions, self.hints(view), expires(view.kind));
        let answer = call(bus, "Notify", &body).await?;
        answer.body().deserialize()
    }

    fn hints(&self, view: &ToastView) -> Dict<'_> {
        let mut hints = Dict::from([
            ("desktop-entry", Value::Text(&self.id)),
            ("urgency", Value::Byte(urgency(view.kind))),
            // Sounds are ours to make: a ringing phone rings, and nothing else does.
            ("suppress-sound", Value::Bool(true)),
            ("category", Value::Text(category(view.kind))),
        ]);
        if !matches!(view.kind, ToastKind::Missed | ToastKind::Message) {
            // Of no use once it is over: kept out of the list of past notifications.
            hints.insert("transient", Value::Bool(true));
        }
        if let Some((_, picture)) = self.pictures.iter().find(|(kind, _)| *kind == view.kind) {
            hints.insert("image-data", Value::Image(picture));
        }
        hints
    }
}

/// Takes a toast down.
pub(super) async fn close(bus: &Connection, server: u32) -> zbus::Result<()> {
    call(bus, "CloseNotification", &server).await.map(drop)
}

async fn call<B>(bus: &Connection, member: &str, body: &B) -> zbus::Result<Message>
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
{
    bus.call_method(Some(SERVICE), PATH, Some(SERVICE), member, body).await
}

fn urgency(kind: ToastKind) -> u8 {
    match kind {
        ToastKind::Ringing => 2,
        ToastKind::Missed | ToastKind::Message | ToastKind::Question | ToastKind::Trouble => 1,
        ToastKind::Info => 0,
    }
}

fn category(kind: ToastKind) -> &'static str {
    match kind {
        ToastKind::Ringing => "call.incoming",
        ToastKind::Missed => "call.unanswered",
        ToastKind::Message => "im.received",
        ToastKind::Question | ToastKind::Trouble | ToastKind::Info => "call",
    }
}

/// 0: never by itself; -1: when the server thinks it is time.
fn expires(kind: ToastKind) -> i32 {
    match kind {
        ToastKind::Ringing | ToastKind::Question => 0,
        ToastKind::Missed | ToastKind::Message | ToastKind::Trouble | ToastKind::Info => -1,
    }
}

fn image(kind: ToastKind) -> Image {
    let icon = match kind {
        ToastKind::Ringing | ToastKind::Question => TrayIcon::Ringing,
        ToastKind::Missed => TrayIcon::Missed,
        ToastKind::Trouble => TrayIcon::Error,
        ToastKind::Message | ToastKind::Info => TrayIcon::Ready,
    };
    let picture = icon::draw(icon, 48);
    let size = picture.size as i32;
    (size, size, size * 4, true, 8, 4, picture.rgba)
}
