//! The shell alone, driven by lines of JSON on standard input: for tests, and to look at a desktop by hand.
//!
//! `{"show": {"icon": "ringing", "tooltip": "…", "menu": [{"label": "…"}, {"line": true}, {"text": "Answer", "action":
//! {"action": "answer", "call": 1}}], "toasts": [{"id": 1, "kind": "ringing", "title": "…", "line": "…", "buttons":
//! [{"text": "Answer", "action": {…}}]}]}}`, `{"open": "https://…"}`, `{"hotkeys": {"answer": "Ctrl+Alt+A"}}`,
//! `{"dial": true}`, `{"select": true}`, `{"quit": true}`. What the shell tells is printed the same way, a line each.

use agent_core::{
    action::Action,
    id::CallId,
    port::shell::{ShellCommand, ShellEvent},
    settings::HotkeySettings,
    view::{Button, MenuItem, ToastKind, ToastView, TrayIcon, TrayView, View},
};
use agent_shell::{ShellConfig, ShellHandle, ShellInput};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    io::{BufRead, Write},
    sync::Arc,
};

fn main() {
    if let Some(folder) = std::env::args().nth(1) {
        return write_icons(&folder);
    }
    let (handle, inbox) = agent_shell::mailbox();
    let listening = handle.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if let Err(error) = obey(&listening, &line) {
                print(&json!({ "wrong": error.to_string() }));
            }
        }
        listening.quit();
    });
    let config = ShellConfig { hotkeys: no_hotkeys(), ..ShellConfig::default() };
    let tell = Arc::new(|input| print(&told(input)));
    if let Err(error) = agent_shell::run(config, inbox, tell) {
        print(&json!({ "wrong": error.to_string() }));
    }
    print(&json!({ "ended": true }));
    drop(handle);
}

/// Writes every picture as a raw RGBA file, for looking at.
fn write_icons(folder: &str) {
    for icon in ["connecting", "ready", "ringing", "in_call", "missed", "error"] {
        for size in [22, 32, 48, 128] {
            let picture = agent_shell::draw(tray_icon(icon), size);
            let path = format!("{folder}/{icon}-{size}.rgba");
            if let Err(error) = std::fs::write(&path, picture.rgba) {
                eprintln!("{path}: {error}");
            }
        }
    }
}

fn print(value: &Value) {
    let mut out = std::io::stdout().lock();
    // Whoever started us may have stopped listening: then there is nobody to tell.
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}

fn told(input: ShellInput) -> Value {
    match input {
        ShellInput::Action(action) => json!({ "did": action }),
        ShellInput::Event(ShellEvent::Part { part, problem }) => json!({ "part": part, "problem": problem }),
        ShellInput::Event(ShellEvent::OpenFailed { why }) => json!({ "open_failed": why }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Order {
    Show(Box<Shown>),
    Open(String),
    Hotkeys(Keys),
    Dial(Yes),
    Select(Yes),
    Quit(Yes),
}

/// `true`; there is nothing else to say.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct Yes;

impl TryFrom<bool> for Yes {
    type Error = &'static str;

    fn try_from(yes: bool) -> Result<Self, Self::Error> {
        yes.then_some(Self).ok_or("only true makes sense here")
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Keys {
    answer: String,
    hang_up: String,
    dial_selection: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    #[serde(default)]
    icon: String,
    #[serde(default)]
    tooltip: String,
    #[serde(default)]
    menu: Vec<Line>,
    #[serde(default)]
    toasts: Vec<Toast>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Entry { text: String, action: Action },
    Label { label: String },
    Separator { line: Yes },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Toast {
    id: u64,
    kind: String,
    title: String,
    #[serde(default)]
    line: String,
    #[serde(default)]
    buttons: Vec<Press>,
}

#[derive(Deserialize)]
struct Press {
    text: String,
    action: Action,
}

fn obey(handle: &ShellHandle, line: &str) -> Result<(), serde_json::Error> {
    match serde_json::from_str(line)? {
        Order::Show(shown) => handle.show(view(*shown)),
        Order::Open(url) => handle.send(ShellCommand::OpenUrl { url }),
        Order::Hotkeys(Keys { answer, hang_up, dial_selection }) => {
            handle.hotkeys(HotkeySettings { answer, hang_up, dial_selection });
        }
        Order::Dial(Yes) => handle.dial_selection(),
        Order::Select(Yes) => handle.read_selection(|text| match text {
            Ok(text) => print(&json!({ "selection": text })),
            Err(problem) => print(&json!({ "no_selection": problem })),
        }),
        Order::Quit(Yes) => handle.quit(),
    }
    Ok(())
}

fn view(shown: Shown) -> View {
    let menu = shown.menu.into_iter().map(|line| match line {
        Line::Entry { text, action } => MenuItem::Entry { text, action },
        Line::Label { label } => MenuItem::Label(label),
        Line::Separator { line: Yes } => MenuItem::Separator,
    });
    let tray = TrayView { icon: tray_icon(&shown.icon), tooltip: shown.tooltip, menu: menu.collect() };
    let toasts = shown.toasts.into_iter().map(|toast| ToastView {
        id: toast.id,
        kind: kind(&toast.kind),
        call: Some(CallId(toast.id)),
        title: toast.title,
        line: toast.line,
        buttons: toast.buttons.into_iter().map(|Press { text, action }| Button { text, action }).collect(),
    });
    View { tray, toasts: toasts.collect(), sound: None }
}

fn tray_icon(name: &str) -> TrayIcon {
    match name {
        "ready" => TrayIcon::Ready,
        "ringing" => TrayIcon::Ringing,
        "in_call" => TrayIcon::InCall,
        "missed" => TrayIcon::Missed,
        "error" => TrayIcon::Error,
        _ => TrayIcon::Connecting,
    }
}

fn kind(name: &str) -> ToastKind {
    match name {
        "ringing" => ToastKind::Ringing,
        "missed" => ToastKind::Missed,
        "message" => ToastKind::Message,
        "question" => ToastKind::Question,
        "trouble" => ToastKind::Trouble,
        _ => ToastKind::Info,
    }
}

fn no_hotkeys() -> HotkeySettings {
    HotkeySettings { answer: String::new(), hang_up: String::new(), dial_selection: String::new() }
}
