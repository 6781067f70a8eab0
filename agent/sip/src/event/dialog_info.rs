//! `dialog` (RFC 4235): one document, as it is written.

use crate::event::{
    kept,
    xml::{self, Element, XmlError},
};

/// The type of its bodies.
pub const TYPE: &str = "application/dialog-info+xml";
/// The most dialogs that are kept of a document.
pub const MOST_DIALOGS: usize = 64;

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogInfo {
    /// Its number; each is one higher than the one before (section 4.1).
    pub version: u32,
    /// Whether it is the whole state; otherwise what changed.
    pub full: bool,
    /// Whose dialogs these are.
    pub entity: String,
    /// The dialogs.
    pub dialogs: Vec<Dialog>,
}

/// One dialog of the watched line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dialog {
    /// Its name in this subscription.
    pub id: String,
    /// Call-ID, where it is told.
    pub call_id: Option<String>,
    /// The watched line's tag, where it is told.
    pub local_tag: Option<String>,
    /// The other side's tag, where it is told.
    pub remote_tag: Option<String>,
    /// Who began it; `None` where it is not told.
    pub initiated: Option<bool>,
    /// How far it is.
    pub state: DialogState,
    /// The watched line is on hold, or holds: `+sip.rendering` is `no` (RFC 4235 section 4.1.6, RFC 4245).
    pub held: bool,
    /// The other side.
    pub remote: Remote,
}

/// The other side of a dialog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remote {
    /// Its address.
    pub identity: Option<String>,
    /// What it is called.
    pub name: Option<String>,
    /// Where its requests go.
    pub target: Option<String>,
}

/// How far a dialog is (section 3.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DialogState {
    /// An INVITE went out or came in.
    #[default]
    Trying,
    /// A provisional answer without a tag.
    Proceeding,
    /// A provisional answer with a tag: it rings.
    Early,
    /// Answered.
    Confirmed,
    /// Over.
    Terminated,
}

/// Reads a body.
pub fn parse(bytes: &[u8]) -> Result<DialogInfo, XmlError> {
    let root = xml::parse(bytes, "dialog-info")?;
    // Some PBXs leave the version out: each document then is whole, and newer than the one before.
    let version = root.attribute("version").map_or(Ok(0), |text| text.trim().parse());
    let version = version.map_err(|_| XmlError::Other)?;
    let full = root.attribute("state") != Some("partial");
    let entity = root.attribute("entity").and_then(kept).unwrap_or_default();
    let dialogs = root.all("dialog").take(MOST_DIALOGS).map(dialog).collect();
    Ok(DialogInfo { version, full, entity, dialogs })
}

fn dialog(element: &Element) -> Dialog {
    let attribute = |name| element.attribute(name).and_then(kept);
    let call_id = attribute("call-id");
    let remote = element.child("remote");
    let identity = remote.and_then(|remote| remote.child("identity"));
    let target = remote.and_then(|remote| remote.child("target"));
    let name =
        identity.and_then(|identity| identity.attribute("display").or(identity.attribute("display-name")));
    Dialog {
        id: attribute("id").or(call_id.clone()).unwrap_or_default(),
        call_id,
        local_tag: attribute("local-tag"),
        remote_tag: attribute("remote-tag"),
        initiated: element.attribute("direction").and_then(|direction| match direction {
            "initiator" => Some(true),
            "recipient" => Some(false),
            _ => None,
        }),
        state: state(element.text_of("state")),
        held: element.child("local").and_then(|local| local.child("target")).is_some_and(silent),
        remote: Remote {
            identity: identity.and_then(|identity| kept(&identity.text)),
            name: name.and_then(kept),
            target: target.and_then(|target| target.attribute("uri")).and_then(kept),
        },
    }
}

/// A state nobody knows counts as under way: better busy than free.
fn state(text: Option<&str>) -> DialogState {
    match text {
        Some("terminated") => DialogState::Terminated,
        Some("confirmed") => DialogState::Confirmed,
        Some("early") => DialogState::Early,
        Some("proceeding") => DialogState::Proceeding,
        _ => DialogState::Trying,
    }
}

/// `<param pname="+sip.rendering" pval="no"/>`: what comes in is not rendered, so the call is on hold.
fn silent(target: &Element) -> bool {
    target.all("param").any(|param| {
        let is = |name, value: &str| {
            param.attribute(name).is_some_and(|text| text.trim_start_matches('+').eq_ignore_ascii_case(value))
        };
        is("pname", "sip.rendering") && is("pval", "no")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ringing line as Asterisk and kamailio's pua_dialoginfo write it.
    pub(crate) const RINGING: &str = r#"<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="7" state="partial" entity="sip:1002@pbx.example">
 <dialog id="as7d900as8" call-id="a84b4c76e66710" local-tag="1928301774" remote-tag="bbb" direction="recipient">
  <state event="cancelled">early</state>
  <remote><identity display="Anna &amp; Co">sip:600@pbx.example</identity><target uri="sip:600@192.0.2.6"/></remote>
  <local><identity>sip:1002@pbx.example</identity><target uri="sip:1002@192.0.2.7"><param pname="+sip.rendering" pval="no"/></target></local>
 </dialog></dialog-info>"#;

    #[test]
    fn every_part_is_read() {
        let info = parse(RINGING.as_bytes()).unwrap();
        assert_eq!((info.version, info.full, info.entity.as_str()), (7, false, "sip:1002@pbx.example"));
        let dialog = &info.dialogs[0];
        assert_eq!(
            (dialog.id.as_str(), dialog.state, dialog.initiated),
            ("as7d900as8", DialogState::Early, Some(false))
        );
        assert_eq!(dialog.call_id.as_deref(), Some("a84b4c76e66710"));
        assert_eq!(
            (dialog.local_tag.as_deref(), dialog.remote_tag.as_deref()),
            (Some("1928301774"), Some("bbb"))
        );
        assert_eq!(dialog.remote.name.as_deref(), Some("Anna & Co"));
        assert_eq!(dialog.remote.target.as_deref(), Some("sip:600@192.0.2.6"));
        assert!(dialog.held);
    }

    #[test]
    fn what_is_left_out_is_left_open() {
        let info = parse(b"<dialog-info><dialog call-id='x'/></dialog-info>").unwrap();
        assert!(info.full && info.version == 0);
        assert_eq!((info.dialogs[0].id.as_str(), info.dialogs[0].state), ("x", DialogState::Trying));
        let many = format!("<dialog-info version='1'>{}</dialog-info>", "<dialog id='x'/>".repeat(999));
        assert_eq!(parse(many.as_bytes()).unwrap().dialogs.len(), MOST_DIALOGS);
        assert_eq!(parse(b"<dialog-info version='x'/>"), Err(XmlError::Other));
        assert_eq!(parse(b"<presence/>"), Err(XmlError::Other));
    }
}
