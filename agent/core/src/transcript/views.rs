//! A view as lines: what changed since the last one.

use super::mask::Mask;
use crate::view::{MenuItem, ToastView, View};

/// A view in one line.
pub(super) fn summary(view: &View) -> String {
    format!("View {{ icon: {:?}, toasts: {}, sound: {:?} }}", view.tray.icon, view.toasts.len(), view.sound)
}

/// What changed from one view to the next: toasts, icon, sound. The menu follows from the calls and is left out.
pub(super) fn changes(before: &View, after: &View, mask: Mask) -> Vec<String> {
    let mut lines = Vec::new();
    for old in &before.toasts {
        if !after.toasts.iter().any(|t| t.id == old.id) {
            lines.push(format!("Untoast {{ id: {} }}", old.id));
        }
    }
    for new in &after.toasts {
        if before.toasts.iter().find(|t| t.id == new.id) != Some(new) {
            lines.push(toast(new, mask));
        }
    }
    if (before.tray.icon, &before.tray.tooltip) != (after.tray.icon, &after.tray.tooltip) {
        let tooltip = mask.name(&after.tray.tooltip);
        lines.push(format!("Tray {{ icon: {:?}, tooltip: {tooltip} }}", after.tray.icon));
    }
    if before.sound != after.sound {
        lines.push(match after.sound {
            Some(sound) => format!("Sound {sound:?}"),
            None => "Sound off".to_owned(),
        });
    }
    if lines.is_empty() {
        let entries = after.tray.menu.iter().filter(|item| matches!(item, MenuItem::Entry { .. })).count();
        lines.push(format!("Menu {{ entries: {entries} }}"));
    }
    lines
}

fn toast(toast: &ToastView, mask: Mask) -> String {
    let call = toast.call.map(|call| format!(", call: {call}")).unwrap_or_default();
    let line =
        if toast.line.is_empty() { String::new() } else { format!(", line: {}", mask.name(&toast.line)) };
    let buttons: Vec<String> = match mask {
        Mask::Off => toast.buttons.iter().map(|b| b.text.clone()).collect(),
        // A question's buttons are numbers.
        Mask::On => toast.buttons.iter().map(|_| "…".to_owned()).collect(),
    };
    let buttons =
        if buttons.is_empty() { String::new() } else { format!(", buttons: [{}]", buttons.join(" | ")) };
    format!(
        "Toast {{ id: {}, kind: {:?}{call}, title: {}{line}{buttons} }}",
        toast.id,
        toast.kind,
        mask.name(&toast.title)
    )
}
