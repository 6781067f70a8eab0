//! The tray menu with ids that never come back: a click that was on its way when the menu changed means what was read.

use agent_core::{action::Action, view::MenuItem};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Clicks on this many entries that have gone still find their action.
const REMEMBERED: usize = 64;
/// A line that came or moved is not clicked by choice for so long: who was about to click read what stood there before.
const SETTLING: Duration = Duration::from_millis(700);

/// One line as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Unique among all lines there ever were.
    pub(crate) id: i32,
    /// What it is.
    pub(crate) item: MenuItem,
    /// Since when it has stood at its height in the menu.
    since: Instant,
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
    pub(crate) fn set(&mut self, now: Instant, items: &[MenuItem]) -> Change {
        let heights = heights(self.lines.iter().map(|line| &line.item));
        let mut old: Vec<(Line, Height)> = std::mem::take(&mut self.lines).into_iter().zip(heights).collect();
        let before: Vec<i32> = old.iter().map(|(line, _)| line.id).collect();
        let mut change = Change::default();
        for (item, height) in items.iter().zip(self::heights(items)) {
            let (id, since) = match old.iter().position(|(line, _)| same(&line.item, item)) {
                Some(found) => {
                    let (line, was) = old.remove(found);
                    if line.item != *item {
                        change.reworded.push(line.id);
                    }
                    (line.id, if was == height { line.since } else { now })
                }
                None => {
                    self.last = self.last.checked_add(1).unwrap_or(1);
                    (self.last, now)
                }
            };
            self.lines.push(Line { id, item: item.clone(), since });
        }
        for (line, _) in old {
            if let MenuItem::Entry { action, .. } = line.item {
                self.gone.push_back((line.id, action));
            }
        }
        self.gone.drain(..self.gone.len().saturating_sub(REMEMBERED));
        change.layout = !self.lines.iter().map(|line| line.id).eq(before);
        change
    }

    /// What a click on the line means. One that hits a line which slid under the pointer a moment ago means nothing:
    /// the caller who was about to be answered has hung up, and the next one stands in that place.
    pub(crate) fn action(&self, now: Instant, id: i32) -> Option<&Action> {
        let Some(line) = self.lines.iter().find(|line| line.id == id) else {
            return self.gone.iter().find(|(gone, _)| *gone == id).map(|(_, action)| action);
        };
        match &line.item {
            MenuItem::Entry { action, .. } if now.saturating_duration_since(line.since) >= SETTLING => {
                Some(action)
            }
            MenuItem::Entry { .. } => {
                tracing::info!("a click on a menu line that had just moved there was not taken");
                None
            }
            MenuItem::Label(_) | MenuItem::Separator => None,
        }
    }

    /// The menu was opened anew at that time: what stood in it then and is clicked was read as it stands.
    pub(crate) fn opened(&mut self, at: Instant) {
        let settled = at.checked_sub(SETTLING).unwrap_or(at);
        let stood = self.lines.iter_mut().filter(|line| line.since <= at);
        stood.for_each(|line| line.since = line.since.min(settled));
    }
}

/// How far down a line stands: the lines of text and the separators above it.
type Height = (usize, usize);

fn heights<'a>(items: impl IntoIterator<Item = &'a MenuItem>) -> Vec<Height> {
    let above = items.into_iter().scan((0, 0), |next, item| {
        let here = *next;
        match item {
            MenuItem::Separator => next.1 += 1,
            MenuItem::Label(_) | MenuItem::Entry { .. } => next.0 += 1,
        }
        Some(here)
    });
    above.collect()
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

    /// Long after everything has settled.
    fn later() -> Instant {
        Instant::now() + SETTLING * 2
    }

    #[test]
    fn a_click_on_its_way_never_reaches_another_call() {
        let mut menu = Menu::default();
        let now = Instant::now();
        menu.set(now, &[answer("Answer +4930123", 1), MenuItem::Separator]);
        let id = menu.lines()[0].id;
        let change = menu.set(now, &[answer("Answer Alice", 1), MenuItem::Separator]);
        assert_eq!(change, Change { layout: false, reworded: vec![id] });
        let change = menu.set(now, &[answer("Answer Bob", 3), MenuItem::Separator]);
        assert!(change.layout, "the same shape, yet another line");
        assert_ne!(menu.lines()[0].id, id);
        assert_eq!(menu.action(now, id), Some(&Action::Answer { call: Some(CallId(1)) }));
        assert_eq!(menu.action(later(), menu.lines()[0].id), Some(&Action::Answer { call: Some(CallId(3)) }));
        assert_eq!(menu.action(later(), menu.lines()[1].id), None);
        assert_eq!(menu.action(later(), -7), None);
    }

    #[test]
    fn a_line_that_slid_under_the_pointer_is_not_clicked() {
        let mut menu = Menu::default();
        let began = Instant::now();
        let decline = |call| MenuItem::Entry {
            text: "Decline".to_owned(),
            action: Action::Decline { call: Some(CallId(call)) },
        };
        menu.set(began, &[answer("Answer Alice", 1), decline(1), answer("Answer Bob", 3), decline(3)]);
        let bob = menu.lines()[2].id;
        let read = began + SETTLING;
        assert_eq!(menu.action(read, bob), Some(&Action::Answer { call: Some(CallId(3)) }));
        // Alice hangs up, and Bob's line is where hers was.
        menu.set(read, &[answer("Answer Bob", 3), decline(3)]);
        assert_eq!(menu.action(read + Duration::from_millis(500), bob), None);
        assert_eq!(menu.action(read + SETTLING, bob), Some(&Action::Answer { call: Some(CallId(3)) }));
        // Worded anew in its place, it can be clicked at once; and so can everything in a menu opened after the change.
        let named = read + SETTLING;
        menu.set(named, &[answer("Answer Bob Builder", 3), decline(3)]);
        assert!(menu.action(named, bob).is_some());
        menu.set(
            named,
            &[MenuItem::Label("ringing".to_owned()), answer("Answer Bob Builder", 3), decline(3)],
        );
        assert!(menu.action(named, bob).is_none());
        // Told late: it was opened before the line slid, and so shows nothing that was read.
        menu.opened(read);
        assert!(menu.action(named, bob).is_none());
        menu.opened(named);
        assert!(menu.action(named, bob).is_some());
    }

    #[test]
    fn ids_stay_when_lines_are_put_between() {
        let mut menu = Menu::default();
        let now = Instant::now();
        menu.set(now, &[MenuItem::Label("Ready".to_owned()), answer("a", 1), answer("b", 3)]);
        let ids: Vec<i32> = menu.lines().iter().map(|line| line.id).collect();
        let items =
            [MenuItem::Label("2 calls".to_owned()), answer("a", 1), MenuItem::Separator, answer("b", 3)];
        let change = menu.set(now, &items);
        assert_eq!(change, Change { layout: true, reworded: vec![ids[0]] });
        assert_eq!((menu.lines()[1].id, menu.lines()[3].id), (ids[1], ids[2]));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut menu = Menu::default();
        for call in 0..1000 {
            menu.set(Instant::now(), &[answer("x", call)]);
        }
        assert_eq!(menu.gone.len(), REMEMBERED);
    }
}
