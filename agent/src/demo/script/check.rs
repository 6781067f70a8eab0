//! When a recording counts as heard.

use agent_media::measure::ToneReport;

/// At least this share of the frames between first and last sound carries the tone.
const SHARE: f64 = 0.98;
/// The level may be off by this much, dB.
const OFF: f64 = 1.0;
/// No gap is longer, milliseconds.
const GAP_MS: u32 = 40;
/// A talk shorter than this proves nothing, milliseconds.
const SHORTEST_MS: u32 = 1500;

/// Whether the tone was heard as it was played, in a sentence either way.
pub(crate) fn heard(report: &ToneReport, played_dbov: f64) -> Result<String, String> {
    let length = match (report.first_ms, report.last_ms) {
        (Some(first), Some(last)) => last.saturating_sub(first),
        _ => return Err("nothing of the tone was heard".to_owned()),
    };
    let sentence = format!(
        "{:.1} % of the frames, {:.1} dBov (played at {played_dbov}), longest gap {} ms, {length} ms long",
        report.share() * 100.0,
        report.level_dbov,
        report.longest_gap_ms
    );
    let good = report.share() >= SHARE
        && (report.level_dbov - played_dbov).abs() <= OFF
        && report.longest_gap_ms <= GAP_MS
        && length >= SHORTEST_MS;
    if good { Ok(sentence) } else { Err(sentence) }
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
    fn a_tone_as_played_is_heard_and_a_broken_one_is_not() {
        let tone = measure::sine(8000, 440.0, -12.0, 3.0);
        assert!(heard(&measure::tone_between(&tone, 8000, 440.0), -12.0).is_ok());
        assert!(heard(&measure::tone_between(&tone, 8000, 440.0), -9.0).is_err(), "too quiet");
        let mut gap = tone.clone();
        gap[8000..8000 + 8 * 60].fill(0);
        assert!(heard(&measure::tone_between(&gap, 8000, 440.0), -12.0).is_err(), "a gap of 60 ms");
        assert!(heard(&measure::tone_between(&tone, 8000, 1000.0), -12.0).is_err(), "another tone");
        assert!(heard(&measure::tone_between(&tone[..8000], 8000, 440.0), -12.0).is_err(), "too short");
    }
}
