//! Numbers to block: one number, or all that begin alike.

use super::{Dialplan, scan};
use crate::number::kind::CallerNumber;

/// A number, or the beginning of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// `+49…`, `0900`, `1002`.
    digits: String,
    /// Whatever follows fits as well.
    open: bool,
}

impl Pattern {
    /// Reads one: digits with or without `+` and separators, a `*` at the end for whatever follows. A single digit blocks
    /// nearly everybody, and is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let (number, open) = text.strip_suffix('*').map_or((text, false), |number| (number, true));
        let fine = |c: char| c.is_ascii_digit() || "+-./() ".contains(c);
        if number.len() > super::LONGEST_NUMBER || !number.chars().all(fine) {
            return None;
        }
        let digits = scan::compact(number);
        let count = digits.chars().filter(char::is_ascii_digit).count();
        let plus = digits.rfind('+').is_none_or(|at| at == 0);
        (count >= 2 && plus).then_some(Self { digits, open })
    }

    /// As it is written down: two ways of writing one number are one block.
    pub(crate) fn written(&self) -> String {
        format!("{}{}", self.digits, if self.open { "*" } else { "" })
    }
}

impl Dialplan {
    /// Whether a caller is one of these.
    pub(crate) fn blocked(&self, signalled: &str, number: &CallerNumber, patterns: &[String]) -> bool {
        let Some(lookup) = &number.lookup else { return false };
        let mut forms = vec![scan::compact(signalled), lookup.clone()];
        if let Some(valid) = self.plan.valid(lookup).filter(|_| lookup.starts_with('+')) {
            forms.push(valid.from_here);
        }
        if let Some(abroad) = lookup.strip_prefix('+') {
            forms.push(format!("00{abroad}"));
        }
        patterns.iter().filter_map(|pattern| Pattern::read(pattern)).any(|pattern| {
            forms.iter().any(|form| match pattern.open {
                true => form.starts_with(&pattern.digits),
                false => *form == pattern.digits,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{party::Party, settings::NumberSettings};

    #[test]
    fn a_number_is_blocked_however_it_is_written() {
        let plan = Dialplan::new(&NumberSettings::default());
        let blocked = |signalled: &str, pattern: &str| {
            let number = plan.caller(&Party { number: signalled.to_owned(), ..Party::default() });
            plan.blocked(signalled, &number, &[pattern.to_owned()])
        };
        for (signalled, pattern) in [
            ("+49301234567", "+49 30 1234567"),
            ("030 1234567", "+49301234567"),
            ("0049301234567", "030/1234567"),
            ("+49301234567", "+4930*"),
            ("+49301234567", "030*"),
            ("+33140205050", "0033*"),
            ("+33140205050", "+33*"),
            ("1002", "1002"),
            ("1002", "10*"),
        ] {
            assert!(blocked(signalled, pattern), "{signalled} {pattern}");
        }
        for (signalled, pattern) in [
            ("+49301234567", "030123456"),
            ("+49301234568", "+49301234567"),
            ("1002", "100"),
            ("", "10*"),
            ("1002", "*"),
        ] {
            assert!(!blocked(signalled, pattern), "{signalled} {pattern}");
        }
    }
}
