//! The text selected in other programs: asked for by the accessibility API, else copied and the clipboard put back.

use super::super::native::clipboard;
use objc2::rc::autoreleasepool;
use objc2_app_kit::NSPasteboard;
use std::{
    ffi::{CStr, c_char, c_void},
    ptr,
};

/// The most that is taken, bytes.
const MOST: usize = 64 * 1024;

type CfType = *const c_void;

// The few functions needed of ApplicationServices (Accessibility, Quartz events) and CoreFoundation.
#[link(name = "ApplicationServices", kind = "framework")]
unsafe extern "C" {
    fn AXIsProcessTrusted() -> u8;
    fn AXUIElementCreateSystemWide() -> CfType;
    fn AXUIElementCopyAttributeValue(element: CfType, attribute: CfType, value: *mut CfType) -> i32;
    fn CGEventCreateKeyboardEvent(source: CfType, key: u16, down: bool) -> CfType;
    fn CGEventSetFlags(event: CfType, flags: u64);
    fn CGEventPost(tap: u32, event: CfType);
}

#[link(name = "CoreFoundation", kind = "framework")]
unsafe extern "C" {
    fn CFStringCreateWithCString(allocator: CfType, text: *const c_char, encoding: u32) -> CfType;
    fn CFStringGetTypeID() -> usize;
    fn CFGetTypeID(value: CfType) -> usize;
    fn CFStringGetLength(text: CfType) -> isize;
    fn CFStringGetBytes(
        text: CfType,
        range: CfRange,
        encoding: u32,
        loss: u8,
        external: bool,
        buffer: *mut u8,
        most: isize,
        used: *mut isize,
    ) -> isize;
    fn CFRelease(value: CfType);
}

#[repr(C)]
struct CfRange {
    location: isize,
    length: isize,
}

const UTF_8: u32 = 0x0800_0100;
/// `kCGHIDEventTap`.
const HID_TAP: u32 = 0;
/// `kCGEventFlagMaskCommand`.
const COMMAND: u64 = 1 << 20;
/// `kVK_ANSI_C`.
const KEY_C: u16 = 8;

/// A value of Core Foundation that is ours to let go.
struct Owned(CfType);

impl Owned {
    fn new(value: CfType) -> Option<Self> {
        (!value.is_null()).then_some(Self(value))
    }

    fn text(text: &CStr) -> Option<Self> {
        // SAFETY: the text is valid and ends in zero; no allocator means the usual one.
        Self::new(unsafe { CFStringCreateWithCString(ptr::null(), text.as_ptr(), UTF_8) })
    }

    /// The element's attribute of this name.
    fn attribute(&self, name: &CStr) -> Option<Self> {
        let name = Self::text(name)?;
        let mut value = ptr::null();
        // SAFETY: both values are alive, and `value` takes one we are to let go when the call succeeds.
        let error = unsafe { AXUIElementCopyAttributeValue(self.0, name.0, &raw mut value) };
        if error == 0 { Self::new(value) } else { None }
    }

    fn into_string(self) -> Option<String> {
        // SAFETY: the value is alive and its type is looked at before it is taken for a string; the buffer is as long
        // as is told, and only what was written to it is read.
        unsafe {
            if CFGetTypeID(self.0) != CFStringGetTypeID() {
                return None;
            }
            let range = CfRange { location: 0, length: CFStringGetLength(self.0) };
            let mut buffer = vec![0u8; MOST];
            let mut used = 0;
            CFStringGetBytes(
                self.0,
                range,
                UTF_8,
                b'?',
                false,
                buffer.as_mut_ptr(),
                MOST as isize,
                &raw mut used,
            );
            buffer.truncate(usize::try_from(used).unwrap_or(0));
            String::from_utf8(buffer).ok()
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: alive, and let go once.
        unsafe { CFRelease(self.0) }
    }
}

/// What is selected; empty when nothing is. An error is a sentence for the user.
pub(super) fn read() -> Result<String, String> {
    // SAFETY: asks a question.
    if unsafe { AXIsProcessTrusted() } == 0 {
        return Err(
            "macOS does not let Trayphone see the selection: allow it in System Settings, Privacy & \
                    Security, Accessibility; until then copy the number and dial it by hand."
                .to_owned(),
        );
    }
    // This thread runs no loop that would empty a pool for it.
    autoreleasepool(|_| match accessible() {
        Some(text) if !text.trim().is_empty() => Ok(text),
        _ => copy(),
    })
}

fn accessible() -> Option<String> {
    // SAFETY: gives a value that is ours to let go.
    let system = Owned::new(unsafe { AXUIElementCreateSystemWide() })?;
    system.attribute(c"AXFocusedUIElement")?.attribute(c"AXSelectedText")?.into_string()
}

/// Presses Cmd+C for the user and puts the clipboard's text back afterwards.
fn copy() -> Result<String, String> {
    let press_copy = || press(KEY_C, true).and_then(|()| press(KEY_C, false));
    clipboard::copied(MOST, || NSPasteboard::generalPasteboard().changeCount(), press_copy)
}

fn press(key: u16, down: bool) -> Result<(), String> {
    // SAFETY: no source means the usual one; the event is ours to let go.
    let event = Owned::new(unsafe { CGEventCreateKeyboardEvent(ptr::null(), key, down) })
        .ok_or_else(|| "The selection could not be copied.".to_owned())?;
    // SAFETY: the event is alive.
    unsafe {
        CGEventSetFlags(event.0, COMMAND);
        CGEventPost(HID_TAP, event.0);
    }
    Ok(())
}
