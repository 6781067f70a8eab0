//! Hotkeys as the user writes them (`Ctrl+Alt+A`), read once for every platform.

use agent_core::settings::HotkeySettings;
use std::fmt;

/// What a hotkey is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    Answer,
    HangUp,
    DialSelection,
}

impl Purpose {
    /// Its key in `[hotkeys]`.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::HangUp => "hang_up",
            Self::DialSelection => "dial_selection",
        }
    }
}

/// The modifiers of a chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Modifiers {
    pub(crate) ctrl: bool,
    pub(crate) alt: bool,
    pub(crate) shift: bool,
    pub(crate) meta: bool,
}

/// A key, by the names it goes under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// As the user reads it.
    name: &'static str,
    /// The X keysym without Shift (`keysymdef.h`).
    pub(crate) keysym: u32,
    /// The UI Events code (`KeyA`), which Windows and macOS use here.
    pub(crate) code: &'static str,
    /// Whether it may stand without a modifier.
    alone: bool,
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chord {
    pub(crate) modifiers: Modifiers,
    pub(crate) key: Key,
}

/// Reads a chord; the error names the token and says what would be right.
pub(crate) fn parse(text: &str) -> Result<Chord, String> {
    let shown = crate::text::one_line(text, 60);
    let mut modifiers = Modifiers::default();
    let mut key: Option<Key> = None;
    for token in text.split('+').map(str::trim) {
        if token.is_empty() {
            return Err(format!(
                "The hotkey \"{shown}\" has an empty place beside a +; the key itself is written Plus."
            ));
        }
        if modifier(&mut modifiers, token) {
            continue;
        }
        let Some(found) = find(token) else {
            let token = crate::text::one_line(token, 30);
            return Err(format!(
                "\"{token}\" in the hotkey \"{shown}\" is neither a modifier (Ctrl, Alt, Shift, Super) nor a key{}.",
                hint(&token)
            ));
        };
        if let Some(first) = key {
            return Err(format!(
                "The hotkey \"{shown}\" names two keys, {} and {}; only one can be pressed with the modifiers.",
                first.name, found.name
            ));
        }
        key = Some(found);
    }
    let Some(key) = key else {
        return Err(format!("The hotkey \"{shown}\" has no key, only modifiers; add one, as in Ctrl+Alt+A."));
    };
    if !(modifiers.ctrl || modifiers.alt || modifiers.meta || key.alone) {
        return Err(format!(
            "The hotkey \"{shown}\" would take {} away from every program; add Ctrl, Alt or Super.",
            key.name
        ));
    }
    Ok(Chord { modifiers, key })
}

/// Every hotkey that is switched on, and a sentence for each that cannot be.
pub(crate) fn all(settings: &HotkeySettings) -> (Vec<(Purpose, Chord)>, Vec<String>) {
    let (mut chords, mut problems) = (Vec::<(Purpose, Chord)>::new(), Vec::new());
    for (purpose, text) in [
        (Purpose::Answer, &settings.answer),
        (Purpose::HangUp, &settings.hang_up),
        (Purpose::DialSelection, &settings.dial_selection),
    ] {
        if text.trim().is_empty() {
            continue;
        }
        match parse(text) {
            Ok(chord) => match chords.iter().find(|(_, other)| *other == chord) {
                Some((first, _)) => problems.push(format!(
                    "{chord} stands for both {} and {} in [hotkeys]; only {} has it.",
                    first.setting(),
                    purpose.setting(),
                    first.setting()
                )),
                None => chords.push((purpose, chord)),
            },
            Err(problem) => problems.push(problem),
        }
    }
    (chords, problems)
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (on, name) in [
            (self.modifiers.ctrl, "Ctrl+"),
            (self.modifiers.alt, "Alt+"),
            (self.modifiers.shift, "Shift+"),
            (self.modifiers.meta, "Super+"),
        ] {
            if on {
                f.write_str(name)?;
            }
        }
        f.write_str(self.key.name)
    }
}

fn modifier(modifiers: &mut Modifiers, token: &str) -> bool {
    match token.to_ascii_lowercase().as_str() {
        "ctrl" | "control" | "strg" => modifiers.ctrl = true,
        "alt" | "option" => modifiers.alt = true,
        "shift" | "umschalt" | "maj" => modifiers.shift = true,
        "super" | "win" | "windows" | "meta" | "cmd" | "command" => modifiers.meta = true,
        _ => return false,
    }
    true
}

fn find(token: &str) -> Option<Key> {
    KEYS.iter()
        .map(|&(name, keysym, code)| Key {
            name,
            keysym,
            code,
            alone: (0xffbe..=0xffd5).contains(&keysym) || keysym >= 0x1008_0000 || keysym == 0xff13,
        })
        .find(|key| key.name.eq_ignore_ascii_case(token) || key.code.eq_ignore_ascii_case(token))
}

/// The nearest word, when it is near.
fn hint(token: &str) -> String {
    let names = ["Ctrl", "Alt", "Shift", "Super"].into_iter().chain(KEYS.iter().map(|key| key.0));
    match names.filter(|name| name.len() > 2).map(|name| (distance(token, name), name)).min() {
        Some((1..=2, name)) => format!("; did you mean {name}?"),
        _ => String::new(),
    }
}

/// Levenshtein's, without regard to case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for j in 0..b.len() {
            let next = (row[j] + 1).min(row[j + 1] + 1).min(diagonal + usize::from(c != b[j]));
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

/// Name, X keysym, UI Events code.
#[rustfmt::skip]
const KEYS: &[(&str, u32, &str)] = &[
    ("A", 0x61, "KeyA"), ("B", 0x62, "KeyB"), ("C", 0x63, "KeyC"), ("D", 0x64, "KeyD"), ("E", 0x65, "KeyE"),
    ("F", 0x66, "KeyF"), ("G", 0x67, "KeyG"), ("H", 0x68, "KeyH"), ("I", 0x69, "KeyI"), ("J", 0x6a, "KeyJ"),
    ("K", 0x6b, "KeyK"), ("L", 0x6c, "KeyL"), ("M", 0x6d, "KeyM"), ("N", 0x6e, "KeyN"), ("O", 0x6f, "KeyO"),
    ("P", 0x70, "KeyP"), ("Q", 0x71, "KeyQ"), ("R", 0x72, "KeyR"), ("S", 0x73, "KeyS"), ("T", 0x74, "KeyT"),
    ("U", 0x75, "KeyU"), ("V", 0x76, "KeyV"), ("W", 0x77, "KeyW"), ("X", 0x78, "KeyX"), ("Y", 0x79, "KeyY"),
    ("Z", 0x7a, "KeyZ"),
    ("0", 0x30, "Digit0"), ("1", 0x31, "Digit1"), ("2", 0x32, "Digit2"), ("3", 0x33, "Digit3"), ("4", 0x34, "Digit4"),
    ("5", 0x35, "Digit5"), ("6", 0x36, "Digit6"), ("7", 0x37, "Digit7"), ("8", 0x38, "Digit8"), ("9", 0x39, "Digit9"),
    ("F1", 0xffbe, "F1"), ("F2", 0xffbf, "F2"), ("F3", 0xffc0, "F3"), ("F4", 0xffc1, "F4"), ("F5", 0xffc2, "F5"),
    ("F6", 0xffc3, "F6"), ("F7", 0xffc4, "F7"), ("F8", 0xffc5, "F8"), ("F9", 0xffc6, "F9"), ("F10", 0xffc7, "F10"),
    ("F11", 0xffc8, "F11"), ("F12", 0xffc9, "F12"), ("F13", 0xffca, "F13"), ("F14", 0xffcb, "F14"),
    ("F15", 0xffcc, "F15"), ("F16", 0xffcd, "F16"), ("F17", 0xffce, "F17"), ("F18", 0xffcf, "F18"),
    ("F19", 0xffd0, "F19"), ("F20", 0xffd1, "F20"), ("F21", 0xffd2, "F21"), ("F22", 0xffd3, "F22"),
    ("F23", 0xffd4, "F23"), ("F24", 0xffd5, "F24"),
    ("Space", 0x20, "Space"), ("Enter", 0xff0d, "Enter"), ("Tab", 0xff09, "Tab"), ("Escape", 0xff1b, "Escape"),
    ("Backspace", 0xff08, "Backspace"), ("Insert", 0xff63, "Insert"), ("Delete", 0xffff, "Delete"),
    ("Home", 0xff50, "Home"), ("End", 0xff57, "End"), ("PageUp", 0xff55, "PageUp"), ("PageDown", 0xff56, "PageDown"),
    ("Up", 0xff52, "ArrowUp"), ("Down", 0xff54, "ArrowDown"), ("Left", 0xff51, "ArrowLeft"),
    ("Right", 0xff53, "ArrowRight"), ("Pause", 0xff13, "Pause"), ("PrintScreen", 0xff61, "PrintScreen"),
    ("Plus", 0x2b, "Equal"), ("Minus", 0x2d, "Minus"), ("Comma", 0x2c, "Comma"), ("Period", 0x2e, "Period"),
    ("MediaPlay", 0x1008_ff14, "MediaPlayPause"), ("MediaStop", 0x1008_ff15, "MediaStop"),
    ("MediaNext", 0x1008_ff17, "MediaTrackNext"), ("MediaPrevious", 0x1008_ff16, "MediaTrackPrevious"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_are_read_and_printed() {
        for (text, printed) in [
            ("Ctrl+Alt+A", "Ctrl+Alt+A"),
            ("ctrl + shift+ d", "Ctrl+Shift+D"),
            ("Strg+Umschalt+F5", "Ctrl+Shift+F5"),
            ("SUPER+PageUp", "Super+PageUp"),
            ("F9", "F9"),
            ("Pause", "Pause"),
            ("Ctrl+Plus", "Ctrl+Plus"),
            ("mediaplay", "MediaPlay"),
        ] {
            assert_eq!(parse(text).map(|chord| chord.to_string()).as_deref(), Ok(printed), "{text}");
        }
    }

    #[test]
    fn an_error_names_the_token() {
        for (text, said) in [
            ("Ctlr+Alt+A", "\"Ctlr\" in the hotkey \"Ctlr+Alt+A\" is neither"),
            ("Ctlr+Alt+A", "did you mean Ctrl?"),
            ("Ctrl+Alt+Spce", "did you mean Space?"),
            ("Ctrl+Alt", "has no key"),
            ("A", "would take A away from every program"),
            ("Shift+7", "would take 7 away"),
            ("Ctrl+A+B", "names two keys, A and B"),
            ("Ctrl++", "written Plus"),
            ("Ctrl+Ä", "\"Ä\""),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn one_bad_hotkey_does_not_take_the_others_along() {
        let settings = HotkeySettings {
            answer: "Ctrl+Alt+A".to_owned(),
            hang_up: "ctrl+alt+a".to_owned(),
            dial_selection: "Ctrl+Alt+Dee".to_owned(),
        };
        let (chords, problems) = all(&settings);
        assert_eq!(chords.len(), 1);
        assert!(problems[0].contains("both answer and hang_up"), "{problems:?}");
        assert!(problems[1].contains("Dee"), "{problems:?}");
        let off =
            HotkeySettings { answer: String::new(), hang_up: " ".to_owned(), dial_selection: String::new() };
        assert_eq!(all(&off), (vec![], vec![]));
    }
}
