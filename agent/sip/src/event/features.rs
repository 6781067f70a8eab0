//! `as-feature-event` (BroadSoft, Cisco): do not disturb and forwarding as the PBX has them, in ECMA-323's words.

use crate::event::{
    kept,
    xml::{self, Element, XmlError},
};
use agent_core::port::sip::watch::{FeatureInfo, ForwardWhen};

/// The type of its bodies.
pub const TYPE: &str = "application/x-as-feature-event+xml";

/// Reads one document.
pub fn parse(bytes: &[u8]) -> Result<FeatureInfo, XmlError> {
    match xml::parse(bytes, "DoNotDisturbEvent") {
        Ok(root) => {
            let on = root.text_of("doNotDisturbOn").and_then(truth).ok_or(XmlError::Other)?;
            Ok(FeatureInfo::DoNotDisturb { on })
        }
        Err(XmlError::Other) => forward(&xml::parse(bytes, "ForwardingEvent")?),
        Err(error) => Err(error),
    }
}

fn forward(root: &Element) -> Result<FeatureInfo, XmlError> {
    let when = match root.text_of("forwardingType") {
        Some("forwardImmediate") => ForwardWhen::Always,
        Some("forwardBusy") => ForwardWhen::Busy,
        Some("forwardNoAns" | "forwardNoAnswer") => ForwardWhen::NoAnswer,
        _ => return Err(XmlError::Other),
    };
    let on = root.text_of("forwardStatus").and_then(truth).ok_or(XmlError::Other)?;
    let to = root.text_of("forwardTo").or(root.text_of("forwardDN")).and_then(kept);
    Ok(FeatureInfo::Forward { when, on, to })
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_documents_are_read() {
        let dnd = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><DoNotDisturbEvent \
            xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"><device/>\
            <doNotDisturbOn>true</doNotDisturbOn></DoNotDisturbEvent>";
        assert_eq!(parse(dnd), Ok(FeatureInfo::DoNotDisturb { on: true }));
        let forward = b"<ForwardingEvent><device>1</device><forwardingType>forwardNoAns</forwardingType>\
            <forwardStatus>false</forwardStatus><forwardTo> 600 </forwardTo><ringCount>3</ringCount></ForwardingEvent>";
        let want =
            FeatureInfo::Forward { when: ForwardWhen::NoAnswer, on: false, to: Some("600".to_owned()) };
        assert_eq!(parse(forward), Ok(want));
    }

    #[test]
    fn what_says_nothing_is_another_document() {
        for text in [
            "<DoNotDisturbEvent/>",
            "<ForwardingEvent><forwardStatus>true</forwardStatus></ForwardingEvent>",
            "<DoNotDisturbEvent><doNotDisturbOn>maybe</doNotDisturbOn></DoNotDisturbEvent>",
            "<Hoteling/>",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(XmlError::Other), "{text}");
        }
        assert_eq!(parse(b"<DoNotDisturbEvent>"), Err(XmlError::Broken));
    }
}
