//! The pages a person sees: a record, the list, and that there is none.

use crate::crm::contacts::Contact;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f3f5f8;color:#1c2733}\
header{background:#17405f;color:#fff;padding:14px 28px;font-weight:600}\
main{max-width:640px;margin:32px auto;background:#fff;border:1px solid #d9e0e7;border-radius:10px;padding:28px 32px}\
h1{margin:0 0 4px;font-size:26px}.company{color:#58677a;margin:0 0 20px}dt{color:#58677a;font-size:13px}\
dd{margin:0 0 14px}a{color:#17608f}.note{background:#fff8df;border-left:4px solid #e3b93a;padding:10px 14px}";

/// A contact's record.
pub(crate) fn record(contact: &Contact) -> String {
    let phones: Vec<String> = contact.phones.iter().map(|phone| escape(phone)).collect();
    let company = contact.company.as_deref().map(escape).unwrap_or_default();
    let note = if contact.note.is_empty() {
        String::new()
    } else {
        format!("<p class=\"note\">{}</p>", escape(&contact.note))
    };
    let name = escape(&contact.name);
    page(
        &name,
        &format!(
            "<h1>{name}</h1><p class=\"company\">{company}</p><dl><dt>Phone</dt><dd>{}</dd><dt>Record</dt><dd>{}</dd></dl>{note}",
            phones.join("<br>"),
            contact.id
        ),
    )
}

/// The list of everybody.
pub(crate) fn list(contacts: &[Contact]) -> String {
    let item = |contact: &Contact| {
        format!("<li><a href=\"/contacts/{}\">{}</a></li>", contact.id, escape(&contact.name))
    };
    page("Contacts", &format!("<h1>Contacts</h1><ul>{}</ul>", contacts.iter().map(item).collect::<String>()))
}

/// Nothing is there.
pub(crate) fn missing() -> String {
    page("Not found", "<h1>Not found</h1><p>There is no such record.</p>")
}

fn page(title: &str, main: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} - Demo CRM</title>\
         <style>{STYLE}</style></head><body><header>Demo CRM</header><main>{main}</main></body></html>\n"
    )
}

/// Text as HTML: nothing in it is markup.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Contact, record};

    #[test]
    fn nothing_of_a_record_is_markup() {
        let page = record(&Contact::new(1, "<script>x</script>", "A & \"B\"", "<b>"));
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
        assert!(page.contains("&lt;script&gt;") && page.contains("A &amp; &quot;B&quot;"), "{page}");
    }
}
