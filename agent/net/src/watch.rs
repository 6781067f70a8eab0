//! What the operating system tells of the network and of sleep, so that nobody has to look: routes and addresses that
//! change, and the computer going to sleep and waking up.
//!
//! Nothing here wakes up by itself. Changes of the network come in swarms (an interface that comes up is a dozen of them)
//! and are told once they pause. That the computer slept is told by the system, and noticed besides by a clock that runs
//! on meanwhile, where a system keeps silent.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "windows")]
mod windows;
mod word;

#[cfg(target_os = "linux")]
use linux::System;
#[cfg(target_os = "macos")]
use macos::System;
#[cfg(target_os = "windows")]
use windows::System;

use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use word::{Listening, Teller, Word};

/// A swarm of changes is over when nothing changed for so long.
const PAUSE: Duration = Duration::from_millis(250);
/// A swarm that does not end is told all the same.
const SWARM: Duration = Duration::from_secs(1);
/// Clocks that differ by less were read a moment apart.
const SLEPT: Duration = Duration::from_secs(1);
/// Words of the system that wait for us; what finds no room says nothing that those do not say already.
const MOST_WAITING: usize = 64;

/// What happened to this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Addresses, routes or interfaces are not what they were.
    Network,
    /// It is about to sleep.
    Sleeping,
    /// It slept and is awake again, or did not fall asleep after all.
    Awake,
}

/// Listens to the operating system.
pub struct Watch {
    _system: System,
    words: mpsc::Receiver<Word>,
    sense: Sense,
}

impl Watch {
    /// Begins to listen; belongs into a tokio runtime.
    pub fn start() -> Self {
        let (sender, words) = mpsc::channel(MOST_WAITING);
        Self { _system: System::begin(Teller::new(sender)), words, sense: Sense::new(System::slept()) }
    }

    /// Waits for what happens next. What waited is not lost when this is given up half way.
    pub async fn next(&mut self) -> Turn {
        loop {
            let word = match self.sense.due() {
                Some(at) => timeout_at(at, self.words.recv()).await.ok(),
                None => Some(self.words.recv().await),
            };
            let turn = match word {
                None => self.sense.over(),
                Some(Some(word)) => self.sense.hear(word, Instant::now(), System::slept()),
                // The system has fallen silent for good.
                Some(None) => std::future::pending().await,
            };
            if let Some(turn) = turn {
                return turn;
            }
        }
    }

    /// Looks whether the computer slept without a word of the system: to be asked by who woke up anyway. Costs the reading
    /// of two clocks.
    pub fn overslept(&mut self) -> bool {
        self.sense.hear(Word::Clock, Instant::now(), System::slept()).is_some()
    }
}

/// Makes sense of the words: swarms become one, and a sleep is told once whoever noticed it.
#[derive(Debug)]
struct Sense {
    /// When the swarm began and when its last change came.
    swarm: Option<(Instant, Instant)>,
    sleeping: bool,
    slept: Duration,
}

impl Sense {
    fn new(slept: Duration) -> Self {
        Self { swarm: None, sleeping: false, slept }
    }

    /// When the swarm counts as over.
    fn due(&self) -> Option<Instant> {
        self.swarm.map(|(first, last)| (last + PAUSE).min(first + SWARM))
    }

    /// The swarm is over.
    fn over(&mut self) -> Option<Turn> {
        self.swarm.take().map(|_| Turn::Network)
    }

    fn hear(&mut self, word: Word, now: Instant, slept: Duration) -> Option<Turn> {
        match word {
            Word::Network => {
                let first = self.swarm.map_or(now, |(first, _)| first);
                self.swarm = Some((first, now));
                if now >= first + SWARM { self.over() } else { None }
            }
            Word::Sleeping => (!std::mem::replace(&mut self.sleeping, true)).then_some(Turn::Sleeping),
            Word::Awake | Word::Clock => {
                let longer = slept.saturating_sub(self.slept) >= SLEPT;
                let told = self.sleeping && word == Word::Awake;
                if !longer && !told {
                    return None;
                }
                self.slept = slept;
                self.sleeping = false;
                Some(Turn::Awake)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_swarm_is_told_once_when_it_pauses_or_lasts() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut sense = Sense::new(S);
        assert_eq!(sense.due(), None);
        assert_eq!(sense.hear(Word::Network, at(0), S), None);
        assert_eq!(sense.due(), Some(at(250)));
        assert_eq!(sense.hear(Word::Network, at(200), S), None);
        assert_eq!(sense.due(), Some(at(450)));
        assert_eq!(sense.over(), Some(Turn::Network));
        assert_eq!((sense.due(), sense.over()), (None, None));
        for ms in (1000..2000).step_by(100) {
            assert_eq!(sense.hear(Word::Network, at(ms), S), None);
        }
        assert_eq!(sense.due(), Some(at(2000)), "it does not end, and is told");
        assert_eq!(sense.hear(Word::Network, at(2000), S), Some(Turn::Network));
    }

    #[test]
    fn a_sleep_is_told_once_whoever_noticed_it() {
        let now = Instant::now();
        let mut sense = Sense::new(S);
        assert_eq!(sense.hear(Word::Sleeping, now, S), Some(Turn::Sleeping));
        assert_eq!(sense.hear(Word::Sleeping, now, S), None);
        // The clock is first, the system's own word comes after it.
        assert_eq!(sense.hear(Word::Clock, now, 60 * S), Some(Turn::Awake));
        assert_eq!(sense.hear(Word::Awake, now, 60 * S), None);
        // Nobody said that it would sleep.
        assert_eq!(sense.hear(Word::Clock, now, 90 * S), Some(Turn::Awake));
        // It was about to sleep, and did not.
        assert_eq!(sense.hear(Word::Sleeping, now, 90 * S), Some(Turn::Sleeping));
        assert_eq!(sense.hear(Word::Awake, now, 90 * S), Some(Turn::Awake));
    }

    #[test]
    fn a_clock_that_is_only_set_is_no_sleep() {
        let now = Instant::now();
        let mut sense = Sense::new(S);
        assert_eq!(sense.hear(Word::Clock, now, S), None);
        assert_eq!(sense.hear(Word::Sleeping, now, S), Some(Turn::Sleeping));
        assert_eq!(sense.hear(Word::Clock, now, S), None, "it does not sleep yet");
        assert_eq!(sense.hear(Word::Awake, now, S), Some(Turn::Awake));
    }
}
