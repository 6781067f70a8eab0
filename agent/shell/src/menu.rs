//! The tray menu with ids that never come back: a click that was on its way when the menu changed means what was read.

use agent_core::{action::Action, view::MenuItem};
use std::collections::VecDeque;

/// Clicks on this many entries that have gone still find their action.
const REMEMBERED: usize = 64;

/// One line as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Unique among all lines there ever were.
    pub(crate) id: i32,
    /// What it is.
    pub(crate) item: MenuItem,
}

/// How two menus differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Change {
    /// Lines came, went or moved.
    pub(crate) layout: bool,
    /// Ids of lines that stayed but read differently now.
    pub(crate) reworded: Vec<i32>,
}

/// The menu that is up, and what went lately.
#[derive(Debug, Default)]
pub(crate) struct Menu {
    lines: Vec<Line>,
    gone: VecDeque<(i32, Action)>,
    last: i32,
}

impl Menu {
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Takes the items over. A line keeps its id as long as it does the same, even if it is worded anew: "Answer
    /// +4930123" becomes "Answer Alice" under the pointer, but never "Answer Bob".
    pub(crate) fn set(&mut self, items: &[MenuItem]) -> Change {
        let mut old = std::mem::take(&mut self.lines);
        let before: Vec<i32> = old.iter().map(|line| line.id).collect();
        let mut change = Change::default();
        for item in items {
            let id = match old.iter().position(|line| same(&line.item, item)) {
                Some(found) => {
                    let line = old.remove(found);
                    if line.item != *item {
                        change.reworded.push(line.id);
                    }
                    line.id
                }
                None => {
                    self.last = self.last.checked_add(1).unwrap_or(1);
                    self.last
                }
            };
            self.lines.push(Line { id, item: item.clone() });
        }
        for line in old {
            if let MenuItem::Entry { action, .. } = line.item {
                self.gone.push_back((line.id, action));
            }
        }
        self.gone.drain(..self.gone.len().saturating_sub(REMEMBERED));
        change.layout = !self.lines.iter().map(|line| line.id).eq(before);
        change
    }

    /// What a click on the line means.
    pub(crate) fn action(&self, id: i32) -> Option<&Action> {
        let up = self.lines.iter().find(|line| line.id == id).and_then(|line| match &line.item {
            MenuItem::Entry { action, .. } => Some(action),
            MenuItem::Label(_) | MenuItem::Separator => None,
        });
        up.or_else(|| self.gone.iter().find(|(gone, _)| *gone == id).map(|(_, action)| action))
    }
}

fn same(a: &MenuItem, b: &MenuItem) -> bool {
    match (a, b) {
        (MenuItem::Entry { action: a, .. }, MenuItem::Entry { action: b, .. }) => a == b,
        (MenuItem::Label(_), MenuItem::Label(_)) | (MenuItem::Separator, MenuItem::Separator) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::id::CallId;

    fn answer(text: &str, call: u64) -> MenuItem {
        MenuItem::Entry { text: text.to_owned(), action: Action::Answer { call: Some(CallId(call)) } }
    }

    #[test]
    fn a_click_on_its_way_never_reaches_another_call() {
        let mut menu = Menu::default();
        menu.set(&[answer("Answer +4930123", 1), MenuItem::Separator]);
        let id = menu.lines()[0].id;
        let change = menu.set(&[answer("Answer Alice", 1), MenuItem::Separator]);
        assert_eq!(change, Change { layout: false, reworded: vec![id] });
        let change = menu.set(&[answer("Answer Bob", 3), MenuItem::Separator]);
        assert!(change.layout, "the same shape, yet another line");
        assert_ne!(menu.lines()[0].id, id);
        assert_eq!(menu.action(id), Some(&Action::Answer { call: Some(CallId(1)) }));
        assert_eq!(menu.action(menu.lines()[0].id), Some(&Action::Answer { call: Some(CallId(3)) }));
        assert_eq!(menu.action(menu.lines()[1].id), None);
        assert_eq!(menu.action(-7), None);
    }

    #[test]
    fn ids_stay_when_lines_are_put_between() {
        let mut menu = Menu::default();
        menu.set(&[MenuItem::Label("Ready".to_owned()), answer("a", 1), answer("b", 3)]);
        let ids: Vec<i32> = menu.lines().iter().map(|line| line.id).collect();
        let change = menu.set(&[
            MenuItem::Label("2 calls".to_owned()),
            answer("a", 1),
            MenuItem::Separator,
            answer("b", 3),
        ]);
        assert_eq!(change, Change { layout: true, reworded: vec![ids[0]] });
        assert_eq!((menu.lines()[1].id, menu.lines()[3].id), (ids[1], ids[2]));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut menu = Menu::default();
        for call in 0..1000 {
            menu.set(&[answer("x", call)]);
        }
        assert_eq!(menu.gone.len(), REMEMBERED);
    }
}
