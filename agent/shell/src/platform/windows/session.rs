//! Hears that the user logs off or the computer shuts down: the system tells windows, and a console program that has any
//! is not told by its console.

use super::super::native::Leave;
use std::cell::RefCell;
use windows::{
    Win32::{
        Foundation::{HINSTANCE, HWND, LPARAM, LRESULT, WPARAM},
        System::LibraryLoader::GetModuleHandleW,
        UI::WindowsAndMessaging::{
            CreateWindowExW, DefWindowProcW, DestroyWindow, RegisterClassW, WINDOW_EX_STYLE, WM_ENDSESSION,
            WNDCLASSW, WS_OVERLAPPED,
        },
    },
    core::{Result, w},
};

thread_local! {
    /// What to do then; the window belongs to the thread that made it, and its messages come to that thread only.
    static LEAVE: RefCell<Option<Leave>> = const { RefCell::new(None) };
}

/// A window nobody sees, on the desktop all the same: one for messages only is not told.
pub(super) struct Watch(HWND);

impl Watch {
    /// Begins to watch. To be called on a thread that handles window messages.
    pub(super) fn begin(leave: Leave) -> Result<Self> {
        let class = w!("trayphone-session");
        // SAFETY: the class lives as long as the process and names a procedure that does, too; all strings end in zero.
        let window = unsafe {
            let module = HINSTANCE::from(GetModuleHandleW(None)?);
            let description = WNDCLASSW {
                lpfnWndProc: Some(hear),
                hInstance: module,
                lpszClassName: class,
                ..WNDCLASSW::default()
            };
            // Fails when the class is there already, which is as good; another failure shows in the next call.
            RegisterClassW(&raw const description);
            let style = WINDOW_EX_STYLE::default();
            CreateWindowExW(
                style,
                class,
                w!("Trayphone"),
                WS_OVERLAPPED,
                0,
                0,
                0,
                0,
                None,
                None,
                Some(module),
                None,
            )?
        };
        LEAVE.set(Some(leave));
        Ok(Self(window))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        LEAVE.set(None);
        // SAFETY: made by this thread and destroyed once.
        if let Err(error) = unsafe { DestroyWindow(self.0) } {
            tracing::debug!(%error, "the session's window stays");
        }
    }
}

/// # Safety
/// Called by the system only.
unsafe extern "system" fn hear(window: HWND, message: u32, wide: WPARAM, long: LPARAM) -> LRESULT {
    // The process may be ended as soon as this returns.
    if message == WM_ENDSESSION && wide.0 != 0 {
        // Taken out: it waits, and meanwhile messages may come again.
        let leave = LEAVE.take();
        if let Some(leave) = leave {
            leave();
        }
        return LRESULT(0);
    }
    // SAFETY: what the system gave is given on.
    unsafe { DefWindowProcW(window, message, wide, long) }
}
