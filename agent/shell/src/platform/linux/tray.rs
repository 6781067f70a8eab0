//! The status icon as desktops ask for it: StatusNotifierItem and com.canonical.dbusmenu, answered by hand.

use super::{
    super::markup,
    value::{Dict, Layout, Pixmap, Value},
};
use crate::{
    ShellConfig, icon,
    menu::{Change, Line, Menu},
    text,
};
use agent_core::{
    action::Action,
    view::{MenuItem, TrayIcon, TrayView},
};
use serde::Deserialize;
use std::time::Instant;
use zbus::{
    Connection, Message,
    zvariant::{ObjectPath, OwnedValue},
};

pub(super) const ITEM_PATH: &str = "/StatusNotifierItem";
const MENU_PATH: &str = "/MenuBar";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// The sizes offered to the host, pixels.
const SIZES: [u32; 4] = [22, 24, 32, 48];

/// What the host shows.
pub(super) struct Tray {
    name: String,
    id: String,
    shown: TrayView,
    pixmaps: Vec<Pixmap>,
    menu: Menu,
    revision: u32,
}

impl Tray {
    pub(super) fn new(config: &ShellConfig) -> Self {
        let shown = TrayView::default();
        let pixmaps = pixmaps(shown.icon);
        Self {
            name: config.name.clone(),
            id: config.id.clone(),
            shown,
            pixmaps,
            menu: Menu::default(),
            revision: 1,
        }
    }

    /// Shows the view, telling the host what changed.
    pub(super) async fn show(&mut self, bus: &Connection, view: &TrayView) -> zbus::Result<()> {
        let old = std::mem::replace(&mut self.shown, view.clone());
        if old.icon != view.icon {
            self.pixmaps = pixmaps(view.icon);
            bus.emit_signal(NOBODY, ITEM_PATH, ITEM, "NewIcon", &()).await?;
            bus.emit_signal(NOBODY, ITEM_PATH, ITEM, "NewAttentionIcon", &()).await?;
            if status(old.icon) != status(view.icon) {
                bus.emit_signal(NOBODY, ITEM_PATH, ITEM, "NewStatus", &status(view.icon)).await?;
            }
        }
        if old.tooltip != view.tooltip {
            bus.emit_signal(NOBODY, ITEM_PATH, ITEM, "NewToolTip", &()).await?;
        }
        if old.menu != view.menu {
            let change = self.menu.set(Instant::now(), &view.menu);
            self.tell_menu(bus, &change).await?;
        }
        Ok(())
    }

    /// Says once more that everything may have changed.
    pub(super) async fn repeat(&mut self, bus: &Connection) -> zbus::Result<()> {
        for signal in ["NewIcon", "NewAttentionIcon", "NewToolTip"] {
            bus.emit_signal(NOBODY, ITEM_PATH, ITEM, signal, &()).await?;
        }
        bus.emit_signal(NOBODY, ITEM_PATH, ITEM, "NewStatus", &status(self.shown.icon)).await?;
        let everything =
            Change { layout: true, reworded: self.menu.lines().iter().map(|line| line.id).collect() };
        self.tell_menu(bus, &everything).await
    }

    async fn tell_menu(&mut self, bus: &Connection, change: &Change) -> zbus::Result<()> {
        if !change.reworded.is_empty() {
            let updated: Vec<(i32, Dict<'_>)> = self
                .menu
                .lines()
                .iter()
                .filter(|line| change.reworded.contains(&line.id))
                .map(|line| (line.id, properties(line, &[])))
                .collect();
            let removed: Vec<(i32, Vec<&str>)> = Vec::new();
            bus.emit_signal(NOBODY, MENU_PATH, MENU, "ItemsPropertiesUpdated", &(updated, removed)).await?;
        }
        if change.layout {
            self.revision = self.revision.wrapping_add(1);
            bus.emit_signal(NOBODY, MENU_PATH, MENU, "LayoutUpdated", &(self.revision, 0i32)).await?;
        }
        Ok(())
    }

    /// Answers a call of the host; gives what the user wants by it. A call that makes no sense gets an error back.
    pub(super) async fn answer(&mut self, bus: &Connection, call: &Message) -> zbus::Result<Option<Action>> {
        let header = call.header();
        let path = header.path().map(|path| path.as_str()).unwrap_or_default();
        let interface = header.interface().map(|name| name.as_str()).unwrap_or_default();
        let member = header.member().map(|name| name.as_str()).unwrap_or_default();
        let done = match (path, interface, member) {
            (_, PROPERTIES, _) if path == ITEM_PATH || path == MENU_PATH => {
                self.answer_properties(bus, call, path == MENU_PATH, member).await?
            }
            (ITEM_PATH, ITEM | "", _) => return self.answer_item(bus, call, member).await,
            (MENU_PATH, MENU | "", "Event" | "EventGroup") => {
                return self.answer_event(bus, call, member).await;
            }
            (MENU_PATH, MENU | "", _) => self.answer_menu(bus, call, member).await?,
            (_, "org.freedesktop.DBus.Introspectable", "Introspect") => {
                let page = match path {
                    ITEM_PATH => ITEM_XML,
                    MENU_PATH => MENU_XML,
                    _ => "<node/>",
                };
                bus.reply(&header, &page).await?;
                true
            }
            (_, "org.freedesktop.DBus.Peer", "Ping") => {
                bus.reply(&header, &()).await?;
                true
            }
            _ => false,
        };
        if !done {
            refuse(bus, call, "UnknownMethod", "There is no such method here.").await?;
        }
        Ok(None)
    }

    async fn answer_item(
        &self,
        bus: &Connection,
        call: &Message,
        member: &str,
    ) -> zbus::Result<Option<Action>> {
        let action = match member {
            // Only hosts that do not open the menu on a left click come here (ItemIsMenu asks them to).
            "Activate" => Some(Action::Show),
            // A middle click or a turn of the wheel does nothing: neither may change a call by accident.
            "SecondaryActivate"
            | "ContextMenu"
            | "Scroll"
            | "XAyatanaSecondaryActivate"
            | "ProvideXdgActivationToken" => None,
            _ => {
                refuse(bus, call, "UnknownMethod", "There is no such method here.").await?;
                return Ok(None);
            }
        };
        bus.reply(&call.header(), &()).await?;
        Ok(action)
    }

    async fn answer_properties(
        &self,
        bus: &Connection,
        call: &Message,
        menu: bool,
        member: &str,
    ) -> zbus::Result<bool> {
        let mut all = if menu { menu_properties() } else { self.properties() };
        match member {
            "GetAll" => bus.reply(&call.header(), &all).await?,
            "Get" => {
                let Ok((_, name)) = call.body().deserialize::<(String, String)>() else { return Ok(false) };
                match all.remove(name.as_str()) {
                    Some(value) => bus.reply(&call.header(), &value).await?,
                    None => refuse(bus, call, "UnknownProperty", "There is no such property.").await?,
                }
            }
            "Set" => refuse(bus, call, "PropertyReadOnly", "Nothing can be set here.").await?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn properties(&self) -> Dict<'_> {
        let tooltip = markup::escape(&text::lines(&self.shown.tooltip, text::LONG));
        Dict::from([
            ("Category", Value::Text("Communications")),
            ("Id", Value::Text(&self.id)),
            ("Title", Value::Text(&self.name)),
            ("Status", Value::Text(status(self.shown.icon))),
            ("WindowId", Value::Int(0)),
            ("IconName", Value::Text("")),
            ("IconThemePath", Value::Text("")),
            ("IconPixmap", Value::Pixmaps(&self.pixmaps)),
            ("OverlayIconName", Value::Text("")),
            ("OverlayIconPixmap", Value::Pixmaps(&[])),
            ("AttentionIconName", Value::Text("")),
            ("AttentionIconPixmap", Value::Pixmaps(&self.pixmaps)),
            ("AttentionMovieName", Value::Text("")),
            ("ToolTip", Value::ToolTip(("", &[], &self.name, tooltip))),
            ("ItemIsMenu", Value::Bool(true)),
            ("Menu", Value::Path(ObjectPath::from_static_str_unchecked(MENU_PATH))),
        ])
    }

    async fn answer_menu(&mut self, bus: &Connection, call: &Message, member: &str) -> zbus::Result<bool> {
        let header = call.header();
        let body = call.body();
        match member {
            "GetLayout" => {
                let Ok((parent, depth, names)) = body.deserialize::<(i32, i32, Vec<String>)>() else {
                    return Ok(false);
                };
                match self.layout(parent, depth, &names) {
                    Some(layout) => bus.reply(&header, &(self.revision, layout)).await?,
                    None => refuse(bus, call, "InvalidArgs", "There is no such menu entry.").await?,
                }
            }
            "GetGroupProperties" => {
                let Ok((ids, names)) = body.deserialize::<(Vec<i32>, Vec<String>)>() else {
                    return Ok(false);
                };
                let mut found: Vec<(i32, Dict<'_>)> = Vec::new();
                if ids.contains(&0) || ids.is_empty() {
                    found.push((0, root_properties()));
                }
                let lines = self.menu.lines().iter();
                found.extend(
                    lines
                        .filter(|line| ids.is_empty() || ids.contains(&line.id))
                        .map(|line| (line.id, properties(line, &names))),
                );
                bus.reply(&header, &found).await?;
            }
            "GetProperty" => {
                let Ok((id, name)) = body.deserialize::<(i32, String)>() else { return Ok(false) };
                let line = self.menu.lines().iter().find(|line| line.id == id);
                match line.and_then(|line| properties(line, &[]).remove(name.as_str())) {
                    Some(value) => bus.reply(&header, &value).await?,
                    None => refuse(bus, call, "InvalidArgs", "There is no such menu entry.").await?,
                }
            }
            // The menu is always up to date: every change was told.
            "AboutToShow" => {
                self.menu.opened(Instant::now());
                bus.reply(&header, &false).await?;
            }
            "AboutToShowGroup" => {
                self.menu.opened(Instant::now());
                bus.reply(&header, &(Vec::<i32>::new(), Vec::<i32>::new())).await?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn layout(&self, parent: i32, depth: i32, names: &[String]) -> Option<Layout<'_>> {
        if parent != 0 {
            let line = self.menu.lines().iter().find(|line| line.id == parent)?;
            return Some((line.id, properties(line, names), Vec::new()));
        }
        let children = match depth {
            0 => Vec::new(),
            _ => self
                .menu
                .lines()
                .iter()
                .map(|line| Value::Layout(Box::new((line.id, properties(line, names), Vec::new()))))
                .collect(),
        };
        Some((0, root_properties(), children))
    }

    async fn answer_event(
        &mut self,
        bus: &Connection,
        call: &Message,
        member: &str,
    ) -> zbus::Result<Option<Action>> {
        let body = call.body();
        let events: Vec<MenuEvent> = if member == "Event" {
            body.deserialize::<MenuEvent>().into_iter().collect()
        } else {
            body.deserialize::<Vec<MenuEvent>>().unwrap_or_default()
        };
        if member == "Event" {
            bus.reply(&call.header(), &()).await?;
        } else {
            bus.reply(&call.header(), &Vec::<i32>::new()).await?;
        }
        let now = Instant::now();
        if events.iter().any(|(id, event, ..)| *id == 0 && event == "opened") {
            self.menu.opened(now);
        }
        let clicked = events.iter().filter(|(_, event, ..)| event == "clicked");
        Ok(clicked.filter_map(|(id, ..)| self.menu.action(now, *id)).next().cloned())
    }
}

/// A signal that goes to whoever listens.
const NOBODY: Option<&str> = None;

/// Entry, event, its data, the X server's time.
type MenuEvent = (i32, String, OwnedValue, u32);

/// Asks the host to make a call that rings visible even when it hides quiet icons.
fn status(icon: TrayIcon) -> &'static str {
    if icon == TrayIcon::Ringing { "NeedsAttention" } else { "Active" }
}

fn pixmaps(icon: TrayIcon) -> Vec<Pixmap> {
    SIZES.iter().map(|size| pixmap(icon, *size)).collect()
}

fn pixmap(icon: TrayIcon, size: u32) -> Pixmap {
    let mut pixels = icon::draw(icon, size).rgba;
    for pixel in pixels.chunks_exact_mut(4) {
        pixel.rotate_right(1);
    }
    (size as i32, size as i32, pixels)
}

fn root_properties() -> Dict<'static> {
    Dict::from([("children-display", Value::Text("submenu"))])
}

fn menu_properties() -> Dict<'static> {
    Dict::from([
        ("Version", Value::UInt(3)),
        ("TextDirection", Value::Text("ltr")),
        ("Status", Value::Text("normal")),
        ("IconThemePath", Value::Texts(&[])),
    ])
}

/// The line's properties; all, or only those named.
fn properties(line: &Line, names: &[String]) -> Dict<'static> {
    let mut all = Dict::new();
    match &line.item {
        // An underscore marks the key that chooses the entry; a caller's name holds none.
        MenuItem::Label(words) | MenuItem::Entry { text: words, .. } => {
            let entry = matches!(line.item, MenuItem::Entry { .. });
            all.insert("label", Value::Owned(text::one_line(words, text::SHORT).replace('_', "__")));
            all.insert("enabled", Value::Bool(entry));
            all.insert("visible", Value::Bool(true));
        }
        MenuItem::Separator => {
            all.insert("type", Value::Text("separator"));
            all.insert("visible", Value::Bool(true));
        }
    }
    if !names.is_empty() {
        all.retain(|name, _| names.iter().any(|wanted| wanted == name));
    }
    all
}

async fn refuse(bus: &Connection, call: &Message, name: &str, why: &str) -> zbus::Result<()> {
    bus.reply_error(&call.header(), format!("org.freedesktop.DBus.Error.{name}"), &why).await
}

/// Reads a property's answer.
pub(super) fn property<T>(answer: &Message) -> Option<T>
where
    T: TryFrom<OwnedValue> + for<'a> Deserialize<'a>,
{
    T::try_from(answer.body().deserialize::<OwnedValue>().ok()?).ok()
}

const ITEM_XML: &str = include_str!("item.xml");
const MENU_XML: &str = include_str!("menu.xml");
