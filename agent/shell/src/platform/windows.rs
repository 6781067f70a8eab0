//! Windows: toasts of the incoming-call kind, the selection by UI Automation, pages by the shell, the session's end.

mod selection;
mod session;
mod toasts;

use super::native::{self, Leave, Os, Woke};
use crate::{ShellConfig, ShellError, ShellInbox, Tell};
use tray_icon::MouseButtonState;
use windows::{
    Win32::{
        System::Com::{COINIT_APARTMENTTHREADED, COINIT_DISABLE_OLE1DDE, CoInitializeEx, CoUninitialize},
        UI::{Shell::ShellExecuteW, WindowsAndMessaging::SW_SHOWNORMAL},
    },
    core::{HSTRING, w},
};
use winit::event_loop::EventLoopBuilder;

pub(crate) fn run(config: ShellConfig, inbox: ShellInbox, tell: Tell) -> Result<(), ShellError> {
    native::run::<Windows>(config, inbox, tell)
}

struct Windows;

impl Os for Windows {
    type Toaster = toasts::Toasts;
    type Watch = Option<session::Watch>;

    const TRAY_SIZE: u32 = 32;
    const MENU_OPENS_ON: MouseButtonState = MouseButtonState::Up;

    fn prepare(_: &mut EventLoopBuilder<Woke>) {}

    fn watch(leave: Leave) -> Self::Watch {
        session::Watch::begin(leave)
            .inspect_err(|error| tracing::warn!(%error, "the end of the session will not be heard"))
            .ok()
    }

    fn selection() -> Result<String, String> {
        selection::read()
    }

    fn open(url: &str) -> Result<(), String> {
        let url = HSTRING::from(url);
        // SAFETY: both strings are valid and end in zero for as long as the call lasts; no window is named. COM, which
        // extensions of the shell may want, is left only if it was entered.
        let result = unsafe {
            let entered = CoInitializeEx(None, COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE).is_ok();
            let result = ShellExecuteW(None, w!("open"), &url, None, None, SW_SHOWNORMAL);
            if entered {
                CoUninitialize();
            }
            result
        };
        // Above 32 means success, by an old promise of the function.
        match result.0 as isize {
            33.. => Ok(()),
            code => Err(format!("Windows could not open the page (error {code}); is there a browser?")),
        }
    }
}
