//! The codes of a PBX: what is dialled for each feature, with the places where a number or one's own extension goes.

use serde::{Deserialize, Serialize};

/// The longest code, with its place holders.
const LONGEST: usize = 64;

/// The codes of a PBX; what is absent it cannot do by a code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Codes {
    /// Forward every call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_always: Option<Code>,
    /// No longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_always_off: Option<Code>,
    /// Forward while busy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_busy: Option<Code>,
    /// No longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_busy_off: Option<Code>,
    /// Forward what is not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_no_answer: Option<Code>,
    /// No longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_no_answer_off: Option<Code>,
    /// Do not disturb.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dnd_on: Option<Code>,
    /// No longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dnd_off: Option<Code>,
    /// Take the call that rings at a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pickup: Option<Code>,
    /// Take a call that rings in the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pickup_group: Option<Code>,
    /// Where a call is transferred to be parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub park: Option<Code>,
    /// Take a parked call back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieve: Option<Code>,
    /// Join the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_in: Option<Code>,
    /// Leave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_out: Option<Code>,
    /// Pause in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_pause: Option<Code>,
    /// Go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_resume: Option<Code>,
    /// Hear voice mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice_mail: Option<Code>,
    /// Call without showing our number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withhold: Option<Code>,
    /// The line that is busy while do not disturb is on (`dialog`, RFC 4235).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dnd_line: Option<Code>,
    /// The line that is busy while every call is forwarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_line: Option<Code>,
    /// The line that is busy while one is in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_line: Option<Code>,
}

/// One code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// What is dialled, with `{number}` where a number goes and `{own}` where one's own extension does.
    pub code: String,
    /// It stands in the maker's document or was seen to work.
    pub verified: bool,
    /// Which document or PBX.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// It switches over: dialled twice, everything is as it was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub toggle: bool,
}

/// Whether a code has a place for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Number,
    Nothing,
    Either,
}

impl Code {
    /// The code with a number and one's own extension in their places; `None` when it wants a number and none is given, or
    /// has no place for the one that is.
    pub fn with(&self, number: Option<&str>, own: &str) -> Option<String> {
        let code = self.code.replace("{own}", own);
        match (code.split_once("{number}"), number) {
            (Some((before, after)), Some(number)) => Some(format!("{before}{number}{after}")),
            (None, None) => Some(code),
            (Some(_), None) | (None, Some(_)) => None,
        }
    }

    /// What is wrong with it, in a sentence for whoever wrote the file.
    pub(super) fn wrong(&self, key: &str) -> Option<String> {
        let plain = self.code.replacen("{number}", "", 1).replacen("{own}", "", 1);
        let dialled = plain.bytes().all(|b| b.is_ascii_digit() || b"*#+".contains(&b));
        if self.code.is_empty() || self.code.len() > LONGEST || !dialled {
            return Some("a code has the keys 0-9, *, #, and {number} and {own} once each".to_owned());
        }
        let has = self.code.contains("{number}");
        match wants(key) {
            Wants::Number if !has => return Some("write {number} where the number goes".to_owned()),
            Wants::Nothing if has => return Some("this code has no number".to_owned()),
            _ => {}
        }
        if matches!(plain.as_str(), "112" | "911") {
            return Some("this is an emergency number".to_owned());
        }
        if self.verified && self.source.as_ref().is_none_or(|source| source.trim().is_empty()) {
            return Some("verified needs a source that says by what".to_owned());
        }
        None
    }
}

fn wants(key: &str) -> Wants {
    match key {
        "forward_always" | "forward_busy" | "forward_no_answer" | "pickup" | "retrieve" | "withhold" => {
            Wants::Number
        }
        "queue_in" | "queue_out" | "queue_pause" | "queue_resume" | "queue_line" => Wants::Either,
        _ => Wants::Nothing,
    }
}

impl Codes {
    /// The codes there are, by the name the file knows them by.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Code)> {
        [
            ("forward_always", &self.forward_always),
            ("forward_always_off", &self.forward_always_off),
            ("forward_busy", &self.forward_busy),
            ("forward_busy_off", &self.forward_busy_off),
            ("forward_no_answer", &self.forward_no_answer),
            ("forward_no_answer_off", &self.forward_no_answer_off),
            ("dnd_on", &self.dnd_on),
            ("dnd_off", &self.dnd_off),
            ("pickup", &self.pickup),
            ("pickup_group", &self.pickup_group),
            ("park", &self.park),
            ("retrieve", &self.retrieve),
            ("queue_in", &self.queue_in),
            ("queue_out", &self.queue_out),
            ("queue_pause", &self.queue_pause),
            ("queue_resume", &self.queue_resume),
            ("voice_mail", &self.voice_mail),
            ("withhold", &self.withhold),
            ("dnd_line", &self.dnd_line),
            ("forward_line", &self.forward_line),
            ("queue_line", &self.queue_line),
        ]
        .into_iter()
        .filter_map(|(name, code)| Some((name, code.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_goes_into_its_place() {
        let code = |code: &str| Code { code: code.to_owned(), verified: false, source: None, toggle: false };
        assert_eq!(code("*21*{number}#").with(Some("600"), "1001").as_deref(), Some("*21*600#"));
        assert_eq!(code("*21*{number}#").with(None, "1001"), None);
        assert_eq!(code("#21#").with(None, "1001").as_deref(), Some("#21#"));
        assert_eq!(code("#21#").with(Some("600"), "1001"), None);
        assert_eq!(code("*76{own}").with(None, "1001").as_deref(), Some("*761001"));
        // What stands in a number is no place holder.
        assert_eq!(code("*1{number}").with(Some("{own}"), "1001").as_deref(), Some("*1{own}"));
    }
}
