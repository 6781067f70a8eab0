//! Windows: toasts of the incoming-call kind, the selection by UI Automation, pages by the shell, the session's end.

mod selection;
mod session;
mod toasts;

use super::native::{self, Leave, Os, Woke};
use crate::{ShellConfig, ShellError, ShellInbox, Tell};
use tray_icon::MouseButtonState;
use windows::{
    Win32::{
        Foundation::HANDLE,
        System::{
            Com::{COINIT_APARTMENTTHREADED, COINIT_DISABLE_OLE1DDE, CoInitializeEx, CoUninitialize},
            StationsAndDesktops::{
                GetProcessWindowStation, GetUserObjectInformationW, UOI_FLAGS, USEROBJECTFLAGS,
            },
        },
        UI::{
            Shell::ShellExecuteW,
            WindowsAndMessaging::{SW_SHOWNORMAL, WSF_VISIBLE},
        },
    },
    core::{HSTRING, w},
};
use winit::event_loop::EventLoopBuilder;

/// A service, or somebody who came by ssh, has a window station that nobody sees.
pub(crate) fn display() -> Result<(), String> {
    let mut flags = USEROBJECTFLAGS::default();
    // SAFETY: the station's handle is not ours to close, and the structure is the one this question is answered in, of
    // the size given.
    let told = unsafe {
        GetProcessWindowStation().and_then(|station| {
            let (answer, size) = ((&raw mut flags).cast(), size_of::<USEROBJECTFLAGS>() as u32);
            GetUserObjectInformationW(HANDLE(station.0), UOI_FLAGS, Some(answer), size, None)
        })
    };
    match told {
        Ok(()) if flags.dwFlags & WSF_VISIBLE as u32 == 0 => {
            Err("Nobody is logged in at this session's screen.".to_owned())
        }
        Ok(()) => Ok(()),
        Err(error) => {
            // One that does not say is taken for the usual one: whoever sits before it shall see the calls.
            tracing::debug!(%error, "the window station does not say whether it is seen");
            Ok(())
        }
    }
}

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
