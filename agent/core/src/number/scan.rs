//! Finds what could be numbers in a selected text: linear, bounded, and blind to what numbers are valid.

use super::{kind::NoNumber, special};
use crate::plain::hidden;

/// More runs than this are not looked at: a table of numbers is not a number.
const MOST_RUNS: usize = 12;
/// A number broken over lines has come to its end after so many characters.
const LONGEST_BROKEN: usize = 24;
/// A run longer than this is no number.
const LONGEST_RUN: usize = 64;

/// Digits, separators and line breaks that stand together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Its lines.
    pub segments: Vec<String>,
    /// The digits after `ext.` or its like.
    pub extension: Option<String>,
}

/// What a text holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// What could be numbers, in order.
    pub runs: Vec<Run>,
    /// The text holds nothing else: short numbers count, too.
    pub only: bool,
    /// The best word for what else it holds.
    pub blame: NoNumber,
}

/// One spelling for digits, dashes, spaces, slashes and line breaks; what cannot be seen is dropped.
pub(super) fn tidy(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|c| !hidden(*c)).map(unify).collect()
}

fn unify(c: char) -> char {
    let digit = |zero: u32| char::from_digit((c as u32).wrapping_sub(zero), 10);
    match c {
        '\r' | '\n' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' => '-',
        '\u{FF0B}' | '\u{FE62}' => '+',
        '\u{2044}' | '\u{2215}' | '\u{FF0F}' => '/',
        '\u{FF08}' | '[' => '(',
        '\u{FF09}' | ']' => ')',
        '\u{00B7}' | '\u{2022}' | '\u{2024}' | '\u{FF0E}' => '.',
        '\u{FF1A}' => ':',
        '\u{0660}'..='\u{0669}' => digit(0x660).unwrap_or(c),
        '\u{06F0}'..='\u{06F9}' => digit(0x6F0).unwrap_or(c),
        '\u{0966}'..='\u{096F}' => digit(0x966).unwrap_or(c),
        '\u{FF10}'..='\u{FF19}' => digit(0xFF10).unwrap_or(c),
        c if c.is_whitespace() || c.is_control() => ' ',
        c => c,
    }
}

/// Digits, a leading `+`, `*` and `#`; separators go.
pub(super) fn compact(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' | '*' | '#' => out.push(c),
            '+' if out.is_empty() => out.push(c),
            _ => {}
        }
    }
    out
}

/// Looks a tidied text through.
pub(super) fn scan(text: &str) -> Scan {
    let mut chars: Vec<char> = text.chars().collect();
    let mut found = Scan { runs: Vec::new(), only: true, blame: NoNumber::Nothing };
    blank_words(&mut chars, &mut found);
    blank_ibans(&mut chars, &mut found);
    let mut i = 0;
    while i < chars.len() {
        if chars[i].is_ascii_digit() || "+(*#".contains(chars[i]) {
            i = take_run(&chars, i, &mut found);
        } else if chars[i].is_alphabetic() {
            i = take_word(&chars, i, &mut found);
        } else {
            // `14:30` is a time, `Tel: 030` a label.
            let time = chars[i] == ':' && i > 0 && chars[i - 1].is_ascii_digit();
            found.only &= !time && (chars[i].is_whitespace() || ",;:|.-/&)".contains(chars[i]));
            i += 1;
        }
    }
    found
}

/// Reads one run from `start` and what follows it; gives where to go on.
fn take_run(chars: &[char], start: usize, found: &mut Scan) -> usize {
    let mut end = start;
    while end < chars.len() && (chars[end].is_ascii_digit() || "+()-/. \n*#".contains(chars[end])) {
        // A number may be broken over lines; a list of numbers, or one behind an empty line, is not one number.
        if chars[end] == '\n' && (end - start >= LONGEST_BROKEN || chars.get(end + 1) == Some(&'\n')) {
            break;
        }
        end += 1;
    }
    let mut last = end;
    while last > start && !(chars[last - 1].is_ascii_digit() || "*#".contains(chars[last - 1])) {
        last -= 1;
    }
    if last == start {
        found.only &= chars[start] == '(';
        return start + 1;
    }
    let (extension, next) = extension(chars, last);
    let glued_before = start > 0 && (chars[start - 1].is_alphanumeric() || "_€$£".contains(chars[start - 1]));
    let glued_after =
        extension.is_none() && chars.get(last).is_some_and(|c| c.is_alphanumeric() || "_€%".contains(*c));
    let digits = chars[start..last].iter().filter(|c| c.is_ascii_digit()).count();
    if glued_before && digits >= 11 && account_like(chars, start) {
        found.blame = NoNumber::Iban;
    }
    if glued_before
        || glued_after
        || last - start > LONGEST_RUN
        || found.runs.len() >= MOST_RUNS
        || digits == 0
    {
        found.only = false;
        return next.max(last);
    }
    let text: String = chars[start..last].iter().collect();
    let segments = text.split('\n').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect();
    found.runs.push(Run { segments, extension });
    next.max(last)
}

/// Reads `ext. 12` behind a run.
fn extension(chars: &[char], from: usize) -> (Option<String>, usize) {
    let skip = |mut i: usize, what: &str| {
        while chars.get(i).is_some_and(|c| what.contains(*c)) {
            i += 1;
        }
        i
    };
    let word_at = skip(from, " ,;-(");
    let mut end = word_at;
    while chars.get(end).is_some_and(|c| c.is_alphabetic()) {
        end += 1;
    }
    let word: String = chars[word_at..end].iter().collect::<String>().to_lowercase();
    if !special::EXTENSION_WORDS.contains(&word.as_str()) {
        return (None, from);
    }
    let digits_at = skip(end, " .:=");
    let mut digits_end = digits_at;
    while digits_end - digits_at < 8 && chars.get(digits_end).is_some_and(char::is_ascii_digit) {
        digits_end += 1;
    }
    if digits_end == digits_at || chars.get(digits_end).is_some_and(|c| c.is_alphanumeric()) {
        return (None, from);
    }
    (Some(chars[digits_at..digits_end].iter().collect()), skip(digits_end, ")"))
}

/// As many keys as are sent at once (`trayphone dtmf` takes as many).
const LONGEST_KEYS: usize = 64;

/// What stands before and behind the first pause (`,` `;` `p` `w`) of `0171 1234567,,12#`, where only keys and pauses
/// stand behind it, without a space.
pub(super) fn keys_behind(text: &str) -> Option<(&str, &str)> {
    let at = text.find([',', ';', 'p', 'P', 'w', 'W'])?;
    let (number, keys) = (&text[..at], &text[at + 1..]);
    let fits = |c: char| c.is_ascii_digit() || "*#,;pPwW".contains(c);
    let known = keys.chars().all(fits) && keys.bytes().any(|b| b.is_ascii_digit());
    (known && number.ends_with(|c: char| c.is_ascii_digit())).then_some((number, keys))
}

/// The keys without the pauses, as many as are sent at once at most.
pub(super) fn keys(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_digit() || "*#".contains(*c)).take(LONGEST_KEYS).collect()
}

/// Two letters and two digits before it: what an IBAN whose check digits are wrong looks like.
fn account_like(chars: &[char], start: usize) -> bool {
    start >= 2
        && chars[start - 2..start].iter().all(char::is_ascii_alphabetic)
        && (start == 2 || !chars[start - 3].is_alphanumeric())
        && chars.get(start + 1).is_some_and(char::is_ascii_digit)
}

fn take_word(chars: &[char], start: usize, found: &mut Scan) -> usize {
    let mut end = start;
    while end < chars.len() && chars[end].is_alphabetic() {
        end += 1;
    }
    // The longest word of the lists is short; a long one need not be copied.
    let word: String = chars[start..end.min(start + 20)].iter().collect::<String>().to_lowercase();
    let labels = found.runs.is_empty() && special::LABELS.contains(&word.as_str());
    found.only &= labels || special::LIST_WORDS.contains(&word.as_str());
    end
}

/// Blanks e-mail addresses and web links: their digits are no numbers.
fn blank_words(chars: &mut [char], found: &mut Scan) {
    let mut start = 0;
    while start < chars.len() {
        if chars[start].is_whitespace() {
            start += 1;
            continue;
        }
        let end = (start..chars.len()).find(|i| chars[*i].is_whitespace()).unwrap_or(chars.len());
        let word = &chars[start..end];
        let mail = word.iter().position(|c| *c == '@').is_some_and(|at| at > 0 && at + 1 < word.len());
        let web = word.windows(3).any(|w| w == [':', '/', '/']) || word.starts_with(&['w', 'w', 'w', '.']);
        if mail || web {
            found.only = false;
            if mail {
                found.blame = NoNumber::Mail;
            }
            chars[start..end].fill('\u{1}');
        }
        start = end;
    }
}

/// Blanks bank accounts (ISO 13616), known by their check digits.
fn blank_ibans(chars: &mut [char], found: &mut Scan) {
    let mut i = 0;
    while i + 15 <= chars.len() {
        let head = chars[i..i + 2].iter().all(char::is_ascii_alphabetic)
            && chars[i + 2..i + 4].iter().all(char::is_ascii_digit)
            && (i == 0 || !chars[i - 1].is_alphanumeric());
        match head.then(|| iban_end(&chars[i..])).flatten() {
            Some(length) => {
                found.only = false;
                found.blame = NoNumber::Iban;
                chars[i..i + length].fill('\u{1}');
                i += length;
            }
            None => i += 1,
        }
    }
}

/// How many characters an IBAN at the start takes, spaces between included.
fn iban_end(chars: &[char]) -> Option<usize> {
    let mut kept: Vec<u32> = Vec::new();
    let mut end = None;
    for (i, c) in chars.iter().enumerate() {
        match c.to_digit(36) {
            Some(value) if c.is_ascii() => kept.push(value),
            _ if *c == ' ' && chars.get(i + 1).is_some_and(|n| n.is_ascii_alphanumeric()) => continue,
            _ => break,
        }
        if kept.len() > 34 {
            break;
        }
        if kept.len() >= 15 && !chars.get(i + 1).is_some_and(|n| n.is_ascii_alphanumeric()) && checks(&kept) {
            end = Some(i + 1);
        }
    }
    end
}

/// ISO 7064 MOD 97-10 over the account with its first four characters moved to the end.
fn checks(account: &[u32]) -> bool {
    let (head, body) = account.split_at(4);
    body.iter().chain(head).fold(0, |rest, value| (rest * if *value > 9 { 100 } else { 10 } + value) % 97)
        == 1
}

/// Whether these words are a date, possibly with spaces behind its dots: `23.11.2026`, `2026-11-23`, `23. 11. 26`.
pub(super) fn date(text: &str) -> bool {
    let packed: String = text.chars().filter(|c| *c != ' ').collect();
    ['.', '-', '/'].into_iter().any(|separator| {
        let parts: Vec<&str> = packed.split(separator).collect();
        let numbers: Vec<u32> = parts.iter().filter_map(|p| p.parse().ok()).collect();
        let [a, b, c] = numbers[..] else { return false };
        let widths: Vec<usize> = parts.iter().map(|p| p.len()).collect();
        let day_month = |d: u32, m: u32| (1..=31).contains(&d) && (1..=12).contains(&m);
        let (short, year) = (|w: usize| w == 1 || w == 2, |y: u32| (1900..=2100).contains(&y));
        match widths[..] {
            [4, y, z] => short(y) && short(z) && year(a) && day_month(c, b),
            [x, y, 4] => short(x) && short(y) && year(c) && (day_month(a, b) || day_month(b, a)),
            [x, y, 2] => short(x) && short(y) && (day_month(a, b) || day_month(b, a)),
            _ => false,
        }
    })
}

/// Whether this is an amount with dots (`1.234.567`) or an IPv4 address: digits in groups, but no number.
pub(super) fn grouped_figure(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let digits = parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let amount =
        parts.len() > 1 && (1..=3).contains(&parts[0].len()) && parts[1..].iter().all(|p| p.len() == 3);
    let address = parts.len() == 4
        && parts.iter().all(|p| p.parse::<u16>().is_ok_and(|n| n < 256))
        && parts.iter().any(|p| p.len() != 2);
    digits && (amount && !text.starts_with('0') || address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Vec<(String, Option<String>)> {
        scan(&tidy(text)).runs.into_iter().map(|r| (r.segments.join("|"), r.extension)).collect()
    }

    fn one(text: &str) -> Vec<(String, Option<String>)> {
        vec![(text.to_owned(), None)]
    }

    #[test]
    fn runs_are_found_in_text() {
        assert_eq!(
            runs("+49 (0)30 / 123-45 67 ext. 12"),
            vec![("+49 (0)30 / 123-45 67".to_owned(), Some("12".to_owned()))]
        );
        assert_eq!(runs("Tel.: 030\u{A0}123\u{2011}45"), one("030 123-45"));
        assert_eq!(runs("+49 30\r\n123456"), one("+49 30|123456"));
        assert_eq!(runs("(030) 123456, then"), one("(030) 123456"));
        assert_eq!(runs("a@b12345678.de"), vec![]);
        assert_eq!(runs("see https://x.example/030123456 now"), vec![]);
        assert_eq!(runs("abc123456"), vec![]);
        assert_eq!(runs("\u{FF10}\u{FF13}\u{FF10} \u{0661}\u{0662}\u{0663}"), one("030 123"));
    }

    #[test]
    fn what_else_is_named() {
        for (text, blame) in [
            ("alice@example.com", NoNumber::Mail),
            ("DE89 3704 0044 0532 0130 00", NoNumber::Iban),
            ("gb82west12345698765432", NoNumber::Iban),
            ("DE00 3704 0044 0532 0130 00", NoNumber::Iban),
            ("nothing here", NoNumber::Nothing),
        ] {
            let found = scan(&tidy(text));
            assert_eq!((found.runs.len(), found.blame, found.only), (0, blame, false), "{text}");
        }
    }

    #[test]
    fn dates_and_figures() {
        for text in ["23.11.2026", "2026-11-23", "11/23/2026", "23. 11. 2026", "1.2.26"] {
            assert!(date(text), "{text}");
        }
        for text in ["030 123456", "01.23.45.67.89", "32.11.2026", "23.13.26.1", "0800-1234-5"] {
            assert!(!date(text), "{text}");
        }
        assert!(grouped_figure("1.234.567") && grouped_figure("192.168.0.1"));
        assert!(!grouped_figure("01.23.45.67") && !grouped_figure("030.123.456") && !grouped_figure("12"));
    }

    #[test]
    fn a_megabyte_is_read_in_one_go() {
        for text in ["1".repeat(1 << 20), "1 ".repeat(1 << 19), "a1".repeat(1 << 19), "DE89 ".repeat(1 << 18)]
        {
            assert!(scan(&tidy(&text)).runs.len() <= MOST_RUNS);
        }
    }
}
