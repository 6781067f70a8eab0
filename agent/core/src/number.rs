//! How numbers are understood: what may be dialled, what must be asked, and who a caller's number belongs to.
//!
//! A text is read in one order everywhere: link, code, emergency number, extension, and only then the country's
//! numbering plan, because the plan turns `110` into `+49110` and a code into a number that nobody meant. What was
//! typed goes out; what was only selected or linked never dials a code, an emergency or a premium number unasked.

pub mod kind;
mod link;
mod pattern;
mod plan;
mod scan;
mod special;
#[cfg(test)]
mod tests;
mod world;

use crate::{action::Source, party::Party, settings::NumberSettings};
use kind::{CallerNumber, Kind, NoNumber, Number, Understood};
use link::Link;
use plan::Plan;

/// Text longer than this (bytes) cannot be a number, nor a paragraph with one.
pub const LONGEST_TEXT: usize = 10_000;
/// The longest number sent to a PBX, in digits: E.164 allows 15, codes with their arguments need more.
const LONGEST_NUMBER: usize = 40;
/// More numbers than this are not offered to choose from.
const MOST_CHOICES: usize = 6;

pub(crate) use pattern::Pattern;
pub(crate) use special::known_country;

/// How numbers are understood at this PBX.
#[derive(Debug)]
pub struct Dialplan {
    settings: NumberSettings,
    plan: Plan,
}

impl Dialplan {
    /// By these settings. The country's plan is loaded when the first number needs it.
    pub fn new(settings: &NumberSettings) -> Self {
        Self { settings: settings.clone(), plan: Plan::new(&settings.country) }
    }

    /// Takes other settings.
    pub fn configure(&mut self, settings: &NumberSettings) {
        self.settings = settings.clone();
        self.plan.set_country(&settings.country);
    }

    /// What a text to dial means. Linear in the text, which may be anything.
    pub fn understand(&self, text: &str, source: Source) -> Understood {
        if text.len() > LONGEST_TEXT {
            return Understood::Refuse(NoNumber::TooLong);
        }
        let tidied = scan::tidy(text);
        let text = tidied.trim();
        if text.is_empty() {
            return Understood::Refuse(NoNumber::Empty);
        }
        if let Some((scheme, rest)) = link::scheme(text) {
            let parsed = match scheme.to_ascii_lowercase().as_str() {
                "tel" | "callto" => Some(link::tel(rest)),
                "sip" | "sips" => Some(link::sip(scheme, rest)),
                _ if source == Source::Link => Some(Link::Bad),
                _ => None,
            };
            match parsed {
                // `Tel: 030 123 (mornings)` is a text with a label, not a broken link.
                Some(Link::Bad) if source != Source::Link && scheme.eq_ignore_ascii_case("tel") => {}
                Some(link) => return self.linked(link, source),
                None => {}
            }
        }
        if source == Source::Typed { self.typed(text) } else { self.selected(text, source) }
    }

    /// What to look up and show for the other side of a call.
    pub fn caller(&self, party: &Party) -> CallerNumber {
        let signalled = party.number.trim();
        if party.withheld || signalled.is_empty() {
            return CallerNumber { lookup: None, shown: String::new(), internal: false };
        }
        let as_is = || CallerNumber {
            lookup: Some(signalled.to_owned()),
            shown: crate::plain::plain(signalled),
            internal: false,
        };
        let separators = |c: char| "+-./() ".contains(c);
        if signalled.len() > LONGEST_NUMBER || !signalled.chars().all(|c| c.is_ascii_digit() || separators(c))
        {
            return as_is();
        }
        let digits = scan::compact(signalled);
        if digits.len() < 2 {
            return as_is();
        }
        if self.internal(&digits) {
            return CallerNumber { lookup: Some(digits.clone()), shown: digits, internal: true };
        }
        match self.canonical(&digits) {
            Some((e164, shown)) => CallerNumber { lookup: Some(e164), shown, internal: false },
            None => CallerNumber { lookup: Some(digits.clone()), shown: digits, internal: false },
        }
    }

    /// E.164 and its grouped form, for digits as a PBX signals them: access code off, then the country's plan, then
    /// the area for numbers without one.
    fn canonical(&self, digits: &str) -> Option<(String, String)> {
        if digits.starts_with('+') {
            let grouped = self.plan.valid(digits).map(|n| n.international);
            return Some((digits.to_owned(), grouped.unwrap_or_else(|| digits.to_owned())));
        }
        let prefix = self.settings.outside_prefix.as_str();
        let outside = digits.strip_prefix(prefix).filter(|rest| !prefix.is_empty() && !self.internal(rest));
        let local = |digits: &str| {
            let trunk = digits.starts_with('0');
            let area = &self.settings.area;
            (!area.is_empty() && !trunk)
                .then(|| self.plan.valid(&self.plan.with_area(area, digits)))
                .flatten()
        };
        outside
            .and_then(|rest| local(rest).or_else(|| self.plan.valid(rest)))
            .or_else(|| local(digits))
            .or_else(|| self.plan.valid(digits))
            .map(|found| (found.e164, found.international))
    }

    fn internal(&self, digits: &str) -> bool {
        let most = usize::try_from(self.settings.internal_digits).unwrap_or(usize::MAX);
        !digits.is_empty() && digits.len() <= most && digits.bytes().all(|b| b.is_ascii_digit())
    }

    fn linked(&self, link: Link, source: Source) -> Understood {
        match link {
            Link::Bad => Understood::Refuse(NoNumber::Link),
            Link::Encrypted => Understood::Refuse(NoNumber::Encrypted),
            Link::Number { digits, extension } => match self.number(&digits, extension) {
                Some(number) => guarded(number, source),
                None => Understood::Refuse(NoNumber::Link),
            },
            Link::Address { user, address } => {
                let numeric = user.len() <= LONGEST_NUMBER
                    && user.chars().all(|c| c.is_ascii_digit() || "+*#-.()".contains(c));
                let inner = numeric.then(|| self.number(&scan::compact(&user), None)).flatten();
                let (kind, canonical) = match inner {
                    Some(number)
                        if matches!(
                            number.kind,
                            Kind::Emergency | Kind::Premium | Kind::Code | Kind::Unsure
                        ) =>
                    {
                        (number.kind, number.canonical)
                    }
                    Some(number) => (Kind::Address, number.canonical),
                    None => (Kind::Address, user),
                };
                let shown = crate::plain::plain(&address);
                guarded(Number { dial: address, canonical, shown, extension: None, kind }, source)
            }
        }
    }

    fn typed(&self, text: &str) -> Understood {
        if text.contains('@') {
            return self.linked(link::sip("sip", text), Source::Typed);
        }
        if let Some((number, keys)) = scan::keys_behind(text)
            && !self.full(keys)
            && let Understood::Dial(number) = self.typed(number)
        {
            return Understood::Dial(with_keys(number, keys));
        }
        let found = scan::scan(text);
        match &found.runs[..] {
            [run] if found.only => {
                let joined = run.segments.join(" ");
                // A second `+` begins a second number.
                if !joined.trim_start_matches(['(', '+']).contains('+') {
                    return match self.number(&scan::compact(&joined), run.extension.clone()) {
                        Some(number) => Understood::Dial(number),
                        None => Understood::Refuse(NoNumber::Nothing),
                    };
                }
                self.selected(text, Source::Typed)
            }
            _ => self.selected(text, Source::Typed),
        }
    }

    fn selected(&self, text: &str, source: Source) -> Understood {
        if let Some((number, keys)) = scan::keys_behind(text)
            && self.full(number)
            && !self.full(keys)
        {
            return match self.selected(number, source) {
                Understood::Dial(number) => Understood::Dial(with_keys(number, keys)),
                Understood::Ask(numbers) => {
                    Understood::Ask(numbers.into_iter().map(|number| with_keys(number, keys)).collect())
                }
                refused => refused,
            };
        }
        let found = scan::scan(text);
        let mut blame = found.blame;
        let mut numbers: Vec<Number> = Vec::new();
        let mut add = |number: Number| {
            if numbers.len() < MOST_CHOICES && !numbers.iter().any(|n| n.canonical == number.canonical) {
                numbers.push(number);
            }
        };
        let alone = found.only && found.runs.len() == 1;
        for run in &found.runs {
            if run.segments.iter().any(|s| s.contains(['*', '#'])) {
                if alone && let Some(code) = self.number(&scan::compact(&run.segments.concat()), None) {
                    add(code);
                }
                continue;
            }
            for piece in self.pieces(&run.segments, found.only, &mut blame) {
                let compact = scan::compact(&piece);
                if let Some(mut number) = self.number(&compact, run.extension.clone()) {
                    // Almost any digits are somebody's national number; only its leading 0 says that it is meant.
                    if number.kind == Kind::Plain
                        && !compact.starts_with(['+', '0'])
                        && self.plan.has_trunk_prefix()
                    {
                        number.kind = Kind::Unsure;
                    }
                    add(number);
                }
            }
        }
        match numbers.len() {
            0 => Understood::Refuse(blame),
            1 => guarded(numbers.remove(0), source),
            _ => Understood::Ask(numbers),
        }
    }

    /// The numbers in one run: joined over line breaks, split where two stand side by side, dates left out.
    fn pieces(&self, segments: &[String], only: bool, blame: &mut NoNumber) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for segment in segments {
            let joined = lines.last().map(|last| format!("{last} {segment}"));
            match joined {
                Some(joined) if self.joins(lines.last().map_or("", String::as_str), segment, &joined) => {
                    lines.pop();
                    lines.push(joined);
                }
                _ => lines.push(segment.clone()),
            }
        }
        let all = segments.join(" ");
        if lines.len() > 1 && !lines.iter().any(|l| self.full(l)) && self.full(&all) {
            lines = vec![all];
        }
        let mut pieces = Vec::new();
        for line in lines {
            let line = without_dates(&line, blame);
            if line.is_empty() || scan::grouped_figure(&line) {
                continue;
            }
            let before = pieces.len();
            self.split(&line, &mut pieces, 0);
            let digits = line.bytes().filter(u8::is_ascii_digit).count();
            if pieces.len() == before && only && (2..=15).contains(&digits) {
                pieces.push(line);
            }
        }
        if !only {
            // In the middle of other words only what is written like a number counts: order numbers are not.
            pieces.retain(|p| p.starts_with(['+', '(', '0']) || !self.plan.has_trunk_prefix());
        }
        pieces
    }

    /// Whether two lines are one number: the second does not begin one, and only together are they complete.
    fn joins(&self, first: &str, second: &str, both: &str) -> bool {
        let begins = second.contains('+') || (self.full(first) && self.full(second));
        !begins && self.full(both)
    }

    fn split(&self, line: &str, pieces: &mut Vec<String>, depth: usize) {
        let line = line.trim_matches([' ', '/', '-', '.', ')']);
        if line.is_empty() {
            return;
        }
        if self.full(line) {
            pieces.push(line.to_owned());
            return;
        }
        if depth > 4 {
            return;
        }
        // A `+` begins a number wherever it stands.
        if let Some(at) =
            line.char_indices().skip(1).find(|(i, c)| *c == '+' && !line[..*i].ends_with('(')).map(|(i, _)| i)
        {
            self.split(&line[..at], pieces, depth + 1);
            self.split(&line[at..], pieces, depth + 1);
            return;
        }
        let mut cuts = line.char_indices().filter(|(i, c)| *i > 0 && (*c == '/' || *c == ' ')).take(10);
        let cut = cuts.find(|(i, c)| {
            let rest = line[*i..].trim_start_matches([' ', '/']);
            let begins = *c == '/' || rest.starts_with(['+', '0', '(']);
            begins && self.full(line[..*i].trim_end()) && rest.bytes().any(|b| b.is_ascii_digit())
        });
        if let Some((at, _)) = cut {
            pieces.push(line[..at].trim_end_matches([' ', '/', '-']).to_owned());
            self.split(line[at..].trim_start_matches(['/']), pieces, depth + 1);
        }
    }

    /// A complete number of some country's plan.
    fn full(&self, text: &str) -> bool {
        let digits = scan::compact(text);
        (3..=20).contains(&digits.len()) && !text[1..].contains('+') && self.plan.valid(text).is_some()
    }

    /// Digits (with `+`, `*`, `#`) to a number; `None` when there are no digits or far too many.
    fn number(&self, compact: &str, extension: Option<String>) -> Option<Number> {
        let digits = compact.trim_start_matches('+');
        if !digits.bytes().any(|b| b.is_ascii_digit()) || digits.len() > LONGEST_NUMBER {
            return None;
        }
        let plain = |kind| Number {
            dial: compact.to_owned(),
            canonical: compact.to_owned(),
            shown: compact.to_owned(),
            extension: extension.clone(),
            kind,
        };
        if compact.contains(['*', '#']) {
            return Some(plain(Kind::Code));
        }
        if let Some(help) = self.emergency(compact) {
            return Some(Number {
                dial: help.clone(),
                canonical: help.clone(),
                shown: help,
                ..plain(Kind::Emergency)
            });
        }
        if self.internal(compact) {
            return Some(plain(Kind::Internal));
        }
        let outside = self.strip_outside(compact);
        if special::premium_short(&self.settings.country, outside.unwrap_or(compact)) {
            let dial = if outside.is_some() {
                compact.to_owned()
            } else {
                format!("{}{compact}", self.settings.outside_prefix)
            };
            return Some(Number { dial, ..plain(Kind::Premium) });
        }
        Some(self.subscriber(compact, outside, plain(Kind::Unsure)))
    }

    /// A subscriber's number, dialled as this PBX wants it.
    ///
    /// Without an outside prefix it goes out as written (`+` and all: E.164 is what trunks take). With one, a `+`
    /// cannot stand behind it, so the number is written as the country dials it; digits that already carry the prefix
    /// (they are a number only without it) are left alone.
    fn subscriber(&self, compact: &str, outside: Option<&str>, unsure: Number) -> Number {
        let prefix = self.settings.outside_prefix.as_str();
        let whole = self.plan.valid(compact);
        let stripped = if whole.is_none() { outside.and_then(|rest| self.plan.valid(rest)) } else { None };
        let local = || {
            let area = &self.settings.area;
            let own = !area.is_empty() && !compact.starts_with(['+', '0']);
            own.then(|| self.plan.valid(&self.plan.with_area(area, compact))).flatten()
        };
        let carries = stripped.is_some() || (whole.is_none() && outside.is_some() && local().is_none());
        let found = local().or(whole).or(stripped);
        let dial = match &found {
            _ if carries => compact.to_owned(),
            Some(found) if compact.starts_with('+') && prefix.is_empty() => found.e164.clone(),
            Some(found) if compact.starts_with('+') => format!("{prefix}{}", found.from_here),
            None if compact.starts_with('+') && !prefix.is_empty() => {
                format!("{prefix}{}{}", self.plan.international_prefix(), &compact[1..])
            }
            _ => format!("{}{compact}", if compact.starts_with('+') { "" } else { prefix }),
        };
        match found {
            None => Number { dial, ..unsure },
            Some(found) => Number {
                dial,
                canonical: found.e164,
                shown: found.international,
                extension: unsure.extension,
                kind: if found.premium { Kind::Premium } else { Kind::Plain },
            },
        }
    }

    fn strip_outside<'a>(&self, compact: &'a str) -> Option<&'a str> {
        let prefix = self.settings.outside_prefix.as_str();
        if prefix.is_empty() { None } else { compact.strip_prefix(prefix).filter(|rest| !rest.is_empty()) }
    }

    /// The emergency number these digits reach, with or without outside prefix or country code. It is dialled as
    /// written, except behind a country code, which no emergency call centre has.
    fn emergency(&self, compact: &str) -> Option<String> {
        let country = self.settings.country.as_str();
        if special::emergency(country, compact) {
            return Some(compact.to_owned());
        }
        if self.strip_outside(compact).is_some_and(|rest| special::emergency(country, rest)) {
            return Some(compact.to_owned());
        }
        let home = self.plan.calling_code()?.to_string();
        let national = compact
            .strip_prefix('+')
            .or_else(|| compact.strip_prefix(self.plan.international_prefix()))?
            .strip_prefix(home.as_str())?;
        special::emergency(country, national).then(|| national.to_owned())
    }
}

/// The number with the keys that stood behind a pause, behind those of its extension.
fn with_keys(number: Number, keys: &str) -> Number {
    let extension = number.extension.unwrap_or_default() + &scan::keys(keys);
    Number { extension: Some(extension), ..number }
}

/// What may go out at once, and what is asked first.
fn guarded(number: Number, source: Source) -> Understood {
    let asked = match number.kind {
        // A number of no plan may be any of these with digits to spare, which the network drops: `090012345678`.
        Kind::Emergency | Kind::Premium | Kind::Code | Kind::Unsure => source != Source::Typed,
        Kind::Plain | Kind::Internal | Kind::Address => false,
    };
    if asked { Understood::Ask(vec![number]) } else { Understood::Dial(number) }
}

/// A line without the dates in it.
fn without_dates(line: &str, blame: &mut NoNumber) -> String {
    if scan::date(line) {
        *blame = NoNumber::Date;
        return String::new();
    }
    let kept: Vec<&str> = line
        .split(' ')
        .filter(|word| {
            let date = scan::date(word);
            if date {
                *blame = NoNumber::Date;
            }
            !date
        })
        .collect();
    kept.join(" ").trim().to_owned()
}
