//! The tray as any other program sees it: what the status item says on the bus, and what stands in its menu.

use super::{Area, Desktop, Rgb, wait_for};
use std::collections::HashMap;
use zbus::{
    blocking::{Connection, connection::Builder},
    zvariant::{OwnedValue, Structure, Value},
};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// A menu as it crosses the bus: its id, its properties, its lines.
type Root = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// One line of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The words; empty for a separator.
    pub text: String,
    /// It can be clicked.
    pub enabled: bool,
}

/// The one status item of a desktop, read on its bus.
#[derive(Debug)]
pub struct Tray {
    bus: Connection,
}

impl Tray {
    /// Begins to look at a bus.
    pub fn on(desktop: &Desktop) -> Result<Self, String> {
        let bus = Builder::address(desktop.bus_address().as_str()).and_then(Builder::build);
        Ok(Self { bus: bus.map_err(|error| error.to_string())? })
    }

    /// What the tooltip says; nothing while there is no item.
    pub fn tooltip(&self) -> Option<String> {
        let tooltip = Structure::try_from(self.item("ToolTip")?).ok()?;
        match tooltip.fields() {
            [_, _, _, Value::Str(text)] => Some(text.to_string()),
            _ => None,
        }
    }

    /// `Active`, or `NeedsAttention`.
    pub fn status(&self) -> Option<String> {
        self.item("Status")?.try_into().ok()
    }

    /// The menu's lines, top to bottom; nothing while there is no item.
    pub fn menu(&self) -> Option<Vec<Row>> {
        let (owner, _) = self.address()?;
        let nothing: [&str; 0] = [];
        let asked = (0i32, -1i32, &nothing[..]);
        let answer = self.bus.call_method(Some(owner.as_str()), "/MenuBar", Some(MENU), "GetLayout", &asked);
        let (_, (_, _, lines)): (u32, Root) = answer.ok()?.body().deserialize().ok()?;
        lines.into_iter().map(row).collect()
    }

    fn item(&self, name: &str) -> Option<OwnedValue> {
        let (owner, path) = self.address()?;
        self.property(&owner, &path, ITEM, name)
    }

    /// Whose the item is, and where.
    fn address(&self) -> Option<(String, String)> {
        let items =
            self.property(WATCHER, "/StatusNotifierWatcher", WATCHER, "RegisteredStatusNotifierItems")?;
        let items = Vec::<String>::try_from(items).ok()?;
        let item = items.first()?;
        let at = item.find('/')?;
        Some((item[..at].to_owned(), item[at..].to_owned()))
    }

    fn property(&self, owner: &str, path: &str, of: &str, name: &str) -> Option<OwnedValue> {
        let answer = self.bus.call_method(Some(owner), path, Some(PROPERTIES), "Get", &(of, name));
        answer.ok()?.body().deserialize().ok()
    }
}

fn row(line: OwnedValue) -> Option<Row> {
    let line = Structure::try_from(line).ok()?;
    let Some(Value::Dict(properties)) = line.fields().get(1) else { return None };
    let named = |name: &str| {
        let found = properties.iter().find(|(key, _)| matches!(key, Value::Str(key) if key.as_str() == name));
        found.map(|(_, value)| value)
    };
    let text: String = named("label").and_then(|value| value.downcast_ref().ok()).unwrap_or_default();
    let enabled = named("enabled").and_then(|value| value.downcast_ref().ok()).unwrap_or(false);
    // Two underscores are one: a single one marks a key.
    Some(Row { text: text.replace("__", "_"), enabled })
}

/// A menu that is open on the screen.
#[derive(Debug)]
pub struct OpenMenu {
    /// Its place.
    pub area: Area,
    /// Its lines without the separators, each with its middle on the screen.
    pub rows: Vec<(Row, (i32, i32))>,
}

impl OpenMenu {
    /// Where the line stands that begins with these words.
    pub fn at(&self, words: &str) -> Result<(i32, i32), String> {
        let found = self.rows.iter().find(|(row, _)| row.enabled && row.text.starts_with(words));
        found.map(|(_, at)| *at).ok_or_else(|| format!("no line {words:?} in {:#?}", self.rows))
    }
}

impl Desktop {
    /// Opens the tray's menu by a click on its icon, which is known by its colour, and reads it: the words on the bus,
    /// their places on the screen, which must be as many.
    pub fn open_menu(&self, tray: &Tray, icon: Rgb) -> Result<OpenMenu, String> {
        self.open_menu_writing(tray, icon, "")
    }

    /// The same by a hand that writes until the moment it clicks.
    pub fn open_menu_writing(&self, tray: &Tray, icon: Rgb, text: &str) -> Result<OpenMenu, String> {
        let icon = self.wait_for_colour(icon, 60, Area::PANEL)?;
        let before = self.menus();
        let (x, y) = (icon.0.to_string(), icon.1.to_string());
        let mut steps = Vec::new();
        if !text.is_empty() {
            steps.extend(["type", "--delay", "15", "--args", "1", text]);
        }
        steps.extend(["mousemove", &x, &y, "sleep", "0.05", "click", "3"]);
        self.run("xdotool", &steps)?;
        let area = self.new_menu(&before)?;
        wait_for("the menu's words", || {
            let words: Vec<Row> = tray.menu()?.into_iter().filter(|row| !row.text.is_empty()).collect();
            let middles = self.screenshot().ok()?.text_lines(area);
            (words.len() == middles.len()).then(|| {
                let x = area.at(0.4, 0.0).0;
                let rows = words.into_iter().zip(middles).map(|(row, y)| (row, (x, y))).collect();
                OpenMenu { area, rows }
            })
        })
    }

    /// Presses a button on an icon of the panel; the menu that opens, found as the window that was not there before.
    pub fn open_menu_at(&self, icon: (i32, i32), button: u32) -> Result<Area, String> {
        let before = self.menus();
        self.click(icon, button)?;
        self.new_menu(&before)
    }

    fn new_menu(&self, before: &[Area]) -> Result<Area, String> {
        wait_for("the menu", || {
            self.menus().into_iter().find(|area| !before.contains(area) && area.height > 40)
        })
    }

    /// Waits until the line of an open menu that begins with these words has gone from its place on the screen, and the
    /// menu is drawn to the end. `does` is what makes it go.
    pub fn wait_for_moved_line(
        &self,
        menu: &OpenMenu,
        words: &str,
        does: impl FnOnce(),
    ) -> Result<(), String> {
        let (_, middle) = menu.at(words)?;
        let line = Area { y: middle - 8, height: 16, ..menu.area };
        let before = self.pixels(line)?;
        does();
        wait_for("the line to go from its place", || (self.pixels(line).ok()? != before).then_some(()))?;
        let mut last = self.pixels(menu.area)?;
        wait_for("the menu to be drawn", || {
            let now = self.pixels(menu.area).ok()?;
            (std::mem::replace(&mut last, now) == last).then_some(())
        })
    }

    /// Waits until no menu is open.
    pub fn wait_for_no_menu(&self) -> Result<(), String> {
        wait_for("the menu to close", || self.menus().iter().all(|area| area.height <= 40).then_some(()))
    }

    fn menus(&self) -> Vec<Area> {
        self.windows("wrapper-2.0|xfce4-panel")
    }
}
