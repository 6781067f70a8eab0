//! One call's lookup: the first good answer gives the name, later ones fill in what is missing.

use crate::{caller::CallerCard, plain::plain};

/// A record's page and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub source: String,
    pub url: String,
}

/// What is known of the other side, and whether more is waited for.
#[derive(Debug, Default)]
pub(crate) struct Lookup {
    searching: bool,
    card: Option<CallerCard>,
    page: Option<Page>,
}

impl Lookup {
    /// The plugins were asked.
    pub(crate) fn start(&mut self) {
        self.searching = true;
    }

    /// All have told, or the deadline has come. A card that comes later still counts while the call exists.
    pub(crate) fn stop(&mut self) -> bool {
        std::mem::take(&mut self.searching)
    }

    pub(crate) fn searching(&self) -> bool {
        self.searching
    }

    pub(crate) fn card(&self) -> Option<&CallerCard> {
        self.card.as_ref()
    }

    pub(crate) fn page(&self) -> Option<&Page> {
        self.page.as_ref()
    }

    /// Takes what a plugin found; says whether anything changed.
    pub(crate) fn found(&mut self, card: CallerCard) -> bool {
        let name = plain(&card.name);
        let company = card.company.as_deref().map(plain).filter(|c| !c.is_empty());
        let paged = card.url.is_some_and(|url| self.take_page(&card.source, url));
        let url = self.page.as_ref().map(|p| p.url.clone());
        match &mut self.card {
            Some(known) => {
                let before = known.clone();
                if known.name.is_empty() {
                    known.name = name;
                }
                known.company = known.company.take().or(company);
                known.url = known.url.take().or(url);
                *known != before || paged
            }
            None if name.is_empty() && company.is_none() && !paged => false,
            None => {
                self.card = Some(CallerCard { source: card.source, name, company, url });
                true
            }
        }
    }

    /// Takes the first page offered; only web pages are pages.
    pub(crate) fn take_page(&mut self, source: &str, url: String) -> bool {
        let web = url.starts_with("https://") || url.starts_with("http://");
        if self.page.is_some() || !web || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return false;
        }
        self.page = Some(Page { source: source.to_owned(), url });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(source: &str, name: &str, company: Option<&str>, url: Option<&str>) -> CallerCard {
        CallerCard {
            source: source.to_owned(),
            name: name.to_owned(),
            company: company.map(str::to_owned),
            url: url.map(str::to_owned),
        }
    }

    #[test]
    fn the_first_name_wins_and_the_rest_is_filled_in() {
        let mut lookup = Lookup::default();
        lookup.start();
        assert!(!lookup.found(card("empty", "", None, None)));
        assert!(lookup.found(card("a", "Alice", None, None)));
        assert!(lookup.found(card("b", "Bob", Some("ACME"), Some("https://b.example/1"))));
        assert!(!lookup.found(card("c", "Carol", Some("Other"), Some("https://c.example/1"))));
        assert_eq!(lookup.card(), Some(&card("a", "Alice", Some("ACME"), Some("https://b.example/1"))));
        assert_eq!(lookup.page().map(|p| p.source.as_str()), Some("b"));
        assert!(lookup.stop() && !lookup.stop());
    }

    #[test]
    fn only_web_pages_are_pages() {
        let mut lookup = Lookup::default();
        for url in ["file:///etc/passwd", "javascript:alert(1)", "https://a b", "https://a\nb", ""] {
            assert!(!lookup.found(card("a", "", None, Some(url))), "{url}");
        }
        assert_eq!(lookup.page(), None);
    }
}
