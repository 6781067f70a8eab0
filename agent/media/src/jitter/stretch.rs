//! A little more or a little less sound out of the same speech: whole pitch periods are taken out or put in (WSOLA).

use crate::conceal::pitch;
use std::collections::VecDeque;

/// How much sound must be ready before some of it can be taken out, samples: 40 ms.
pub(crate) const NEEDED: usize = 320;
/// How much of the sound played last is looked at.
pub(crate) const PAST: usize = 280;
/// The most taken out or put in at a time, samples: 15 ms, the longest pitch period.
const MOST: usize = 120;
/// Two periods must be at least this much alike to be blended without anybody noticing.
const ALIKE: f32 = 0.75;
/// Below this root mean square nobody notices anything anyway: -54 dBov.
const QUIET: f32 = 65.0;
/// An excess beyond this is worse than a rough seam, samples: 60 ms.
const URGENT: f64 = 480.0;

/// At least this much is taken out at a time where the sound allows it, samples: 5 ms.
const WORTH_IT: usize = 40;

/// Takes a few pitch periods out of the beginning of `ready`; answers its length, or `None` when the sound does not allow
/// it now. `past` is what was played before, `excess` how many samples are too many.
pub(crate) fn shorten(ready: &mut VecDeque<i16>, past: &[i16], excess: f64) -> Option<usize> {
    if ready.len() < 2 * MOST {
        return None;
    }
    let sound: Vec<i16> = past.iter().copied().chain(ready.iter().take(MOST).copied()).collect();
    let length = period(&sound, excess > URGENT, excess as usize)?;
    // The first period fades into the second: what sounds is continuous at both ends.
    for n in 0..length {
        let share = (n + 1) as f32 / (length + 1) as f32;
        let (from, to) = (f32::from(ready[n]), f32::from(ready[n + length]));
        ready[n + length] = (from * (1.0 - share) + to * share) as i16;
    }
    ready.drain(..length);
    Some(length)
}

/// Puts one pitch period in before `ready`; answers its length, or `None` when the sound does not allow it now.
pub(crate) fn lengthen(ready: &mut VecDeque<i16>, past: &[i16]) -> Option<usize> {
    let length = period(past, false, usize::MAX)?;
    if ready.len() < length || past.len() < length {
        return None;
    }
    // What comes next begins once, turns into the period before it, and then really comes.
    for n in (0..length).rev() {
        let share = (n + 1) as f32 / (length + 1) as f32;
        let (next, before) = (f32::from(ready[length - 1]), f32::from(past[past.len() - length + n]));
        // `ready` grows at its front by one a turn, so that the sample n of what came next stays at `length - 1`.
        ready.push_front((next * (1.0 - share) + before * share) as i16);
    }
    Some(length)
}

/// The length that can be taken out or put in at the end of `sound`.
fn period(sound: &[i16], urgent: bool, most: usize) -> Option<usize> {
    let energy: f32 = sound.iter().map(|&s| f32::from(s) * f32::from(s)).sum();
    if (energy / sound.len().max(1) as f32).sqrt() < QUIET {
        return Some(MOST.min(most.max(1)));
    }
    let (lag, likeness) = pitch(sound);
    let fits = (likeness >= ALIKE && lag <= most.saturating_add(24)) || urgent;
    // Several short periods at once, up to what is wanted: each seam costs the same.
    let wanted = if urgent { MOST } else { WORTH_IT.min(most) };
    fits.then(|| (lag * (wanted / lag).max(1)).min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure;

    fn steepest(sound: &[i16]) -> i32 {
        sound.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_tone_is_shortened_and_lengthened_without_a_click() {
        let tone = measure::sine(8000, 210.0, -13.0, 0.2);
        let (past, rest) = tone.split_at(PAST);
        let smooth = steepest(&tone) * 5 / 4;
        let mut ready: VecDeque<i16> = rest[..400].iter().copied().collect();
        let removed = shorten(&mut ready, past, 200.0).expect("a tone is alike");
        assert_eq!(ready.len(), 400 - removed);
        let all: Vec<i16> = past.iter().copied().chain(ready).collect();
        assert!(steepest(&all) <= smooth, "{} {smooth}", steepest(&all));
        let mut ready: VecDeque<i16> = rest[..160].iter().copied().collect();
        let inserted = lengthen(&mut ready, past).expect("a tone is alike");
        assert_eq!(ready.len(), 160 + inserted);
        let all: Vec<i16> = past.iter().copied().chain(ready).collect();
        assert!(steepest(&all) <= smooth, "{} {smooth}", steepest(&all));
        assert!(measure::tone(&all, 8000, 210.0).share() > 0.99);
    }

    #[test]
    fn noise_is_left_alone_until_it_is_urgent() {
        let mut seed = 1_u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as i16 / 4
        };
        let past: Vec<i16> = (0..PAST).map(|_| noise()).collect();
        let mut ready: VecDeque<i16> = (0..400).map(|_| noise()).collect();
        assert_eq!(shorten(&mut ready, &past, 200.0), None);
        assert_eq!(lengthen(&mut ready, &past), None);
        assert!(shorten(&mut ready, &past, 800.0).is_some());
    }

    #[test]
    fn silence_bends_freely() {
        let mut ready: VecDeque<i16> = VecDeque::from(vec![3; 400]);
        assert_eq!(shorten(&mut ready, &[0; PAST], 90.0), Some(90));
        assert_eq!(lengthen(&mut ready, &[0; PAST]), Some(120));
    }
}
