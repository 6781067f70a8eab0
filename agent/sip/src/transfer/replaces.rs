//! The Replaces header (RFC 3891 section 6.1): the dialog whose place a call takes.

use crate::{
    dialog::DialogId,
    message::{FieldError, Headers, Params, Text},
    transfer::REPLACES,
};
use agent_core::port::sip::transfer::DialogRef;

/// A dialog, named from the side of who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replaces {
    pub(crate) call_id: Text,
    /// The tag of who is asked.
    pub(crate) to_tag: Text,
    /// The tag of the other side.
    pub(crate) from_tag: Text,
    /// Only while it is not answered.
    pub(crate) early_only: bool,
}

impl Replaces {
    /// The one of a request; a second one makes it unreadable (section 3).
    pub(crate) fn of(headers: &Headers) -> Result<Option<Self>, FieldError> {
        let mut lines = headers.all(REPLACES);
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(line), None) => Self::parse(line).map(Some),
            (Some(_), Some(_)) => Err(wrong("there is more than one")),
        }
    }

    /// Reads `call-id;to-tag=…;from-tag=…;early-only`.
    pub(crate) fn parse(value: &[u8]) -> Result<Self, FieldError> {
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        let call_id = value[..end].trim_ascii();
        if call_id.is_empty() || call_id.contains(&b',') {
            return Err(wrong("it names no one Call-ID"));
        }
        let params = Params::parse(&value[end..]).map_err(wrong)?;
        let tag = |name| params.value(name).cloned().ok_or(wrong("a tag is missing"));
        Ok(Self {
            call_id: call_id.into(),
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: params.has("early-only"),
        })
    }

    /// What a pick-up asks for: somebody else's call, while it rings.
    pub(crate) fn early(dialog: &DialogRef) -> Option<Self> {
        let token = |text: &str| {
            let fine = |b: u8| b.is_ascii_graphic() && !b";,\"<>".contains(&b);
            (!text.is_empty() && text.bytes().all(fine)).then(|| Text::from(text))
        };
        Some(Self {
            call_id: token(&dialog.call_id)?,
            to_tag: token(&dialog.to_tag)?,
            from_tag: token(&dialog.from_tag)?,
            early_only: true,
        })
    }

    /// The same as the one it names sees it, when `dialog` is ours: their tag is the one asked for.
    pub(crate) fn by_them(dialog: &DialogId) -> Self {
        // A peer of RFC 2543 has no tag, which is written 0 (section 3).
        let tag = |tag: &Text| if tag.is_empty() { Text::from("0") } else { tag.clone() };
        Self {
            call_id: dialog.call_id.clone(),
            to_tag: tag(&dialog.remote_tag),
            from_tag: tag(&dialog.local_tag),
            early_only: false,
        }
    }

    /// The names our dialog may have: a tag of zero stands for none as well (section 3).
    pub(crate) fn names(&self) -> impl Iterator<Item = DialogId> {
        let both = |tag: &Text| {
            let none = (tag == "0").then(Text::default);
            [Some(tag.clone()), none].into_iter().flatten().collect::<Vec<_>>()
        };
        let (ours, theirs) = (both(&self.to_tag), both(&self.from_tag));
        let call_id = self.call_id.clone();
        ours.into_iter().flat_map(move |local_tag| {
            let call_id = call_id.clone();
            let name = move |remote_tag| DialogId {
                call_id: call_id.clone(),
                local_tag: local_tag.clone(),
                remote_tag,
            };
            theirs.clone().into_iter().map(name).collect::<Vec<_>>()
        })
    }

    /// As a header's value.
    pub(crate) fn to_value(&self) -> Text {
        let early: &[u8] = if self.early_only { b";early-only" } else { b"" };
        let parts: [&[u8]; 6] =
            [&self.call_id, b";to-tag=", &self.to_tag, b";from-tag=", &self.from_tag, early];
        parts.concat().into()
    }
}

fn wrong(what: &'static str) -> FieldError {
    FieldError { field: REPLACES, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_is_read_and_what_it_owes_is_missed() {
        let replaces = Replaces::parse(b"a@b ; from-tag=f;to-tag=t;early-only;x=1").unwrap();
        assert_eq!(replaces.to_value(), "a@b;to-tag=t;from-tag=f;early-only");
        let names: Vec<DialogId> = replaces.names().collect();
        let name = |local: &str, remote: &str| DialogId {
            call_id: "a@b".into(),
            local_tag: local.into(),
            remote_tag: remote.into(),
        };
        assert_eq!(names, [name("t", "f")]);
        let old = Replaces::parse(b"a@b;to-tag=t;from-tag=0").unwrap();
        assert_eq!(old.names().collect::<Vec<_>>(), [name("t", "0"), name("t", "")]);
        for bad in ["", ";to-tag=1;from-tag=2", "a;to-tag=1", "a;from-tag=1", "a,b;to-tag=1;from-tag=2"] {
            assert!(Replaces::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let mut headers = Headers::new();
        assert_eq!(Replaces::of(&headers), Ok(None));
        headers.push("Replaces", "a;to-tag=1;from-tag=2");
        assert!(Replaces::of(&headers).unwrap().is_some());
        headers.push("Replaces", "b;to-tag=1;from-tag=2");
        assert!(Replaces::of(&headers).is_err());
    }

    #[test]
    fn what_a_stranger_names_puts_no_words_into_our_request() {
        let dialog = |call_id: &str| DialogRef {
            call_id: call_id.to_owned(),
            to_tag: "t".to_owned(),
            from_tag: "f".to_owned(),
        };
        assert_eq!(Replaces::early(&dialog("a@b")).unwrap().to_value(), "a@b;to-tag=t;from-tag=f;early-only");
        for bad in ["", "a b", "a;x=1", "a\r\nVia: x", "a,b"] {
            assert_eq!(Replaces::early(&dialog(bad)), None, "{bad:?}");
        }
    }
}
