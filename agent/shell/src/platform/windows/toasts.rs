//! Toasts by WinRT: named by tag and group, so that they are replaced and taken down when the caller gives up.

use super::super::{
    markup,
    native::{Said, Say, Toaster},
};
use crate::{
    ShellConfig,
    board::{Closed, REPLY, Step, Word},
    text,
};
use agent_core::view::{ToastKind, ToastView};
use std::collections::HashMap;
use windows::{
    Data::Xml::Dom::XmlDocument,
    Foundation::{IPropertyValue, TypedEventHandler},
    UI::Notifications::{
        NotificationData, NotificationSetting, NotificationUpdateResult, ToastActivatedEventArgs,
        ToastDismissalReason, ToastDismissedEventArgs, ToastFailedEventArgs, ToastNotification,
        ToastNotificationManager, ToastNotifier,
    },
    Win32::{
        System::Registry::{HKEY_CURRENT_USER, REG_SZ, RegSetKeyValueW},
        UI::Shell::SetCurrentProcessExplicitAppUserModelID,
    },
    core::{Error, HSTRING, Interface, Result, w},
};

/// All our toasts are of one group.
const GROUP: &str = "trayphone";

/// The toasts that are up.
pub(crate) struct Toasts {
    id: HSTRING,
    notifier: ToastNotifier,
    say: Say,
    /// By our id; Windows forgets what nobody holds, and with it the clicks.
    up: HashMap<u32, Up>,
    last: u32,
}

/// A toast that is up.
struct Up {
    toast: ToastNotification,
    view: ToastView,
    /// What hears its clicks, its going and its failing.
    listeners: [i64; 3],
}

impl Drop for Up {
    /// What becomes of a toast that was replaced or taken down says nothing about the one in its place.
    fn drop(&mut self) {
        let [activated, dismissed, failed] = self.listeners;
        let removed = self.toast.RemoveActivated(activated);
        let removed = removed.and(self.toast.RemoveDismissed(dismissed));
        if let Err(error) = removed.and(self.toast.RemoveFailed(failed)) {
            tracing::debug!(%error, "a toast is still listened to");
        }
    }
}

impl Toaster for Toasts {
    fn new(config: &ShellConfig, say: Say) -> std::result::Result<Self, String> {
        let toasts = Self::open(config, say).map_err(|error| {
            format!(
                "Windows shows no notifications for us ({}): calls show in the tray only.",
                reason(&error)
            )
        })?;
        // Before the first toast Windows may not know us yet: no answer is no refusal.
        match toasts.notifier.Setting() {
            Ok(setting) if setting != NotificationSetting::Enabled => {
                Err(format!("{}; until then calls show in the tray only.", switched_off(setting)))
            }
            _ => Ok(toasts),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Notify { toast, replaces, view, keys } => {
                let shown = self.show(replaces, &view, &keys);
                let shown = shown.map_err(|error| {
                    format!(
                        "Windows refused a notification ({}): calls show in the tray only.",
                        reason(&error)
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

    fn gone(&mut self, server: u32) {
        self.up.remove(&server);
    }

    /// Every step is done when it returns.
    fn finish(self) {}
}

/// Who has switched our notifications off, and how to have them again.
fn switched_off(setting: NotificationSetting) -> &'static str {
    match setting {
        NotificationSetting::DisabledByGroupPolicy => {
            "The policy of this computer allows no notifications: ask its administrator"
        }
        NotificationSetting::DisabledForUser => {
            "Notifications are switched off: switch them on in Settings, System, Notifications"
        }
        _ => "Notifications of Trayphone are switched off: switch them on in Settings, System, Notifications",
    }
}

impl Toasts {
    fn open(config: &ShellConfig, say: Say) -> Result<Self> {
        let id = HSTRING::from(&config.id);
        register(&id, &config.name)?;
        let notifier = ToastNotificationManager::CreateToastNotifierWithId(&id)?;
        // What an agent that was killed left behind: its buttons do nothing any more.
        let cleared = ToastNotificationManager::History().and_then(|history| history.ClearWithId(&id));
        if let Err(error) = cleared {
            tracing::debug!(%error, "old toasts stay");
        }
        Ok(Self { id, notifier, say, up: HashMap::new(), last: 0 })
    }

    fn show(&mut self, replaces: u32, view: &ToastView, keys: &[String]) -> Result<u32> {
        if let Some(up) = self.up.get_mut(&replaces)
            && up.view.buttons == view.buttons
            && up.view.kind == view.kind
        {
            // Other words only: changed where it stands, without sliding in again.
            let result =
                self.notifier.UpdateWithTagAndGroup(&words(view)?, &tag(replaces), &HSTRING::from(GROUP))?;
            if result == NotificationUpdateResult::Succeeded {
                up.view = view.clone();
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
        let listeners = self.listen(&toast, server)?;
        // The one that is replaced falls silent first.
        self.up.insert(server, Up { toast: toast.clone(), view: view.clone(), listeners });
        self.notifier.Show(&toast).inspect_err(|_| drop(self.up.remove(&server)))?;
        Ok(server)
    }

    fn listen(&self, toast: &ToastNotification, server: u32) -> Result<[i64; 3]> {
        let say = self.say.clone();
        let activated = toast.Activated(&TypedEventHandler::new(
            move |_, pressed: windows::core::Ref<'_, windows::core::IInspectable>| {
                if let Some(pressed) = pressed.as_ref() {
                    let pressed = pressed.cast::<ToastActivatedEventArgs>()?;
                    let key = pressed.Arguments()?.to_string();
                    say(Said::Word(match key.as_str() {
                        REPLY => Word::Replied(server, typed(&pressed)?),
                        _ => Word::Invoked(server, key),
                    }));
                    // A click takes the toast off the screen.
                    say(Said::Word(Word::Closed(server, Closed::Other)));
                }
                Ok(())
            },
        ))?;
        let say = self.say.clone();
        let dismissed = toast.Dismissed(&TypedEventHandler::new(
            move |_, why: windows::core::Ref<'_, ToastDismissedEventArgs>| {
                match why.as_ref().map(ToastDismissedEventArgs::Reason) {
                    // Off the screen, but with its buttons in the notification centre, where it is taken down later.
                    Some(Ok(ToastDismissalReason::TimedOut)) => {}
                    Some(Ok(ToastDismissalReason::ApplicationHidden)) => {
                        say(Said::Word(Word::Closed(server, Closed::ByUs)));
                    }
                    _ => say(Said::Word(Word::Closed(server, Closed::Other))),
                }
                Ok(())
            },
        ))?;
        let failed = toast.Failed(&TypedEventHandler::new(
            move |_, why: windows::core::Ref<'_, ToastFailedEventArgs>| {
                if let Some(Ok(code)) = why.as_ref().map(ToastFailedEventArgs::ErrorCode) {
                    tracing::warn!(%code, "a notification failed");
                }
                Ok(())
            },
        ))?;
        Ok([activated, dismissed, failed])
    }
}

/// What stands in the field for an answer.
fn typed(pressed: &ToastActivatedEventArgs) -> Result<String> {
    let field = pressed.UserInput()?.Lookup(&HSTRING::from(REPLY))?;
    Ok(field.cast::<IPropertyValue>()?.GetString()?.to_string())
}

/// What Windows says, or the number it gives where it has no words.
fn reason(error: &Error) -> String {
    let words = error.message();
    if words.is_empty() { format!("error {:#010x}", error.code().0) } else { words }
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
        ToastKind::Missed | ToastKind::Message | ToastKind::Trouble | ToastKind::Info => "",
    };
    let (mut fields, mut buttons) = (String::new(), String::new());
    for (index, (button, key)) in view.buttons.iter().zip(keys).enumerate() {
        let words = markup::escape(&text::one_line(&button.text, 60));
        // The first button of a call takes it, the second refuses it.
        let style = match (view.kind, index) {
            (ToastKind::Ringing, 0) => " hint-buttonStyle=\"Success\"",
            (ToastKind::Ringing, 1) => " hint-buttonStyle=\"Critical\"",
            _ => "",
        };
        // The field is named as the button that sends what stands in it, and comes before all buttons.
        let sends = if button.action.wants_text() {
            fields.push_str(&format!("<input id=\"{key}\" type=\"text\" placeHolderContent=\"{words}\"/>"));
            format!(" hint-inputId=\"{key}\"")
        } else {
            String::new()
        };
        buttons.push_str(&format!("<action content=\"{words}\" arguments=\"{key}\"{style}{sends}/>"));
    }
    format!(
        "<toast{scenario} useButtonStyle=\"true\" launch=\"body\"><visual><binding template=\"ToastGeneric\">\
         <text>{{title}}</text><text>{{line}}</text></binding></visual><actions>{fields}{buttons}</actions>\
         <audio silent=\"true\"/></toast>"
    )
}
