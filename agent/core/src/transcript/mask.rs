//! What of a line is nobody's business.

use crate::party::Sdp;

/// Whether numbers, names and addresses are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// As they are: for tests, and for a log at DEBUG that the user switched on.
    Off,
    /// Only the last two digits of a number, the first letter of a name, the host of a page.
    On,
}

impl Mask {
    /// A number or user part.
    pub(super) fn number(self, text: &str) -> String {
        let count = text.chars().count();
        match self {
            Self::Off => text.to_owned(),
            Self::On if text.is_empty() => String::new(),
            Self::On if count < 6 => "…".to_owned(),
            Self::On => format!("…{}", text.chars().skip(count - 2).collect::<String>()),
        }
    }

    /// A person, a company, a sentence that may name one; quoted.
    pub(super) fn name(self, text: &str) -> String {
        match self {
            Self::Off => format!("{text:?}"),
            Self::On => format!("{:?}", text.chars().next().map(|c| format!("{c}…")).unwrap_or_default()),
        }
    }

    /// A page.
    pub(super) fn url(self, url: &str) -> String {
        match self {
            Self::Off => url.to_owned(),
            Self::On => {
                let host =
                    url.split("//").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or("");
                let host = host.rsplit('@').next().unwrap_or("");
                format!("{}//{host}/…", url.split("//").next().unwrap_or(""))
            }
        }
    }
}

/// A description is its body in tests, where it is a word, and `sdp` otherwise.
pub(super) fn body(sdp: Option<&Sdp>) -> String {
    let Some(Sdp(bytes)) = sdp else { return String::new() };
    let word = bytes.len() <= 12 && bytes.iter().all(u8::is_ascii_alphanumeric);
    match std::str::from_utf8(bytes) {
        Ok(text) if word => format!(" {text}"),
        _ => " sdp".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_person_is_left() {
        assert_eq!(Mask::On.number("+49301234567"), "…67");
        assert_eq!(Mask::On.number("1001"), "…");
        assert_eq!(Mask::On.name("Alice Schmidt"), "\"A…\"");
        assert_eq!(Mask::On.url("https://u:p@crm.example/contacts/17?x=1"), "https://crm.example/…");
        assert_eq!(Mask::Off.name("Alice"), "\"Alice\"");
    }
}
