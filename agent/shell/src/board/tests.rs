//! The board of toasts against a server that answers late, refuses, forgets or goes away.

use super::*;
use agent_core::{action::FeatureAction, id::CallId, view::Button};

pub(super) fn ringing(id: u64, title: &str) -> ToastView {
    let call = CallId(id);
    ToastView {
        id,
        kind: ToastKind::Ringing,
        call: Some(call),
        title: title.to_owned(),
        line: String::new(),
        buttons: vec![Button { text: "Answer".to_owned(), action: Action::Answer { call: Some(call) } }],
    }
}

pub(super) fn notify(step: Option<Step>) -> (u64, u32, ToastView, Vec<String>) {
    match step {
        Some(Step::Notify { toast, replaces, view, keys }) => (toast, replaces, view, keys),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_toast_is_put_up_replaced_in_place_and_taken_down() {
    let mut board = Board::default();
    board.want(&[ringing(1, "+4930")]);
    assert_eq!(notify(board.next()).1, 0);
    assert_eq!(board.next(), None);
    board.notified(1, Some(77));
    board.want(&[ringing(1, "Alice")]);
    let (_, replaces, view, _) = notify(board.next());
    assert_eq!((replaces, view.title.as_str()), (77, "Alice"));
    board.notified(1, Some(77));
    assert_eq!(board.next(), None, "nothing changed");
    board.want(&[]);
    assert_eq!(board.next(), Some(Step::Close { toast: 1, server: 77 }));
    board.closed(1);
    assert!(board.slots.is_empty());
}

#[test]
fn an_answer_is_typed_where_the_server_has_a_place_for_it_and_not_offered_elsewhere() {
    let reply = |text: &str| {
        Action::Feature(FeatureAction::Message {
            account: None,
            to: "1002".to_owned(),
            text: text.to_owned(),
        })
    };
    let mut toast = ringing(1, "Message from Anna");
    toast.buttons.insert(0, Button { text: "Reply".to_owned(), action: reply("") });
    let mut board = Board::default();
    board.want(&[toast.clone()]);
    let (_, _, view, keys) = notify(board.next());
    assert_eq!((view.buttons.len(), keys), (1, vec!["button0".to_owned()]));
    board.notified(1, Some(7));
    assert_eq!(board.next(), None, "what is left out is no change");
    assert_eq!(board.hear(Word::Replied(7, "yes".to_owned())), None);
    let mut board = Board::default();
    board.can_type(true);
    board.want(&[toast]);
    let (_, _, view, keys) = notify(board.next());
    assert_eq!((view.buttons.len(), keys[0].as_str()), (2, "inline-reply"));
    board.notified(1, Some(7));
    assert_eq!(board.hear(Word::Replied(7, "yes".to_owned())), Some(reply("yes")));
    assert_eq!(board.hear(Word::Replied(7, " \n".to_owned())), None, "nothing was typed");
    assert_eq!(board.hear(Word::Replied(8, "yes".to_owned())), None);
}

#[test]
fn a_burst_becomes_one_update_and_a_call_gone_meanwhile_is_taken_down() {
    let mut board = Board::default();
    board.want(&[ringing(1, "a")]);
    board.next();
    for n in 0..50 {
        board.want(&[ringing(1, &n.to_string())]);
        assert_eq!(board.next(), None, "one thing at a time");
    }
    board.notified(1, Some(5));
    assert_eq!(notify(board.next()).2.title, "49");
    board.want(&[]);
    assert_eq!(board.next(), None);
    board.notified(1, Some(5));
    assert_eq!(board.next(), Some(Step::Close { toast: 1, server: 5 }), "the late id is not lost");
}

#[test]
fn a_ringing_call_goes_before_the_rest_and_not_everything_at_once() {
    let mut board = Board::default();
    let mut toasts: Vec<_> =
        (0..40).map(|id| ToastView { kind: ToastKind::Info, ..ringing(id, "i") }).collect();
    toasts.push(ringing(99, "r"));
    board.want(&toasts);
    assert_eq!(notify(board.next()).0, 99);
    let mut handed = 1;
    while board.next().is_some() {
        handed += 1;
    }
    assert_eq!(handed, IN_FLIGHT);
}

#[test]
fn buttons_mean_what_stood_on_them() {
    let mut board = Board::default();
    board.want(&[ringing(1, "a")]);
    let (.., keys) = notify(board.next());
    board.notified(1, Some(5));
    let mut held = ringing(1, "a");
    held.buttons[0].action = Action::Hangup { call: Some(CallId(1)) };
    board.want(&[held]);
    let (.., new_keys) = notify(board.next());
    assert_ne!(keys, new_keys);
    board.notified(1, Some(5));
    let old = board.hear(Word::Invoked(5, keys[0].clone()));
    assert_eq!(old, Some(Action::Answer { call: Some(CallId(1)) }));
    assert_eq!(board.hear(Word::Invoked(5, "default".to_owned())), None);
    assert_eq!(board.hear(Word::Invoked(6, keys[0].clone())), None, "somebody else's toast");
}

#[test]
fn a_dismissed_toast_stays_away_and_is_told_once() {
    let mut board = Board::default();
    board.want(&[ringing(1, "a")]);
    board.next();
    board.notified(1, Some(5));
    assert_eq!(board.hear(Word::Closed(5, Closed::Other)), Some(Action::DismissToast { toast: 1 }));
    assert_eq!(board.hear(Word::Closed(5, Closed::Other)), None);
    board.want(&[ringing(1, "b")]);
    assert_eq!(board.next(), None);
    board.want(&[]);
    board.want(&[ringing(1, "again")]);
    assert!(board.next().is_some(), "a new toast of the same number is a new toast");
}

#[test]
fn words_that_overtake_the_answer_are_not_lost() {
    let mut board = Board::default();
    board.want(&[ringing(1, "a")]);
    let (.., keys) = notify(board.next());
    assert_eq!(board.hear(Word::Invoked(5, keys[0].clone())), None);
    assert_eq!(board.hear(Word::Closed(9, Closed::Other)), None);
    let early = board.notified(1, Some(5));
    assert_eq!(early.len(), 1);
    let actions: Vec<_> = early.into_iter().filter_map(|word| board.hear(word)).collect();
    assert_eq!(actions, [Action::Answer { call: Some(CallId(1)) }]);
}

#[test]
fn a_refused_toast_is_not_tried_again_until_it_changes() {
    let mut board = Board::default();
    board.want(&[ringing(1, "a")]);
    board.next();
    board.notified(1, None);
    assert_eq!(board.next(), None);
    board.want(&[ringing(1, "b")]);
    assert!(board.next().is_some());
}
