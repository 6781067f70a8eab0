//! The desktop: tray, toasts, hotkeys, the selection, opening pages, one instance a user.
