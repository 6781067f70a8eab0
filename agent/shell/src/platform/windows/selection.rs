//! The text selected in other programs: asked for by UI Automation, else copied and the clipboard put back.

use super::super::native::clipboard;
use std::{
    thread,
    time::{Duration, Instant},
};
use windows::{
    Win32::{
        System::{
            Com::{
                CLSCTX_INPROC_SERVER, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx, CoUninitialize,
            },
            DataExchange::GetClipboardSequenceNumber,
        },
        UI::{
            Accessibility::{CUIAutomation, IUIAutomation, IUIAutomationTextPattern, UIA_TextPatternId},
            Input::KeyboardAndMouse::{
                GetAsyncKeyState, INPUT, INPUT_0, INPUT_KEYBOARD, KEYBD_EVENT_FLAGS, KEYBDINPUT,
                KEYEVENTF_KEYUP, SendInput, VIRTUAL_KEY, VK_C, VK_CONTROL, VK_LWIN, VK_MENU, VK_RWIN,
                VK_SHIFT,
            },
            WindowsAndMessaging::{GetClassNameW, GetForegroundWindow},
        },
    },
    core::Result,
};

/// The most that is taken, UTF-16 units or bytes.
const MOST: usize = 64 * 1024;
/// How long the keys of the hotkey may stay down before copying is given up.
const RELEASE: Duration = Duration::from_millis(250);

/// Windows of terminals that do not tell what is selected in them: there Ctrl+C ends the program that runs.
const TERMINALS: [&str; 7] = [
    "ConsoleWindowClass",
    "CASCADIA_HOSTING_WINDOW_CLASS",
    "VirtualConsoleClass",
    "PuTTY",
    "KiTTY",
    "mintty",
    "org.wezfurlong.wezterm",
];

/// What is selected; empty when nothing is. An error is a sentence for the user.
pub(super) fn read() -> std::result::Result<String, String> {
    match automation() {
        // A program that tells is believed, also when it says that nothing is selected: Ctrl+C then means the whole
        // line to some editors, and the end of the program to a terminal.
        Ok(Some(text)) => return Ok(text),
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "UI Automation has no selection"),
    }
    if in_terminal() {
        return Err(
            "This terminal does not say what is selected in it; copy the number and dial it by hand."
                .to_owned(),
        );
    }
    copy()
}

/// Whether the user works in a terminal.
fn in_terminal() -> bool {
    let mut name = [0_u16; 64];
    // SAFETY: the buffer's length is told by the slice; no window, or one that is just going, gives no name.
    let length = unsafe { GetClassNameW(GetForegroundWindow(), &mut name) };
    let name = String::from_utf16_lossy(&name[..usize::try_from(length).unwrap_or(0).min(name.len())]);
    TERMINALS.contains(&name.as_str())
}

/// What the program with the keyboard says is selected; nothing where it does not say.
fn automation() -> Result<Option<String>> {
    // SAFETY: COM is entered and left on this thread, and everything made in between is let go before it is left.
    unsafe {
        CoInitializeEx(None, COINIT_MULTITHREADED).ok()?;
        let text = focused_text();
        CoUninitialize();
        text
    }
}

/// # Safety
/// COM must have been entered on this thread.
unsafe fn focused_text() -> Result<Option<String>> {
    // SAFETY: plain COM calls on objects this function holds.
    unsafe {
        let automation: IUIAutomation = CoCreateInstance(&CUIAutomation, None, CLSCTX_INPROC_SERVER)?;
        let element = automation.GetFocusedElement()?;
        let Ok(pattern) = element.GetCurrentPatternAs::<IUIAutomationTextPattern>(UIA_TextPatternId) else {
            return Ok(None);
        };
        let ranges = pattern.GetSelection()?;
        let mut whole = String::new();
        for index in 0..ranges.Length()? {
            let left = MOST.saturating_sub(whole.len());
            if left == 0 {
                break;
            }
            whole.push_str(&ranges.GetElement(index)?.GetText(left as i32)?.to_string());
        }
        Ok(Some(whole))
    }
}

/// Presses Ctrl+C for the user and puts the clipboard's text back afterwards.
fn copy() -> std::result::Result<String, String> {
    wait_for_release()?;
    // SAFETY: reads a counter.
    clipboard::copied(MOST, || unsafe { GetClipboardSequenceNumber() }, press_copy)
}

/// Ctrl+C means something else while Alt or Shift is down.
fn wait_for_release() -> std::result::Result<(), String> {
    let until = Instant::now() + RELEASE;
    // SAFETY: reads the state of a key.
    let down = |key: VIRTUAL_KEY| unsafe { GetAsyncKeyState(i32::from(key.0)) } < 0;
    while [VK_CONTROL, VK_MENU, VK_SHIFT, VK_LWIN, VK_RWIN].into_iter().any(down) {
        if Instant::now() >= until {
            return Err(
                "Let go of the hotkey's keys sooner: the selection can be copied only then.".to_owned()
            );
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn press_copy() -> std::result::Result<(), String> {
    let key = |key: VIRTUAL_KEY, flags: KEYBD_EVENT_FLAGS| INPUT {
        r#type: INPUT_KEYBOARD,
        Anonymous: INPUT_0 { ki: KEYBDINPUT { wVk: key, dwFlags: flags, ..KEYBDINPUT::default() } },
    };
    let down = KEYBD_EVENT_FLAGS::default();
    let inputs = [
        key(VK_CONTROL, down),
        key(VK_C, down),
        key(VK_C, KEYEVENTF_KEYUP),
        key(VK_CONTROL, KEYEVENTF_KEYUP),
    ];
    // SAFETY: the inputs are whole, and their size is told.
    let sent = unsafe { SendInput(&inputs, size_of::<INPUT>() as i32) };
    if sent as usize == inputs.len() {
        Ok(())
    } else {
        // Let go of whatever was pressed, so that nothing sticks.
        let up = [key(VK_C, KEYEVENTF_KEYUP), key(VK_CONTROL, KEYEVENTF_KEYUP)];
        // SAFETY: as above.
        unsafe { SendInput(&up, size_of::<INPUT>() as i32) };
        Err("That program does not let others copy from it; copy the number and dial it by hand.".to_owned())
    }
}
