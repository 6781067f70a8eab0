//! The contacts, and which of them a number belongs to.

use serde_json::{Value, json};

/// Digits that must agree at the end of two numbers written in different ways.
const TAIL: usize = 7;

/// Somebody the CRM knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The record's number.
    pub id: u64,
    /// The person.
    pub name: String,
    /// Where they work.
    pub company: Option<String>,
    /// Their numbers, as somebody typed them.
    pub phones: Vec<String>,
    /// A note on the record.
    pub note: String,
}

impl Contact {
    /// A contact with one number.
    pub fn new(id: u64, name: &str, company: &str, phone: &str) -> Self {
        let company = (!company.is_empty()).then(|| company.to_owned());
        Self { id, name: name.to_owned(), company, phones: vec![phone.to_owned()], note: String::new() }
    }

    /// The people of the demo.
    pub fn examples() -> Vec<Self> {
        let mut all = vec![
            Self::new(7, "Alice Schmidt", "ACME GmbH", "+49 30 1234567"),
            Self::new(8, "Jürgen Müller & Söhne", "Müller <Bau> KG", "+49 (0)89 / 765 43-21"),
            Self::new(9, "Chiara Rossi", "Rossi S.p.A.", "+39 02 1234 5678"),
            Self::new(10, "Dominique Lefèvre", "", "+33 1 23 45 67 89"),
        ];
        if let Some(alice) = all.first_mut() {
            alice.note = "Wants the quote for order 4711 by Friday.".to_owned();
            alice.phones.push("1002".to_owned());
        }
        all
    }

    /// Whether the number is one of theirs: the digits are the same, or the last seven are.
    pub(crate) fn has(&self, number: &str) -> bool {
        let asked = digits(number);
        !asked.is_empty() && self.phones.iter().any(|phone| same(&digits(phone), &asked))
    }

    /// As the API lists it; `base` is this server's address.
    pub(crate) fn to_json(&self, base: &str) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "company": self.company,
            "phones": self.phones,
            "url": format!("{base}/contacts/{}", self.id),
        })
    }
}

/// The digits; the `(0)` that people write behind a country code is none.
fn digits(number: &str) -> String {
    number.replace("(0)", "").chars().filter(char::is_ascii_digit).collect()
}

fn same(a: &str, b: &str) -> bool {
    let tail = |text: &str| text.len().checked_sub(TAIL).map(|at| text[at..].to_owned());
    a == b || (tail(a).is_some() && tail(a) == tail(b))
}

#[cfg(test)]
mod tests {
    use super::Contact;

    #[test]
    fn numbers_are_found_however_they_are_written() {
        let contact = Contact::new(1, "A", "", "+49 (0)89 / 765 43-21");
        assert!(contact.has("+49897654321") && contact.has("0897654321") && contact.has("7654321"));
        assert!(
            !contact.has("+49897654322") && !contact.has("") && !contact.has("21") && !contact.has("héllo")
        );
    }
}
