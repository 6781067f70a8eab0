//! The whole agent on a real desktop: its icon, its menu and its toasts, by pointer and keys, while somebody works on.

use harness::desktop::{
    Area, Child, Desktop, Editor, FakeToasts, Manner, Monitor, Notice, Toasts, Workplace,
    icon::{BLUE, GREEN, ORANGE},
    wait_for,
};
use std::time::{Duration, Instant};

type Outcome = Result<(), String>;

const ALICE: &str = "+49301234567";
const BOB: &str = "+49407654321";

/// Types slowly while other things happen; ends with the text's last character.
fn typing(desktop: &Desktop, text: &str) -> Result<Child, String> {
    desktop.spawn("xdotool", &["type", "--delay", "60", text])
}

fn typed(mut typing: Child) -> Outcome {
    wait_for("the typing to end", || typing.has_ended().then_some(()))
}

#[test]
fn the_icon_is_on_the_screen_and_the_menu_answers_while_somebody_types() -> Outcome {
    let place = Workplace::open(Toasts::None)?;
    let desktop = &place.desktop;
    desktop.wait_for_colour(GREEN, 60, Area::PANEL)?;
    desktop.keep("agent-tray-ready");
    let editor = Editor::open(desktop, "")?;

    // One calls while the letter is being written: not a character is lost, and the letter keeps the keyboard.
    let hand = typing(desktop, "Dear Alice, thank you for your call. ")?;
    let alice = place.ring(ALICE, "Alice")?;
    desktop.wait_for_colour(ORANGE, 60, Area::PANEL)?;
    assert_eq!(place.tray.status().as_deref(), Some("NeedsAttention"));
    typed(hand)?;
    editor.has_the_keyboard(desktop)?;

    // The sentence goes on to the click that opens the menu and from the one that closes it. In between nobody can
    // write: the panel draws the menu with GTK, which takes all keys for it as long as it is open (an active grab, which
    // the focus knows nothing of), as the menus of all programs do. What is typed then is lost, and chooses nothing.
    let menu = desktop.open_menu_writing(&place.tray, ORANGE, "We shall ")?;
    desktop.keep("agent-menu-ringing");
    editor.has_the_keyboard(desktop)?;
    assert!(
        desktop.keyboard_is_grabbed()?,
        "the menu leaves the keyboard alone: let the test write on in it"
    );
    desktop.type_text("and do")?;
    assert_eq!(place.calls(), [(alice.id, "incoming".to_owned())]);
    assert_eq!(menu.rows[0].0.text, "+49 30 1234567 is calling");
    desktop.click(menu.at("Answer +49 30 1234567")?, 1)?;
    wait_for("the keyboard back", || (!desktop.keyboard_is_grabbed().ok()?).then_some(()))?;
    let hand = typing(desktop, "deliver on Friday.")?;
    alice.answered()?;
    place.wait_for_call(alice.id, "established");
    desktop.wait_for_no_menu()?;
    desktop.wait_for_colour(BLUE, 60, Area::PANEL)?;
    typed(hand)?;
    editor.has_the_keyboard(desktop)?;
    editor.holds(desktop, "Dear Alice, thank you for your call. We shall deliver on Friday.")?;

    let menu = desktop.open_menu(&place.tray, BLUE)?;
    desktop.keep("agent-menu-talking");
    desktop.click(menu.at("Hang up ")?, 1)?;
    place.wait_for_call(alice.id, "terminated");
    desktop.wait_for_colour(GREEN, 60, Area::PANEL)?;
    assert!(!desktop.keys_down()?);
    Ok(())
}

#[test]
fn of_two_calls_the_menu_answers_the_one_that_was_chosen() -> Outcome {
    let place = Workplace::open(Toasts::None)?;
    let desktop = &place.desktop;
    let (alice, bob) = (place.ring(ALICE, "")?, place.ring(BOB, "Bob & Sons <b>")?);
    let menu = desktop.open_menu(&place.tray, ORANGE)?;
    desktop.keep("agent-menu-two-calls");
    assert_eq!(menu.rows[0].0.text, "2 calls are ringing");
    menu.at("Answer +49 30 1234567")?;
    desktop.click(menu.at("Answer +49 40 7654321")?, 1)?;
    bob.answered()?;
    place.wait_for_call(bob.id, "established");
    assert_eq!(place.calls(), [(alice.id, "incoming".to_owned()), (bob.id, "established".to_owned())]);
    assert!(!alice.was_answered());
    desktop.wait_for_no_menu()?;

    // And the other one after it: the first is held by that.
    let menu = desktop.open_menu(&place.tray, ORANGE)?;
    desktop.keep("agent-menu-call-waiting");
    desktop.click(menu.at("Answer +49 30 1234567")?, 1)?;
    alice.answered()?;
    wait_for("Bob to be held", || bob.call.state().held.then_some(()))
}

/// The hotkeys, from an editor that is being written in and gets nothing of them.
#[test]
fn keys_answer_and_hang_up() -> Outcome {
    let place = Workplace::open(Toasts::None)?;
    let desktop = &place.desktop;
    let editor = Editor::open(desktop, "")?;
    desktop.type_text("Dear ")?;
    let (alice, bob) = (place.ring(ALICE, "")?, place.ring(BOB, "")?);

    // Of two that ring, who has waited longest is answered; then the other one, and the first is held by that.
    desktop.type_text("Alice, ")?;
    desktop.key("ctrl+alt+a")?;
    alice.answered()?;
    place.wait_for_call(alice.id, "established");
    assert_eq!(place.calls(), [(alice.id, "established".to_owned()), (bob.id, "incoming".to_owned())]);
    desktop.type_text("a moment, ")?;
    desktop.key("ctrl+alt+a")?;
    bob.answered()?;
    wait_for("Alice to be held", || alice.call.state().held.then_some(()))?;

    // Whoever is talked to is hung up on, never the one on hold beside them.
    desktop.key("ctrl+alt+h")?;
    place.wait_for_call(bob.id, "terminated");
    wait_for("Bob's call to end", || bob.call.state().ended.map(drop))?;
    assert_eq!(place.calls(), [(alice.id, "established".to_owned())]);
    desktop.key("ctrl+alt+h")?;
    place.wait_for_call(alice.id, "terminated");
    desktop.type_text("please.")?;
    assert!(!desktop.keys_down()?, "a modifier is stuck");
    editor.has_the_keyboard(desktop)?;
    editor.holds(desktop, "Dear Alice, a moment, please.")
}

/// What the agent says of a click on a line that had just moved under the pointer.
const NOT_TAKEN: &str = "a click on a menu line that had just moved there was not taken";
/// For so long after a line has moved, no click on it is taken.
const SETTLING: Duration = Duration::from_millis(700);

#[test]
fn a_line_that_slid_under_the_pointer_answers_nobody() -> Outcome {
    let place = Workplace::open(Toasts::None)?;
    let desktop = &place.desktop;
    let mut hand = desktop.hand()?;
    // A busy machine may be too late with its click; then it was no slip of the hand, and all is done once more.
    for _ in 0..6 {
        let (alice, bob) = (place.ring(ALICE, "")?, place.ring(BOB, "")?);
        let menu = desktop.open_menu(&place.tray, ORANGE)?;
        let (x, y) = menu.at("Answer +49 30 1234567")?;
        let line = menu.rows.iter().position(|(_, at)| *at == (x, y));
        hand.does(&format!("mousemove {x} {y}"))?;

        // Alice hangs up under the pointer, and Bob's line is drawn where hers was.
        let began = Instant::now();
        desktop.wait_for_moved_line(&menu, "Answer +49 40 7654321", || alice.call.hang_up())?;
        hand.does("click 1")?;
        let taken = wait_for("the click at the agent", || {
            let refused = place.agent.proc.log().contains(NOT_TAKEN);
            (refused || bob.was_answered()).then_some(!refused)
        })?;
        let in_time = began.elapsed() < SETTLING;
        let there = place.tray.menu().unwrap_or_default();
        if taken {
            assert!(!in_time, "the click meant Alice and reached Bob");
            bob.call.hang_up();
            place.wait_for_call(bob.id, "terminated");
            continue;
        }
        let there: Vec<_> = there.into_iter().filter(|row| !row.text.is_empty()).collect();
        let words = line.and_then(|line| there.get(line)).map(|row| row.text.as_str());
        assert_eq!(words, Some("Answer +49 40 7654321"), "{there:?}");
        desktop.wait_for_no_menu()?;
        assert_eq!(
            place.calls(),
            [(bob.id, "incoming".to_owned())],
            "the click meant Alice and did something"
        );
        assert!(!alice.was_answered() && !bob.was_answered(), "the click meant Alice and reached somebody");

        // Whoever opens the menu and reads it answers Bob.
        let menu = desktop.open_menu(&place.tray, ORANGE)?;
        desktop.keep("agent-menu-after-missed-calls");
        desktop.click(menu.at("Answer +49 40 7654321")?, 1)?;
        return bob.answered();
    }
    Err("this machine is too slow: no click came while the line was new in its place".to_owned())
}

#[test]
fn the_toast_of_a_call_gone_a_moment_earlier_answers_nobody() -> Outcome {
    let place = Workplace::open(Toasts::Xfce)?;
    let desktop = &place.desktop;
    let bob = place.ring(BOB, "")?;
    desktop.toast_with_buttons(&[], 2)?;
    // Her toast still stands when the click comes: its server is asleep.
    let before = desktop.toasts();
    let alice = place.ring(ALICE, "")?;
    let buttons = desktop.toast_with_buttons(&before, 2)?;
    let monitor = desktop.monitor()?;
    desktop.freeze_toasts(true);
    alice.call.hang_up();
    place.wait_for_call(alice.id, "terminated");
    desktop.click(buttons[0], 1)?;
    desktop.freeze_toasts(false);
    let pressed = |notice: &Notice| matches!(notice, Notice::Invoked(..) | Notice::Closed(..));
    monitor.wait(0, |_, notice| pressed(notice).then_some(()))?;
    assert_eq!(
        place.calls(),
        [(bob.id, "incoming".to_owned())],
        "the click meant Alice and reached somebody"
    );
    assert!(!alice.was_answered() && !bob.was_answered());
    Ok(())
}

/// The id of the first toast of this title, and its buttons.
fn toast(monitor: &Monitor, title: &str) -> Result<(u32, Vec<String>), String> {
    wait_for(&format!("the toast {title:?}"), || {
        let (mut asked, mut shown) = (Vec::new(), Vec::new());
        for (_, notice) in monitor.all() {
            match notice {
                Notice::Notify { title, actions, .. } => asked.push((title, actions)),
                Notice::Shown(id) => shown.push(id),
                _ => {}
            }
        }
        let at = asked.iter().position(|(words, _)| words == title)?;
        Some((*shown.get(at)?, asked.swap_remove(at).1))
    })
}

/// The click is on its way to us when the call ends, and comes before the service has taken the toast down.
#[test]
fn a_button_pressed_while_its_toast_goes_answers_nobody() -> Outcome {
    let place = Workplace::open(Toasts::None)?;
    let monitor = place.desktop.monitor()?;
    let capabilities = ["body", "actions"].map(str::to_owned).to_vec();
    let manner = Manner { capabilities, closing: Duration::from_secs(2), ..Manner::default() };
    let service = FakeToasts::start(&place.desktop.bus_address(), manner)?;
    let (alice, bob) = (place.ring(ALICE, "")?, place.ring(BOB, "")?);
    let (hers, answer_her) = toast(&monitor, "+49 30 1234567")?;
    let (his, decline_him) = toast(&monitor, "+49 40 7654321")?;
    assert_eq!((answer_her[1].as_str(), decline_him[3].as_str()), ("Answer", "Decline"));

    alice.call.hang_up();
    monitor.wait(0, |_, notice| (*notice == Notice::Close(hers)).then_some(()))?;
    service.press(hers, &answer_her[0])?;
    // What is pressed next is heard next: by then the click on hers has done whatever it does.
    service.press(his, &decline_him[2])?;
    place.wait_for_call(bob.id, "terminated");
    assert!(!alice.was_answered() && !bob.was_answered(), "the click meant Alice and reached somebody");
    Ok(())
}

#[test]
fn the_toasts_button_answers_while_somebody_types() -> Outcome {
    let place = Workplace::open(Toasts::Xfce)?;
    let desktop = &place.desktop;
    let monitor = desktop.monitor()?;
    let editor = Editor::open(desktop, "")?;
    let text = "This is a letter that goes on and on, whoever calls, and whatever is clicked meanwhile. ";
    let hand = typing(desktop, &text.repeat(2))?;
    let alice = place.ring(ALICE, "Alice <i>")?;
    let (title, body, words) = monitor.wait(0, |_, notice| match notice {
        Notice::Notify { title, body, actions, .. } => Some((title.clone(), body.clone(), actions.clone())),
        _ => None,
    })?;
    assert_eq!((title.as_str(), body.as_str()), ("+49 30 1234567", "Alice &lt;i&gt;"));
    assert_eq!([&words[1], &words[3]], ["Answer", "Decline"]);
    let buttons = desktop.toast_with_buttons(&[], 2)?;
    desktop.keep("agent-toast-ringing");
    desktop.click(buttons[0], 1)?;
    alice.answered()?;
    place.wait_for_call(alice.id, "established");
    wait_for("the toast to go", || desktop.toasts().is_empty().then_some(()))?;
    typed(hand)?;
    editor.has_the_keyboard(desktop)?;
    editor.holds(desktop, &text.repeat(2))?;

    // The other button, on the next one: declined, with the first call as it was.
    let bob = place.ring(BOB, "")?;
    let buttons = desktop.toast_with_buttons(&[], 2)?;
    desktop.keep("agent-toast-call-waiting");
    desktop.click(buttons[1], 1)?;
    place.wait_for_call(bob.id, "terminated");
    assert!(!bob.was_answered());
    assert_eq!(place.calls(), [(alice.id, "established".to_owned())]);
    Ok(())
}

/// The other service people have: what can be done stands in a menu of its own, opened by a click on the toast.
#[test]
fn the_menu_of_dunsts_toast_answers_and_declines() -> Outcome {
    let place = Workplace::open(Toasts::Dunst)?;
    let desktop = &place.desktop;
    let monitor = desktop.monitor()?;
    let alice = place.ring(ALICE, "")?;
    let offered = desktop.choose_at_dunst("Answer")?;
    assert!(offered.iter().any(|line| line.contains("Decline")), "{offered:?}");
    alice.answered()?;
    place.wait_for_call(alice.id, "established");
    let toast = monitor.wait(0, |_, notice| match notice {
        Notice::Invoked(toast, _) => Some(*toast),
        _ => None,
    })?;
    monitor
        .wait(0, |_, notice| matches!(notice, Notice::Closed(closed, _) if *closed == toast).then_some(()))?;

    let bob = place.ring(BOB, "")?;
    desktop.choose_at_dunst("Decline")?;
    place.wait_for_call(bob.id, "terminated");
    assert!(!bob.was_answered());
    assert_eq!(place.calls(), [(alice.id, "established".to_owned())]);
    Ok(())
}

#[test]
fn tray_menu_and_toast_speak_german() -> Outcome {
    let place = Workplace::in_german(Toasts::Xfce)?;
    let desktop = &place.desktop;
    let monitor = desktop.monitor()?;
    let alice = place.ring(ALICE, "Jörg Müller")?;
    let words = monitor.wait(0, |_, notice| match notice {
        Notice::Notify { actions, .. } => Some(actions.clone()),
        _ => None,
    })?;
    assert_eq!([&words[1], &words[3]], ["Annehmen", "Ablehnen"]);
    let buttons = desktop.toast_with_buttons(&[], 2)?;
    let menu = desktop.open_menu(&place.tray, ORANGE)?;
    desktop.keep("agent-german-ringing");
    assert_eq!(menu.rows[0].0.text, "+49 30 1234567 ruft an");
    menu.at("Annehmen: +49 30 1234567")?;
    menu.at("Klingeln abstellen")?;
    desktop.key("Escape")?;
    desktop.wait_for_no_menu()?;
    desktop.click(buttons[0], 1)?;
    alice.answered()?;
    place.wait_for_tooltip("Im Gespräch mit +49 30 1234567")
}
