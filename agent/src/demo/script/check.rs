//! When a recording counts as heard.

use agent_media::measure::ToneReport;

/// A talk shorter than this proves nothing, milliseconds.
const SHORTEST_MS: u32 = 1500;

/// Whether the tone was heard as it was played, in a sentence either way.
pub(crate) fn heard(report: &ToneReport, played_dbov: f64) -> Result<String, String> {
    let sentence = report.as_played(played_dbov)?;
    let length = report.length_ms().unwrap_or_default();
    if length >= SHORTEST_MS { Ok(sentence) } else { Err(sentence) }
}

/// Only the digits: a number looks different on a toast than on the wire.
pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_media::measure;

    #[test]
    fn a_tone_as_played_is_heard_and_a_short_one_is_not() {
        let tone = measure::sine(8000, 440.0, -12.0, 3.0);
        let judge = |samples, level| heard(&measure::tone_between(samples, 8000, 440.0), level);
        assert!(judge(&tone, -12.0).is_ok());
        assert!(judge(&tone, -9.0).is_err(), "too quiet");
        assert!(judge(&tone[..8000], -12.0).is_err(), "too short");
    }
}
