//! `reg` (RFC 3680): every phone that is registered for an address of record, and what became of those that were.

use crate::event::{
    kept,
    xml::{self, Element, XmlError},
};

/// The type of its bodies.
pub const TYPE: &str = "application/reginfo+xml";
/// The most contacts that are kept of a document.
const MOST: usize = 64;

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegInfo {
    /// Its number; each is one higher than the one before (section 5.1).
    pub version: u32,
    /// Whether it is the whole state; otherwise what changed.
    pub full: bool,
    /// The contacts it names, over all its registrations.
    pub contacts: Vec<Contact>,
}

/// A contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its name in this subscription; unique within an address of record.
    pub id: String,
    /// Where it is.
    pub uri: String,
    /// It is registered.
    pub active: bool,
    /// What happened to it.
    pub event: ContactEvent,
    /// What it calls itself.
    pub name: Option<String>,
}

/// What happened to a contact (section 5.3), as far as it asks something of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactEvent {
    /// It came, was refreshed, or ended as it should.
    Usual,
    /// Its interval was made shorter: to be refreshed at once.
    Shortened,
    /// It was taken away and may register again at once.
    Deactivated,
    /// It was taken away and may register again after a while.
    Probation,
    /// It was taken away for good.
    Rejected,
}

/// Reads a body.
pub fn parse(bytes: &[u8]) -> Result<RegInfo, XmlError> {
    let root = xml::parse(bytes, "reginfo")?;
    let version =
        root.attribute("version").and_then(|text| text.trim().parse().ok()).ok_or(XmlError::Other)?;
    let full = root.attribute("state") != Some("partial");
    let mut contacts = Vec::new();
    for registration in root.all("registration") {
        let ended = registration.attribute("state") == Some("terminated");
        let found = registration.all("contact").filter_map(|element| contact(element, ended));
        contacts.extend(found.take(MOST - contacts.len()));
    }
    Ok(RegInfo { version, full, contacts })
}

fn contact(element: &Element, ended: bool) -> Option<Contact> {
    let uri = kept(element.text_of("uri")?)?;
    let event = match element.attribute("event") {
        Some("shortened") => ContactEvent::Shortened,
        Some("deactivated") => ContactEvent::Deactivated,
        Some("probation") => ContactEvent::Probation,
        Some("rejected") => ContactEvent::Rejected,
        _ => ContactEvent::Usual,
    };
    let id = element.attribute("id").and_then(kept).unwrap_or_else(|| uri.clone());
    let active = !ended && element.attribute("state") != Some("terminated");
    let name = element.text_of("display-name").and_then(kept);
    Some(Contact { id, uri, active, event, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_the_standard() {
        let info = parse(
            br#"<?xml version="1.0"?><reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="3" state="partial">
              <registration aor="sip:user@example.com" id="as9" state="active">
                <contact id="76" state="active" event="registered" duration-registered="7322" q="0.8">
                  <uri>sip:user@pc887.example.com</uri><display-name>Desk &amp; more</display-name></contact>
                <contact id="77" state="terminated" event="deactivated"><uri>sip:user@old.example.com</uri></contact>
              </registration>
              <registration aor="sip:u@e" id="b" state="terminated"><contact id="1"><uri>sip:u@z</uri></contact></registration>
            </reginfo>"#,
        )
        .unwrap();
        assert_eq!((info.version, info.full, info.contacts.len()), (3, false, 3));
        assert_eq!(info.contacts[0].name.as_deref(), Some("Desk & more"));
        assert!(info.contacts[0].active && !info.contacts[1].active && !info.contacts[2].active);
        assert_eq!(info.contacts[1].event, ContactEvent::Deactivated);
    }

    #[test]
    fn a_flood_of_contacts_is_cut_and_nonsense_refused() {
        let contacts = "<contact id='1' state='active'><uri>sip:a@b</uri></contact>".repeat(500);
        let text =
            format!("<reginfo version='0' state='full'><registration>{contacts}</registration></reginfo>");
        assert_eq!(parse(text.as_bytes()).unwrap().contacts.len(), MOST);
        assert_eq!(parse(b"<reginfo/>"), Err(XmlError::Other));
        assert_eq!(parse(b"<reginfo version='-1'/>"), Err(XmlError::Other));
        assert!(parse(b"<reginfo version='1'><registration><contact/></registration></reginfo>").is_ok());
    }
}
