//! From a plugin's cards to the one that is shown: verified, sanitised, its page checked against the grants.

use crate::{contract::types::Card, grant::Grants};
use agent_core::{caller::CallerCard, plain};
use url::Url;

/// More cards than this are not looked at.
const MAX_CARDS: usize = 20;
/// More numbers of one card than this are not looked at.
const MAX_PHONES: usize = 40;
/// The longest name shown, characters.
const MAX_NAME: usize = 200;
/// The longest page address, bytes.
const MAX_URL: usize = 2048;

/// Digits at the end that make two spellings of a number the same, when one has no country code.
const NATIONAL_DIGITS: usize = 6;

/// The card that is shown.
pub(crate) struct Best {
    /// As it is shown.
    pub(crate) card: CallerCard,
    /// Which of the plugin's cards it was.
    pub(crate) index: usize,
    /// Its page, if that may not be opened, with the rule.
    pub(crate) refused: Option<(Url, String)>,
}

/// The best card that is really about `number`.
pub(crate) fn best(source: &str, cards: &[Card], number: &str, grants: &Grants) -> Option<Best> {
    let about =
        |card: &Card| card.phones.iter().take(MAX_PHONES).any(|phone| same_number(&phone.value, number));
    let fitting = cards.iter().enumerate().take(MAX_CARDS).filter(|(_, card)| about(card));
    // The first of the best: `max_by_key` alone would take the last.
    let (index, card) = fitting.max_by_key(|(index, card)| (card.score, std::cmp::Reverse(*index)))?;
    let company =
        card.company.as_deref().map(|company| plain::line(company, MAX_NAME)).filter(|it| !it.is_empty());
    let name = plain::line(&card.name, MAX_NAME);
    let name = if name.is_empty() { company.clone()? } else { name };
    let (url, refused) = match card.url.as_deref().map(|url| page(url, grants)) {
        None => (None, None),
        Some(Ok(url)) => (Some(url), None),
        Some(Err(refused)) => (None, refused),
    };
    Some(Best { card: CallerCard { source: source.to_owned(), name, company, url }, index, refused })
}

/// A page that may be opened; else the address and the rule (or nothing, if it is no address at all).
pub(crate) fn page(url: &str, grants: &Grants) -> Result<String, Option<(Url, String)>> {
    let parsed = Url::parse(url).map_err(|_| None)?;
    if url.len() > MAX_URL {
        return Err(Some((parsed, format!("the address is longer than {MAX_URL} bytes"))));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(Some((parsed, "the address carries a user name or password".to_owned())));
    }
    match grants.open(&parsed) {
        Ok(()) => Ok(parsed.into()),
        Err(rule) => Err(Some((parsed, rule))),
    }
}

/// Whether two spellings are of one number: by all digits if both are international, else by the national ones.
pub(crate) fn same_number(a: &str, b: &str) -> bool {
    let (Some(a), Some(b)) = (Digits::of(a), Digits::of(b)) else { return false };
    if a.international == b.international {
        return a.digits == b.digits;
    }
    let (full, part) = if a.international { (a, b) } else { (b, a) };
    // A national number is the end of the international one, and begins after a country code of one to three digits.
    let part = part.digits.trim_start_matches('0');
    part.len() >= NATIONAL_DIGITS
        && full.digits.ends_with(part)
        && full.digits.len() - part.len() <= if part.len() >= 8 { 3 } else { 6 }
}

/// A number's digits.
struct Digits {
    digits: String,
    international: bool,
}

impl Digits {
    fn of(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches("tel:");
        // `+49 (0)30`: the bracketed zero is dialled inside the country only.
        let text = if text.starts_with('+') || text.starts_with("00") {
            text.replacen("(0)", "", 1)
        } else {
            text.to_owned()
        };
        let digits: String = text.chars().take(64).filter(char::is_ascii_digit).collect();
        if digits.is_empty() {
            return None;
        }
        if text.starts_with('+') {
            return Some(Self { digits, international: true });
        }
        match digits.strip_prefix("00") {
            Some(rest) => Some(Self { digits: rest.to_owned(), international: true }),
            None => Some(Self { digits, international: false }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::same_number;

    #[test]
    fn spellings_of_one_number_are_the_same_and_others_are_not() {
        let same = [
            ("+4930123456", "+49 30 123456"),
            ("+4930123456", "+49 (0)30 / 123-456"),
            ("+4930123456", "0049 30 123456"),
            ("+4930123456", "030 123456"),
            ("+4930123456", "tel:+49-30-123456"),
            ("+15551234567", "(555) 123-4567"),
            ("600", "600"),
        ];
        for (a, b) in same {
            assert!(same_number(a, b), "{a} {b}");
            assert!(same_number(b, a), "{b} {a}");
        }
        let other = [
            ("+4930123456", "+4930123457"),
            ("+4930123456", "3456"),
            ("+4930123456", ""),
            ("600", "6001"),
            ("+4930123456", "+43 30 123456"),
            ("", ""),
        ];
        for (a, b) in other {
            assert!(!same_number(a, b), "{a} {b}");
            assert!(!same_number(b, a), "{b} {a}");
        }
    }
}
