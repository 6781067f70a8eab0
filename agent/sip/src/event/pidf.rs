//! Presence: PIDF (RFC 3863) with the activities of RPID (RFC 4480), read and written.

use crate::event::{
    kept,
    xml::{self, Element, XmlError, escaped},
};
use agent_core::port::sip::watch::{PresenceInfo, PresenceState};

/// The type of its bodies.
pub const TYPE: &str = "application/pidf+xml";

/// What each activity means to who looks; the first that is found counts.
const ACTIVITIES: &[(&str, PresenceState)] = &[
    ("do-not-disturb", PresenceState::DoNotDisturb),
    ("dnd", PresenceState::DoNotDisturb),
    ("on-the-phone", PresenceState::OnThePhone),
    ("busy", PresenceState::Busy),
    ("meeting", PresenceState::Busy),
    ("appointment", PresenceState::Busy),
    ("presentation", PresenceState::Busy),
    ("away", PresenceState::Away),
    ("in-transit", PresenceState::Away),
    ("meal", PresenceState::Away),
    ("lunch", PresenceState::Away),
    ("breakfast", PresenceState::Away),
    ("dinner", PresenceState::Away),
    ("permanent-absence", PresenceState::Away),
    ("sleeping", PresenceState::Away),
    ("steering", PresenceState::Away),
    ("travel", PresenceState::Away),
    ("vacation", PresenceState::Away),
    ("holiday", PresenceState::Away),
    ("worship", PresenceState::Away),
];

/// Reads a body. Of several tuples one that is open counts; a tuple without a status counts as open, a document
/// without a tuple as closed (RFC 3863 section 4.1.4 leaves it open, and PBXs mean that nobody is there).
pub fn parse(bytes: &[u8]) -> Result<PresenceInfo, XmlError> {
    let root = xml::parse(bytes, "presence")?;
    let open = root.all("tuple").any(is_open);
    let persons = || root.children.iter().filter(|child| matches!(child.name.as_str(), "person" | "tuple"));
    let activity = persons().find_map(activity);
    let state = match activity {
        Some(activity) if open => activity,
        // A closed tuple with an activity says why nobody is to be reached.
        Some(activity @ (PresenceState::DoNotDisturb | PresenceState::Away))
            if root.child("tuple").is_some() =>
        {
            activity
        }
        _ if open => PresenceState::Available,
        _ => PresenceState::Offline,
    };
    let notes = || persons().chain(std::iter::once(&root));
    let note = notes().find_map(|element| element.text_of("note")).and_then(kept);
    Ok(PresenceInfo { state, note: note.filter(|note| !is_word(note, state)) })
}

fn is_open(tuple: &Element) -> bool {
    let Some(status) = tuple.child("status") else { return true };
    status.text_of("basic").is_none_or(|basic| basic.eq_ignore_ascii_case("open"))
}

/// The activity that a person or, as older documents have it, a tuple's status names.
fn activity(element: &Element) -> Option<PresenceState> {
    let places = [Some(element), element.child("status")].into_iter().flatten();
    let activities: Vec<&Element> = places.flat_map(|place| place.all("activities")).collect();
    let named = |word: &str| {
        activities.iter().any(|list| {
            list.child(word).is_some() || list.all("activity").any(|activity| activity.text.trim() == word)
        })
    };
    ACTIVITIES.iter().find(|(word, _)| named(word)).map(|(_, state)| *state)
}

/// PBXs write the state once more as a note ("Ready", "On the phone"): that is no sentence of a person's.
fn is_word(note: &str, state: PresenceState) -> bool {
    let words: &[&str] = match state {
        PresenceState::Available => &["ready", "open", "available", "online", "idle"],
        PresenceState::OnThePhone => &["on the phone", "on-the-phone", "busy"],
        PresenceState::Busy => &["busy"],
        PresenceState::Away => &["away"],
        PresenceState::DoNotDisturb => &["dnd", "do not disturb", "busy"],
        PresenceState::Offline | PresenceState::Unknown => {
            &["unavailable", "offline", "closed", "not online"]
        }
    };
    words.iter().any(|word| note.eq_ignore_ascii_case(word))
}

/// Writes the presence of `entity` (our address of record).
pub fn write(entity: &str, presence: &PresenceInfo) -> String {
    let (basic, activity) = match presence.state {
        PresenceState::Offline | PresenceState::Unknown => ("closed", ""),
        PresenceState::Available => ("open", ""),
        PresenceState::Away => ("open", "<rpid:away/>"),
        PresenceState::Busy => ("open", "<rpid:busy/>"),
        PresenceState::OnThePhone => ("open", "<rpid:on-the-phone/>"),
        // RPID has no word for it: busy is what others may show, and `other` tells those who read on.
        PresenceState::DoNotDisturb => ("open", "<rpid:busy/><rpid:other>do-not-disturb</rpid:other>"),
    };
    let entity = escaped(entity);
    let note = presence.note.as_deref().and_then(kept).map(|note| format!("<note>{}</note>", escaped(&note)));
    let note = note.unwrap_or_default();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" \
         entity=\"{entity}\"><tuple id=\"phone\"><status><basic>{basic}</basic></status>{note}</tuple>\
         <dm:person id=\"user\"><rpid:activities>{activity}</rpid:activities></dm:person></presence>\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(inside: &str) -> PresenceState {
        parse(format!("<presence entity='pres:x'>{inside}</presence>").as_bytes()).unwrap().state
    }

    #[test]
    fn basic_and_activities() {
        let open = "<tuple id='a'><status><basic>open</basic></status></tuple>";
        let closed = "<tuple id='a'><status><basic>closed</basic></status></tuple>";
        assert_eq!(state(open), PresenceState::Available);
        assert_eq!(state(closed), PresenceState::Offline);
        assert_eq!(state(""), PresenceState::Offline);
        assert_eq!(state(&format!("{closed}{open}")), PresenceState::Available);
        for (word, expected) in [
            ("away", PresenceState::Away),
            ("busy", PresenceState::Busy),
            ("on-the-phone", PresenceState::OnThePhone),
            ("vacation", PresenceState::Away),
        ] {
            let person = format!("<dm:person><rpid:activities><rpid:{word}/></rpid:activities></dm:person>");
            assert_eq!(state(&format!("{open}{person}")), expected, "{word}");
        }
        let old = "<tuple><status><basic>open</basic><ep:activities><ep:activity>away</ep:activity></ep:activities>\
                   </status></tuple>";
        assert_eq!(state(old), PresenceState::Away);
        assert_eq!(
            state(&format!("{closed}<person><activities><on-the-phone/></activities></person>")),
            PresenceState::Offline
        );
    }

    #[test]
    fn a_note_is_a_sentence_and_not_the_state_again() {
        let with = |note: &str| {
            let text = format!(
                "<presence><note>{note}</note><tuple><status><basic>open</basic></status></tuple></presence>"
            );
            parse(text.as_bytes()).unwrap().note
        };
        assert_eq!(with("Ready"), None);
        assert_eq!(with("back at 3 &amp; later").as_deref(), Some("back at 3 & later"));
        assert_eq!(with(&"x".repeat(5000)).map(|note| note.len()), Some(256));
    }

    #[test]
    fn what_is_written_is_read() {
        for state in [
            PresenceState::Available,
            PresenceState::Away,
            PresenceState::Busy,
            PresenceState::OnThePhone,
            PresenceState::Offline,
        ] {
            let note = Some("in <room> 3".to_owned());
            let own = PresenceInfo { state, note };
            assert_eq!(parse(write("sip:1001@pbx", &own).as_bytes()), Ok(own));
        }
        let quiet = PresenceInfo { state: PresenceState::DoNotDisturb, note: None };
        assert_eq!(parse(write("sip:\"<@x", &quiet).as_bytes()).unwrap().state, PresenceState::Busy);
    }

    #[test]
    fn another_document_is_told() {
        assert_eq!(parse(b"<dialog-info/>"), Err(XmlError::Other));
        assert_eq!(parse(b"<presence>"), Err(XmlError::Broken));
    }
}
