//! Looks callers up in the demo's CRM and opens their record.

use plugin_api::{Call, Card, Entity, Error, Lookup, Phone, PhoneKind, http};
use serde::Deserialize;

/// The plugin: it keeps nothing between two questions.
struct DemoCrm;

/// A contact as the CRM's `GET /api/contacts?phone=…` lists it.
#[derive(Deserialize)]
struct Contact {
    id: u64,
    name: String,
    #[serde(default)]
    company: Option<String>,
    #[serde(default)]
    phones: Vec<String>,
    #[serde(default)]
    url: Option<String>,
}

impl Lookup for DemoCrm {
    fn find(call: Call) -> Result<Vec<Card>, Error> {
        let base = plugin_api::setting("base_url")?;
        let number = call.remote.e164.unwrap_or(call.remote.dialled);
        if number.is_empty() {
            return Ok(Vec::new());
        }
        let answer = http::Request::get(format!("{}/api/contacts", base.trim_end_matches('/')))
            .query("phone", &number)
            .header("accept", "application/json")
            .send()?;
        cards(answer.ok()?)
    }
}

/// The cards of a list of contacts.
fn cards(json: &[u8]) -> Result<Vec<Card>, Error> {
    let contacts: Vec<Contact> = serde_json::from_slice(json).map_err(|error| {
        Error::BadResponse(format!("the list of contacts is not what it should be: {error}"))
    })?;
    Ok(contacts.into_iter().map(card).collect())
}

/// A contact's card.
fn card(contact: Contact) -> Card {
    Card {
        entity: Entity { module: "contact".to_owned(), id: contact.id.to_string() },
        name: contact.name,
        company: contact.company,
        job_title: None,
        phones: contact.phones.into_iter().map(|value| Phone { kind: PhoneKind::Work, value }).collect(),
        emails: Vec::new(),
        url: contact.url,
        score: 100,
        attrs: Vec::new(),
    }
}

plugin_api::export!(DemoCrm: lookup);

#[cfg(test)]
mod tests {
    use super::cards;

    #[test]
    fn a_contact_becomes_a_card_with_its_page() {
        let found = cards(
            br#"[{"id":7,"name":"Alice Schmidt","company":"ACME GmbH","phones":["+4930123456"],"url":"http://127.0.0.1:8/contacts/7"}]"#,
        );
        let Ok(found) = found else { panic!("the list was refused: {found:?}") };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "Alice Schmidt");
        assert_eq!(found[0].phones[0].value, "+4930123456");
        assert_eq!(found[0].url.as_deref(), Some("http://127.0.0.1:8/contacts/7"));
    }

    #[test]
    fn an_answer_that_is_no_list_is_an_error_that_says_so() {
        let said = format!("{:?}", cards(b"<html>").err());
        assert!(said.contains("list of contacts"), "{said}");
    }
}
