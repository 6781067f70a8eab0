//! The shell on a real desktop: tray and toasts, seen on pixels and driven by a real pointer and real keys.

use harness::desktop::{
    Area, Desktop, Notice, Shell, Toasts,
    icon::{BLUE, GREEN, GREY, ORANGE, RED, VIOLET},
    wait_for,
};
use serde_json::{Value, json};
use std::time::Duration;

type Outcome = Result<(), String>;

fn show(icon: &str, menu: Value, toasts: Value) -> Value {
    json!({ "show": { "icon": icon, "tooltip": "Trayphone", "menu": menu, "toasts": toasts } })
}

fn answer(call: u64) -> Value {
    json!({ "action": "answer", "call": call })
}

fn ringing(id: u64, title: &str, line: &str) -> Value {
    json!({ "id": id, "kind": "ringing", "title": title, "line": line, "buttons": [
        { "text": "Answer", "action": answer(id) },
        { "text": "Decline", "action": { "action": "decline", "call": id } },
    ] })
}

/// The middle of row `row` of a menu that has `rows` rows and no separator.
fn row(menu: Area, row: u32, rows: u32) -> (i32, i32) {
    menu.at(0.4, (f64::from(row) + 0.5) / f64::from(rows))
}

#[test]
fn the_icon_is_seen_in_every_state() -> Outcome {
    let mut desktop = Desktop::start(Toasts::None)?;
    let mut shell = Shell::start(&desktop)?;
    shell.wait_part(0, "tray", None)?;
    desktop.wait_for_colour(GREY, 60, Area::PANEL)?;
    for (icon, colour) in
        [("ready", GREEN), ("ringing", ORANGE), ("in_call", BLUE), ("missed", VIOLET), ("error", RED)]
    {
        shell.order(&show(icon, json!([]), json!([])))?;
        desktop.wait_for_colour(colour, 60, Area::PANEL).map_err(|e| format!("{icon}: {e}"))?;
        desktop.keep(&format!("tray-{icon}"));
    }
    // A panel that is started anew shows the icon again, and so does one that comes late.
    let told = shell.count();
    desktop.stop_panel();
    shell.wait_part(told, "tray", Some("no tray"))?;
    desktop.start_panel()?;
    shell.wait_part(told, "tray", None)?;
    desktop.wait_for_colour(RED, 60, Area::PANEL)?;
    let took = shell.quit()?;
    assert!(took < Duration::from_secs(2), "{took:?}");
    wait_for("the icon's end", || desktop.screenshot().ok()?.find(RED, Area::PANEL).is_none().then_some(()))
}

#[test]
fn the_menu_answers_the_call_it_names_while_the_editor_keeps_the_keyboard() -> Outcome {
    let desktop = Desktop::start(Toasts::None)?;
    let typed = desktop.folder().join("typed");
    let editor = format!("stty -echo; exec cat > {}", typed.display());
    let _editor = desktop.spawn("xterm", &["-geometry", "60x10+100+300", "-e", "sh", "-c", &editor])?;
    wait_for("the editor", || (!desktop.windows("xterm").is_empty() && typed.exists()).then_some(()))?;
    let window = desktop.windows("xterm")[0];
    desktop.click(window.at(0.5, 0.5), 1)?;
    let focus = desktop.focus()?;
    desktop.type_text("before ")?;

    let mut shell = Shell::start(&desktop)?;
    let entry = |name: &str, call: u64| json!({ "text": name, "action": answer(call) });
    let two = json!([entry("Answer Alice", 1), entry("Answer __Bob & <b>Sons</b>", 3)]);
    shell.order(&show("ringing", two, json!([])))?;
    let icon = desktop.wait_for_colour(ORANGE, 60, Area::PANEL)?;
    desktop.type_text("ringing ")?;
    let menu = desktop.open_menu_at(icon, 3)?;
    desktop.keep("menu-two-calls");
    let told = shell.count();
    desktop.click(row(menu, 1, 2), 1)?;
    assert_eq!(shell.wait_did(told)?, answer(3));

    // A left click opens the menu as well; nothing happens by the click alone, nor by a middle click.
    let told = shell.count();
    desktop.click(icon, 2)?;
    let menu = desktop.open_menu_at(icon, 1)?;
    shell.stays_silent(told, |value| value.get("did").is_some())?;

    // While it is open, Alice hangs up and Carol calls: the first row is Carol's now, and only a click on it is hers.
    let other = json!([entry("Answer Carol", 5), entry("Answer __Bob & <b>Sons</b>", 3)]);
    shell.order(&show("ringing", other, json!([])))?;
    std::thread::sleep(Duration::from_millis(300));
    desktop.keep("menu-changed-while-open");
    let told = shell.count();
    desktop.click(row(menu, 1, 2), 1)?;
    assert_eq!(shell.wait_did(told)?, answer(3));

    wait_for("the keyboard to be back", || (desktop.focus().ok()? == focus).then_some(()))?;
    desktop.type_text("after\n")?;
    wait_for("every character typed", || {
        (std::fs::read_to_string(&typed).ok()? == "before ringing after\n").then_some(())
    })
}

#[test]
fn a_toast_is_shown_renamed_in_place_and_taken_down() -> Outcome {
    let desktop = Desktop::start(Toasts::Xfce)?;
    let monitor = desktop.monitor()?;
    let mut shell = Shell::start(&desktop)?;
    shell.wait_part(0, "toasts", None)?;
    shell.wait_part(0, "toast_buttons", None)?;

    shell.order(&show("ringing", json!([]), json!([ringing(1, "+49 30 1234567", "calls")])))?;
    let shown = |_, notice: &Notice| match notice {
        Notice::Shown(id) => Some(*id),
        _ => None,
    };
    let id = monitor.wait(0, shown)?;
    desktop.wait_for_colour(ORANGE, 200, Area::DESK)?;
    desktop.keep("toast-number");
    let before = desktop.screenshot()?;

    let heard = monitor.count();
    let hostile = "<b>ACME & Söhne</b>\u{202e}evil\u{7}";
    shell.order(&show("ringing", json!([]), json!([ringing(1, "Alice <i>Schmidt</i>", hostile)])))?;
    let (replaces, title, body, urgency, expires) = monitor.wait(heard, |_, notice| match notice {
        Notice::Notify { replaces, title, body, urgency, expires, .. } => {
            Some((*replaces, title.clone(), body.clone(), *urgency, *expires))
        }
        _ => None,
    })?;
    assert_eq!((replaces, urgency, expires), (id, Some(2), 0));
    assert_eq!(title, "Alice <i>Schmidt</i>");
    assert_eq!(body, "&lt;b&gt;ACME &amp; Söhne&lt;/b&gt;evil ");
    assert_eq!(monitor.wait(heard, shown)?, id, "the same toast");
    wait_for("the new words on the screen", || {
        (desktop.screenshot().ok()?.differing(&before, Area::DESK) > 100).then_some(())
    })?;
    desktop.keep("toast-named");
    let windows = desktop.windows("xfce4-notifyd");
    assert_eq!(windows.len(), 1, "one toast: {windows:?}");

    shell.order(&show("ready", json!([]), json!([])))?;
    monitor.wait(heard, |_, notice| {
        matches!(notice, Notice::Closed(closed, 3) if *closed == id).then_some(())
    })?;
    wait_for("the toast's end", || {
        desktop.screenshot().ok()?.find(ORANGE, Area::DESK).is_none().then_some(())
    })?;
    shell.quit().map(drop)
}

#[test]
fn a_click_on_the_toasts_button_answers_and_typing_goes_on() -> Outcome {
    let desktop = Desktop::start(Toasts::Xfce)?;
    let typed = desktop.folder().join("typed");
    let editor = format!("stty -echo; exec cat > {}", typed.display());
    let _editor = desktop.spawn("xterm", &["-geometry", "60x10+100+400", "-e", "sh", "-c", &editor])?;
    wait_for("the editor", || (!desktop.windows("xterm").is_empty() && typed.exists()).then_some(()))?;
    desktop.click(desktop.windows("xterm")[0].at(0.5, 0.5), 1)?;
    let mut shell = Shell::start(&desktop)?;
    shell.wait_part(0, "toast_buttons", None)?;

    desktop.type_text("one ")?;
    shell.order(&show("ringing", json!([]), json!([ringing(7, "Alice Schmidt", "ACME GmbH")])))?;
    desktop.type_text("two ")?;
    desktop.wait_for_colour(ORANGE, 200, Area::DESK)?;
    desktop.type_text("three ")?;
    let toast = wait_for("the toast's window", || desktop.windows("xfce4-notifyd").pop())?;
    desktop.keep("toast-buttons");
    let told = shell.count();
    desktop.click(toast.at(0.46, 0.74), 1)?;
    assert_eq!(shell.wait_did(told)?, answer(7));

    // A click beside the buttons closes the toast and does nothing to the call.
    let told = shell.order(&show("ringing", json!([]), json!([ringing(9, "Alice Schmidt", "ACME GmbH")])))?;
    desktop.wait_for_colour(ORANGE, 200, Area::DESK)?;
    let toast = wait_for("the toast's window", || desktop.windows("xfce4-notifyd").pop())?;
    desktop.click(toast.at(0.5, 0.25), 1)?;
    wait_for("the toast to be closed", || {
        let told = shell.told();
        told.iter().any(|value| value["did"]["toast"] == 9).then_some(())
    })?;
    shell.stays_silent(told, |value| value["did"]["call"] == 9)?;
    desktop.type_text("four\n")?;
    wait_for("every character typed", || {
        (std::fs::read_to_string(&typed).ok()? == "one two three four\n").then_some(())
    })
}

#[test]
fn a_notification_service_may_come_go_and_hang() -> Outcome {
    let mut desktop = Desktop::start(Toasts::None)?;
    let mut shell = Shell::start(&desktop)?;
    shell.wait_part(0, "toasts", Some("no notification service"))?;
    shell.order(&show("ringing", json!([]), json!([ringing(1, "Alice", "")])))?;
    desktop.wait_for_colour(ORANGE, 60, Area::PANEL)?;

    let told = shell.count();
    desktop.start_toasts(Toasts::Xfce)?;
    shell.wait_part(told, "toasts", None)?;
    desktop.wait_for_colour(ORANGE, 200, Area::DESK)?;

    let told = shell.count();
    desktop.stop_toasts();
    shell.wait_part(told, "toasts", Some("no notification service"))?;
    desktop.start_toasts(Toasts::Xfce)?;
    shell.wait_part(told, "toasts", None)?;
    desktop.wait_for_colour(ORANGE, 200, Area::DESK)?;

    // It hangs: the tray goes on, and the call that ended meanwhile is off the screen when it wakes.
    desktop.freeze_toasts(true);
    let told = shell.count();
    shell.order(&show("in_call", json!([]), json!([ringing(3, "Bob", "")])))?;
    desktop.wait_for_colour(BLUE, 60, Area::PANEL)?;
    shell.wait_part(told, "toasts", Some("does not answer"))?;
    shell.order(&show("ready", json!([]), json!([])))?;
    desktop.wait_for_colour(GREEN, 60, Area::PANEL)?;
    desktop.freeze_toasts(false);
    shell.wait_part(told, "toasts", None)?;
    wait_for("a clean desk", || desktop.screenshot().ok()?.find(ORANGE, Area::DESK).is_none().then_some(()))?;
    shell.quit().map(drop)
}

#[test]
fn dunst_shows_the_toast_and_we_say_how_to_answer() -> Outcome {
    let desktop = Desktop::start(Toasts::Dunst)?;
    let monitor = desktop.monitor()?;
    let mut shell = Shell::start(&desktop)?;
    shell.wait_part(0, "toast_buttons", Some("dunst draws no buttons"))?;
    shell.order(&show("ringing", json!([]), json!([ringing(1, "Alice", "")])))?;
    let id = monitor.wait(0, |_, notice| match notice {
        Notice::Shown(id) => Some(*id),
        _ => None,
    })?;
    wait_for("dunst's window", || (!desktop.windows("Dunst").is_empty()).then_some(()))?;
    desktop.keep("toast-dunst");
    let told = shell.count();
    // Its window clicked away: the call goes on ringing, the toast does not come back.
    let toast = desktop.windows("Dunst")[0];
    desktop.click(toast.at(0.5, 0.5), 1)?;
    monitor
        .wait(0, |_, notice| matches!(notice, Notice::Closed(closed, _) if *closed == id).then_some(()))?;
    assert_eq!(shell.wait_did(told)?, json!({ "action": "dismiss_toast", "toast": 1 }));
    shell.quit().map(drop)
}

#[test]
fn without_any_desktop_it_says_so_and_serves() -> Outcome {
    let desktop = Desktop::bare()?;
    let mut shell = Shell::start_with(&desktop, |command| {
        command.env_remove("DISPLAY");
    })?;
    shell.wait_part(0, "tray", Some("no session bus"))?;
    shell.wait_part(0, "toasts", Some("no session bus"))?;
    shell.order(&json!({ "hotkeys": { "answer": "Ctrl+Alt+A" } }))?;
    shell.wait_part(0, "hotkeys", Some("no display"))?;
    shell.order(&show("ringing", json!([]), json!([ringing(1, "Alice", "")])))?;
    let told = shell.order(&json!({ "select": true }))?;
    shell.wait(told, |value| value["no_selection"].as_str().map(drop))?;
    let told = shell.order(&json!({ "open": "file:///etc/passwd" }))?;
    shell.wait(told, |value| value["open_failed"].as_str()?.contains("Only http").then_some(()))?;
    let parts = shell.told().iter().filter(|value| value["part"] == "tray").count();
    assert_eq!(parts, 1, "said once: {:?}", shell.told());
    shell.quit().map(drop)
}

#[test]
fn a_bus_that_is_lost_and_found_brings_everything_back() -> Outcome {
    let mut desktop = Desktop::start(Toasts::None)?;
    let mut shell = Shell::start(&desktop)?;
    shell.wait_part(0, "tray", None)?;
    let told = shell.count();
    desktop.stop_panel();
    desktop.stop_bus();
    shell.wait_part(told, "tray", Some("session bus is gone"))?;
    shell.order(&show("ready", json!([]), json!([])))?;
    desktop.start_bus()?;
    desktop.start_panel()?;
    // The next view that differs makes it look again, within five seconds.
    shell.order(&show("ringing", json!([]), json!([])))?;
    shell.wait_part(told, "tray", None)?;
    let seen = desktop.wait_for_colour(ORANGE, 60, Area::PANEL);
    desktop.keep("tray-after-the-bus-came-back");
    seen?;
    shell.quit().map(drop)
}
