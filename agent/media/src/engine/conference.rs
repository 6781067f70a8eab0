//! Several calls that hear each other and us: everybody gets the sum of all others, nobody himself.

use crate::codec::STEP;
use agent_core::id::CallId;
use std::collections::VecDeque;

/// The microphone may be ahead of the clock by this much, samples (100 ms): more is dropped, late is worse than lost.
const MOST_VOICE: usize = 800;
/// The ear may be behind by this many steps of 10 ms.
const MOST_HEARD: usize = 12;

/// Who is in it, and what waits between the clocks of microphone and ear and ours.
#[derive(Debug, Default)]
pub(super) struct Conference {
    members: Vec<CallId>,
    /// What the microphone gave and was not sent yet.
    voice: VecDeque<i16>,
    /// What the ear has not taken yet.
    heard: VecDeque<[i16; STEP]>,
}

impl Conference {
    /// These from now on.
    pub(super) fn set(&mut self, members: Vec<CallId>) {
        self.members = members;
        self.voice.clear();
        self.heard.clear();
    }

    /// Whether a call is in it.
    pub(super) fn has(&self, call: CallId) -> bool {
        self.members.contains(&call)
    }

    /// A call is gone.
    pub(super) fn forget(&mut self, call: CallId) {
        self.members.retain(|member| *member != call);
    }

    /// What all legs said in this step goes to the ear.
    pub(super) fn hear(&mut self, legs: &[Vec<i16>], ticks: usize) {
        for tick in 0..ticks {
            let mut step = [0_i16; STEP];
            for (at, sample) in step.iter_mut().enumerate() {
                *sample = sum(legs.iter().filter_map(|leg| leg.get(tick * STEP + at)));
            }
            if self.heard.len() == MOST_HEARD {
                self.heard.pop_front();
            }
            self.heard.push_back(step);
        }
    }

    /// 10 ms for the ear; silence when its clock is ahead of ours.
    pub(super) fn listen(&mut self, out: &mut [i16; STEP]) {
        *out = self.heard.pop_front().unwrap_or([0; STEP]);
    }

    /// What each leg gets: the microphone and all legs but itself.
    pub(super) fn speak(&mut self, spoken: &[i16], legs: &[Vec<i16>], ticks: usize) -> Vec<Vec<i16>> {
        self.voice.extend(spoken);
        let length = ticks * STEP;
        if self.voice.len() > length + MOST_VOICE {
            self.voice.drain(..self.voice.len() - length);
        }
        // A microphone that is late is silent for as long: the others are not to wait for it.
        let take = self.voice.len().min(length);
        let mut ours: Vec<i16> = self.voice.drain(..take).collect();
        ours.resize(length, 0);
        let for_leg = |leg: usize| {
            let others = || legs.iter().enumerate().filter(move |(at, _)| *at != leg).map(|(_, other)| other);
            let sample = |at: usize| sum(others().filter_map(|other| other.get(at)).chain([&ours[at]]));
            (0..length).map(sample).collect()
        };
        (0..legs.len()).map(for_leg).collect()
    }
}

/// Loud together is as loud as can be, not the opposite.
fn sum<'a>(samples: impl Iterator<Item = &'a i16>) -> i16 {
    let sum: i32 = samples.map(|sample| i32::from(*sample)).sum();
    sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_gets_all_but_himself() {
        let mut conference = Conference::default();
        let leg = |value: i16| vec![value; 2 * STEP];
        let legs = [leg(100), leg(20), leg(3)];
        let out = conference.speak(&leg(4000), &legs, 2);
        assert_eq!(out, [leg(4023), leg(4103), leg(4120)]);
        conference.hear(&legs, 2);
        let mut ear = [0; STEP];
        conference.listen(&mut ear);
        assert_eq!(ear, [123; STEP]);
        conference.listen(&mut ear);
        conference.listen(&mut ear);
        assert_eq!(ear, [0; STEP], "the ear is ahead");
        let loud = [leg(30_000), leg(30_000), leg(-30_000)];
        conference.hear(&loud, 1);
        conference.listen(&mut ear);
        assert_eq!(ear, [30_000; STEP]);
        assert_eq!(conference.speak(&leg(30_000), &loud, 1)[2][0], i16::MAX);
    }

    #[test]
    fn neither_clock_makes_anything_wait_or_grow() {
        let mut conference = Conference::default();
        let leg = vec![vec![0; STEP]];
        // A microphone that gives nothing for a while, and then all at once.
        for _ in 0..10 {
            assert_eq!(conference.speak(&[], &leg, 1)[0].len(), STEP);
        }
        conference.speak(&vec![7; 16_000], &leg, 1);
        assert!(conference.voice.len() <= MOST_VOICE, "{}", conference.voice.len());
        for _ in 0..1000 {
            conference.hear(&leg, 1);
        }
        assert_eq!(conference.heard.len(), MOST_HEARD);
    }
}
