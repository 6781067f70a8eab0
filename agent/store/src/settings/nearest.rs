//! What somebody probably meant to write.

/// The word of `known` that `written` is a slip of, if one is near enough to be worth saying.
pub(super) fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let written = plain(written);
    // A third of the letters may be wrong; in short words, one.
    let most = (written.chars().count() / 3).max(1);
    known
        .iter()
        .map(|word| (distance(&written, &plain(word)), *word))
        .filter(|(far, _)| *far <= most)
        .min_by_key(|(far, _)| *far)
        .map(|(_, word)| word)
}

/// Letters to add, drop, change or swap with their neighbour (Damerau's distance, each place edited once).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_their_word() {
        let known = ["language", "account", "audio", "calls", "screen-pop", "hotkeys", "numbers"];
        for (written, meant) in [
            ("langauge", Some("language")),
            ("Language", Some("language")),
            ("accounts", Some("account")),
            ("screen_pop", Some("screen-pop")),
            ("hotkey", Some("hotkeys")),
            ("call", Some("calls")),
            ("video", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, &known), meant, "{written}");
        }
    }
}
