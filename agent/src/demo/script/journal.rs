//! What the journal must say after the story, call by call.

use super::check::digits;
use agent_core::{
    journal::{Direction, JournalEntry, Outcome},
    time::UnixMillis,
};
use std::{
    ops::RangeInclusive,
    time::{SystemTime, UNIX_EPOCH},
};

/// A call as it must stand in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    direction: Direction,
    /// The number's digits.
    digits: String,
    /// The name on the card; `None` where nobody is known, or nothing is asked of it.
    name: Option<String>,
    outcome: Option<Outcome>,
}

impl Kept {
    /// Somebody called; with the name the lookup found.
    pub(crate) fn incoming(number: &str, name: Option<&str>, outcome: Outcome) -> Self {
        let name = name.map(str::to_owned);
        Self { direction: Direction::Incoming, digits: digits(number), name, outcome: Some(outcome) }
    }

    /// We called.
    pub(crate) fn dialled(number: &str, outcome: Outcome) -> Self {
        Self { direction: Direction::Outgoing, digits: digits(number), name: None, outcome: Some(outcome) }
    }

    /// A call as it stands there.
    fn of(entry: &JournalEntry) -> Self {
        Self {
            direction: entry.direction,
            digits: digits(&entry.party.number),
            name: entry.card.as_ref().map(|card| card.name.clone()),
            outcome: entry.outcome,
        }
    }

    /// Whether `there` is this call. A call that was over at once may or may not have got its name.
    fn is(&self, there: &Self) -> bool {
        let missed = self.outcome == Some(Outcome::Missed);
        let named = missed || self.name == there.name;
        named && Self { name: None, ..self.clone() } == Self { name: None, ..there.clone() }
    }
}

/// The wall clock, as the journal has it.
pub(crate) fn wall() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Whether the journal (a JSON object a line, the last call first) has these calls and no other, in this order, begun
/// and ended within the story's time. A sentence either way.
pub(crate) fn as_it_was(
    text: &str,
    meant: &[Kept],
    story: RangeInclusive<UnixMillis>,
) -> Result<String, String> {
    let read = |line: &str| {
        serde_json::from_str::<JournalEntry>(line)
            .map_err(|error| format!("a line of the journal cannot be read ({error}): {line}"))
    };
    let mut entries = text.lines().map(read).collect::<Result<Vec<_>, _>>()?;
    entries.reverse();
    let kept: Vec<Kept> = entries.iter().map(Kept::of).collect();
    let same = kept.len() == meant.len() && meant.iter().zip(&kept).all(|(meant, there)| meant.is(there));
    if !same {
        return Err(format!("after a restart it says {kept:?} instead of {meant:?}"));
    }
    for entry in &entries {
        let in_turn = entry.ended.is_some_and(|ended| entry.started <= ended && story.contains(&ended));
        let talked = entry.answered.is_some() == (entry.outcome == Some(Outcome::Answered));
        if !(in_turn && talked && story.contains(&entry.started)) {
            let (begun, over) = (story.start().0, story.end().0);
            return Err(format!("the story went from {begun} to {over}, and the journal says {entry:?}"));
        }
    }
    Ok(format!("after a restart: {} calls, each as it was, within the story's time", kept.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"key":"1500-1","account":0,"direction":"outgoing","party":{"number":"601","name":null,"uri":"sip:601@x","withheld":false},"card":null,"started":1500,"answered":1600,"ended":1700,"outcome":"answered"}"#;

    fn judged(text: &str) -> Result<String, String> {
        let meant = [Kept::dialled("601", Outcome::Answered)];
        as_it_was(text, &meant, UnixMillis(1000)..=UnixMillis(2000))
    }

    #[test]
    fn only_the_calls_as_they_were_will_do() {
        assert_eq!(judged(LINE).map(drop), Ok(()));
        for (there, instead) in [
            ("outgoing", "incoming"),
            ("\"601\"", "\"602\""),
            ("\"answered\"}", "\"missed\"}"),
            ("\"answered\":1600", "\"answered\":null"),
            ("\"started\":1500", "\"started\":900"),
            ("\"ended\":1700", "\"ended\":2100"),
            ("\"ended\":1700", "\"ended\":1400"),
            ("\"ended\":1700", "\"ended\":null"),
            ("\"account\":0", "\"account\":{}"),
        ] {
            assert!(LINE.contains(there));
            assert!(judged(&LINE.replace(there, instead)).is_err(), "{there} became {instead}");
        }
        assert!(judged("").is_err(), "no call");
        assert!(judged(&format!("{LINE}\n{LINE}")).is_err(), "a call too many");
        assert!(judged(&format!("{LINE}\nnot JSON")).is_err_and(|said| said.contains("cannot be read")));
    }
}
