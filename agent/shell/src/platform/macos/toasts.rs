//! Toasts by UNUserNotificationCenter, on a thread of their own: every call to it is answered later.

use super::super::native::{Said, Say, Toaster};
use crate::{
    ShellConfig,
    board::{Closed, Step, Word},
    text,
};
use agent_core::view::{ToastKind, ToastView};
use futures_lite::{StreamExt, future};
use futures_util::stream::FuturesUnordered;
use mac_usernotifications::{
    Action, Error, InterruptionLevel, Notification, NotificationHandle, NotificationResponse, check_bundle,
    close_delivered, get_delivered_notification_ids, request_auth,
};
use std::{pin::Pin, sync::mpsc, thread, time::Duration};

/// How long the end waits for toasts to be taken down.
const FAREWELL: Duration = Duration::from_secs(1);
/// Stands between the name of a button and its words.
const BESIDE: char = '|';

/// The way to the thread.
pub(crate) struct Toasts {
    steps: async_channel::Sender<Step>,
    say: Say,
    /// Breaks when the thread has done all of its steps.
    done: mpsc::Receiver<()>,
}

impl Toaster for Toasts {
    fn new(_: &ShellConfig, say: Say) -> Result<Self, String> {
        check_bundle().map_err(|_| {
            "macOS shows notifications of signed apps only: start Trayphone.app, not the bare program; calls show \
             in the menu bar."
                .to_owned()
        })?;
        // Bounded by the board, which hands over only so many at a time.
        let (steps, todo) = async_channel::unbounded();
        let theirs = say.clone();
        let (ends, done) = mpsc::channel::<()>();
        thread::Builder::new()
            .name("toasts".to_owned())
            .spawn(move || {
                let _breaks_the_channel = ends;
                future::block_on(serve(&todo, &theirs));
            })
            .map_err(|error| format!("Notifications could not be started ({error})."))?;
        Ok(Self { steps, say, done })
    }

    fn step(&mut self, step: Step) {
        if let Err(refused) = self.steps.try_send(step) {
            match refused.into_inner() {
                Step::Notify { toast, .. } => {
                    (self.say)(Said::Notified(toast, Err("Notifications have stopped.".to_owned())));
                }
                Step::Close { toast, .. } => (self.say)(Said::Closed(toast)),
            }
        }
    }

    /// The thread forgets it by itself.
    fn gone(&mut self, _: u32) {}

    fn finish(self) {
        drop(self.steps);
        if self.done.recv_timeout(FAREWELL) == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::debug!("toasts are left behind");
        }
    }
}

enum Woke {
    Step(Option<Step>),
    Response(u32, Result<NotificationResponse, Error>),
}

type Waiting = Pin<Box<dyn Future<Output = (u32, Result<NotificationResponse, Error>)>>>;

async fn serve(todo: &async_channel::Receiver<Step>, say: &Say) {
    let allowed = request_auth().await.unwrap_or(false);
    // What an agent that was killed left behind: its buttons do nothing any more.
    for left in get_delivered_notification_ids().await {
        close_delivered(&left).await;
    }
    let mut waiting: FuturesUnordered<Waiting> = FuturesUnordered::new();
    let mut last = 0u32;
    loop {
        let step = async { Woke::Step(todo.recv().await.ok()) };
        let responses = &mut waiting;
        let response = async {
            match responses.next().await {
                Some((server, response)) => Woke::Response(server, response),
                None => future::pending().await,
            }
        };
        match future::or(step, response).await {
            Woke::Step(None) => return,
            Woke::Step(Some(Step::Close { toast, server })) => {
                close_delivered(&name(server)).await;
                say(Said::Closed(toast));
            }
            Woke::Step(Some(Step::Notify { toast, replaces, view, keys })) => {
                let server = if replaces == 0 { last.wrapping_add(1).max(1) } else { replaces };
                last = last.max(server);
                let shown =
                    if allowed { show(server, &view, &keys).await } else { Err(NOT_ALLOWED.to_owned()) };
                match shown {
                    Ok(handle) => {
                        // Without buttons there is nothing to wait for but a poll twice a second.
                        if !view.buttons.is_empty() {
                            waiting.push(Box::pin(async move { (server, handle.response().await) }));
                        }
                        say(Said::Notified(toast, Ok(server)));
                    }
                    Err(problem) => say(Said::Notified(toast, Err(problem))),
                }
            }
            Woke::Response(server, Ok(response)) => {
                let passive = response.is_dismiss_action() || response.is_default_action();
                let timed_out = response.is_timed_out();
                if !passive && !timed_out {
                    let action = response.action_identifier.as_str();
                    let key = action.split_once(BESIDE).map_or(action, |(key, _)| key);
                    say(Said::Word(match response.reply_text {
                        Some(typed) => Word::Replied(server, typed),
                        None => Word::Invoked(server, key.to_owned()),
                    }));
                }
                let closed = if timed_out { Closed::ByUs } else { Closed::Other };
                say(Said::Word(Word::Closed(server, closed)));
            }
            // A toast that was replaced hears no more of the user; the new one does.
            Woke::Response(_, Err(_)) => {}
        }
    }
}

const NOT_ALLOWED: &str = "macOS does not let Trayphone show notifications: allow them in System Settings, Notifications; calls show in \
     the menu bar.";

fn name(server: u32) -> String {
    format!("toast{server}")
}

async fn show(server: u32, view: &ToastView, keys: &[String]) -> Result<NotificationHandle, String> {
    let urgent = match view.kind {
        ToastKind::Ringing => InterruptionLevel::TimeSensitive,
        ToastKind::Missed | ToastKind::Message | ToastKind::Question | ToastKind::Trouble => {
            InterruptionLevel::Active
        }
        ToastKind::Info => InterruptionLevel::Passive,
    };
    let mut toast = Notification::new()
        .id(&name(server))
        .title(text::one_line(&view.title, text::SHORT))
        .message(text::lines(&view.line, text::LONG))
        .interruption_level(urgent);
    for (button, key) in view.buttons.iter().zip(keys) {
        // Buttons are known to the system by the names of all buttons of a toast together: the same names with other
        // words would change the toasts that are up.
        let words = text::one_line(&button.text, 60);
        let name = format!("{key}{BESIDE}{words}");
        toast = toast.action(if button.action.wants_text() {
            Action::reply(name, words.clone(), words, "")
        } else {
            Action::button(name, words)
        });
    }
    toast
        .send()
        .await
        .map_err(|error| format!("macOS refused a notification ({error}): calls show in the menu bar only."))
}
