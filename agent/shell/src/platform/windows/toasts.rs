//! Toasts by WinRT: named by tag and group, so that they are replaced and taken down when the caller gives up.

use super::super::{
    markup,
    native::{Said, Say, Toaster},
};
use crate::{
    ShellConfig,
    board::{Closed, Step, Word},
    text,
};
use agent_core::view::{ToastKind, ToastView};
use std::collections::HashMap;
use windows::{
    Data::Xml::Dom::XmlDocument,
    Foundation::TypedEventHandler,
    UI::Notifications::{
        NotificationData, NotificationUpdateResult, ToastActivatedEventArgs, ToastDismissalReason,
        ToastDismissedEventArgs, ToastFailedEventArgs, ToastNotification, ToastNotificationManager,
        ToastNotifier,
    },
    Win32::{
        System::Registry::{HKEY_CURRENT_USER, REG_SZ, RegSetKeyValueW},
        UI::Shell::SetCurrentProcessExplicitAppUserModelID,
    },
    core::{HSTRING, Interface, Result, w},
};

/// All our toasts are of one group.
const GROUP: &str = "trayphone";

/// The toasts that are up.
pub(crate) struct Toasts {
    id: HSTRING,
    notifier: ToastNotifier,
    say: Say,
    /// By our id; Windows forgets what nobody holds, and with it the clicks.
    up: HashMap<u32, (ToastNotification, ToastView)>,
    last: u32,
}

impl Toaster for Toasts {
    fn new(config: &ShellConfig, say: Say) -> std::result::Result<Self, String> {
        Self::open(config, say).map_err(|error| {
            format!(
                "Windows shows no notifications for us ({}): calls show in the tray only.",
                error.message()
            )
        })
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Notify { toast, replaces, view, keys } => {
                let shown = self.show(replaces, &view, &keys);
                let shown = shown.map_err(|error| {
                    format!(
                        "Windows refused a notification ({}): calls show in the tray only.",
                        error.message()
                    )
                });
                (self.say)(Said::Notified(toast, shown));
            }
            Step::Close { toast, server } => {
                self.up.remove(&server);
                let removed = ToastNotificationManager::History().and_then(|history| {
                    history.RemoveGroupedTagWithId(&tag(server), &HSTRING::from(GROUP), &self.id)
                });
                if let Err(error) = removed {
                    tracing::debug!(%error, "a toast had gone already");
                }
                (self.say)(Said::Closed(toast));
            }
        }
    }
}

impl Toasts {
    fn open(config: &ShellConfig, say: Say) -> Result<Self> {
        let id = HSTRING::from(&config.id);
        register(&id, &config.name)?;
        let notifier = ToastNotificationManager::CreateToastNotifierWithId(&id)?;
        Ok(Self { id, notifier, say, up: HashMap::new(), last: 0 })
    }

    fn show(&mut self, replaces: u32, view: &ToastView, keys: &[String]) -> Result<u32> {
        if let Some((_, shown)) = self.up.get_mut(&replaces)
            && shown.buttons == view.buttons
            && shown.kind == view.kind
        {
            // Other words only: changed where it stands, without sliding in again.
            let result =
                self.notifier.UpdateWithTagAndGroup(&words(view)?, &tag(replaces), &HSTRING::from(GROUP))?;
            if result == NotificationUpdateResult::Succeeded {
                *shown = view.clone();
                return Ok(replaces);
            }
        }
        let server = if replaces == 0 {
            self.last = self.last.wrapping_add(1).max(1);
            self.last
        } else {
            replaces
        };
        let document = XmlDocument::new()?;
        document.LoadXml(&HSTRING::from(layout(view, keys)))?;
        let toast = ToastNotification::CreateToastNotification(&document)?;
        toast.SetTag(&tag(server))?;
        toast.SetGroup(&HSTRING::from(GROUP))?;
        toast.SetData(&words(view)?)?;
        self.listen(&toast, server)?;
        self.notifier.Show(&toast)?;
        self.up.insert(server, (toast, view.clone()));
        Ok(server)
    }

    fn listen(&self, toast: &ToastNotification, server: u32) -> Result<()> {
        let say = self.say.clone();
        toast.Activated(&TypedEventHandler::new(
            move |_, pressed: windows::core::Ref<'_, windows::core::IInspectable>| {
                if let Some(pressed) = pressed.as_ref() {
                    let key = pressed.cast::<ToastActivatedEventArgs>()?.Arguments()?.to_string();
                    say(Said::Word(Word::Invoked(server, key)));
                    // A click takes the toast off the screen.
                    say(Said::Word(Word::Closed(server, Closed::Other)));
                }
                Ok(())
            },
        ))?;
        let say = self.say.clone();
        toast.Dismissed(&TypedEventHandler::new(
            move |_, why: windows::core::Ref<'_, ToastDismissedEventArgs>| {
                let hidden = |why: &ToastDismissedEventArgs| {
                    why.Reason() == Ok(ToastDismissalReason::ApplicationHidden)
                };
                let closed = if why.as_ref().is_some_and(hidden) { Closed::ByUs } else { Closed::Other };
                say(Said::Word(Word::Closed(server, closed)));
                Ok(())
            },
        ))?;
        toast.Failed(&TypedEventHandler::new(
            move |_, why: windows::core::Ref<'_, ToastFailedEventArgs>| {
                if let Some(Ok(code)) = why.as_ref().map(ToastFailedEventArgs::ErrorCode) {
                    tracing::warn!(%code, "a notification failed");
                }
                Ok(())
            },
        ))?;
        Ok(())
    }
}

/// Windows shows toasts only of programs it knows by name: the registry says ours.
fn register(id: &HSTRING, name: &str) -> Result<()> {
    let key = HSTRING::from(format!("Software\\Classes\\AppUserModelId\\{id}"));
    let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
    // SAFETY: all strings are valid and end in zero, and the length is that of the buffer in bytes.
    unsafe {
        RegSetKeyValueW(
            HKEY_CURRENT_USER,
            &key,
            w!("DisplayName"),
            REG_SZ.0,
            Some(name.as_ptr().cast()),
            (name.len() * 2) as u32,
        )
        .ok()?;
        SetCurrentProcessExplicitAppUserModelID(id)
    }
}

fn tag(server: u32) -> HSTRING {
    HSTRING::from(format!("toast{server}"))
}

/// The words, which can be changed while the toast is up.
fn words(view: &ToastView) -> Result<NotificationData> {
    let data = NotificationData::new()?;
    let values = data.Values()?;
    for (name, words) in
        [("title", text::one_line(&view.title, text::SHORT)), ("line", text::lines(&view.line, text::LONG))]
    {
        values.Insert(&HSTRING::from(name), &HSTRING::from(words))?;
    }
    // 0: the order of updates is that of the calls.
    data.SetSequenceNumber(0)?;
    Ok(data)
}

fn layout(view: &ToastView, keys: &[String]) -> String {
    let scenario = match view.kind {
        ToastKind::Ringing => " scenario=\"incomingCall\"",
        ToastKind::Question => " scenario=\"reminder\"",
        ToastKind::Missed | ToastKind::Trouble | ToastKind::Info => "",
    };
    let mut buttons = String::new();
    for (index, (button, key)) in view.buttons.iter().zip(keys).enumerate() {
        let words = markup::escape(&text::one_line(&button.text, 60));
        // The first button of a call takes it, the second refuses it.
        let style = match (view.kind, index) {
            (ToastKind::Ringing, 0) => " hint-buttonStyle=\"Success\"",
            (ToastKind::Ringing, 1) => " hint-buttonStyle=\"Critical\"",
            _ => "",
        };
        buttons.push_str(&format!("<action content=\"{words}\" arguments=\"{key}\"{style}/>"));
    }
    format!(
        "<toast{scenario} useButtonStyle=\"true\" launch=\"body\"><visual><binding template=\"ToastGeneric\">\
         <text>{{title}}</text><text>{{line}}</text></binding></visual><actions>{buttons}</actions>\
         <audio silent=\"true\"/></toast>"
    )
}
