//! The ends of the sound: what is spoken into, what is heard with, whatever stands behind them.

use super::ring::{Capture, Patience, Playback};
use crate::{codec::STEP, wav};
use std::{sync::Arc, time::Instant};

/// Which of the three ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// What we speak into.
    Microphone,
    /// What we hear with.
    Ear,
    /// What rings, when that is another device than the ear.
    Ring,
}

/// What is behind an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// What people call it.
    pub(crate) name: String,
    /// What was chosen instead of it and is not there.
    pub(crate) missing: Option<String>,
}

impl Name {
    /// What was chosen, or the system's where nobody chose.
    pub(crate) fn of(name: impl Into<String>) -> Self {
        Self { name: name.into(), missing: None }
    }
}

/// Where the user's voice comes from.
#[derive(Default)]
pub(crate) enum Microphone {
    /// Nowhere.
    #[default]
    Silence,
    /// A file, once, then silence.
    Clip {
        /// At 8000 samples a second.
        samples: Arc<[i16]>,
        /// How far it has been spoken.
        at: usize,
    },
    /// A sound card.
    Card(Box<Capture>),
}

impl Microphone {
    /// What 10 ms brought, added to `samples`: exactly 80, except from a sound card, which has a clock of its own.
    pub(crate) fn read(&mut self, samples: &mut Vec<i16>) {
        match self {
            Self::Silence => samples.resize(samples.len() + STEP, 0),
            Self::Clip { samples: clip, at } => {
                let end = (*at + STEP).min(clip.len());
                samples.extend_from_slice(&clip[*at..end]);
                samples.resize(samples.len() + STEP - (end - *at), 0);
                *at = end;
            }
            Self::Card(capture) => capture.read(samples),
        }
    }

    /// Whether a sound card has stopped delivering.
    pub(crate) fn stalled(&mut self, now: Instant, patience: &Patience) -> bool {
        match self {
            Self::Card(capture) => capture.watch.stalled(now, patience),
            _ => false,
        }
    }
}

/// Where the other side's voice, and every tone, goes.
#[derive(Default)]
pub(crate) enum Ear {
    /// Nowhere, at the pace of the clock.
    #[default]
    Nowhere,
    /// A file, at the pace of the clock.
    File(Box<wav::Writer>),
    /// A sound card, at its own pace.
    Card(Box<Playback>),
}

impl Ear {
    /// How many steps of 10 ms are wanted now; `ticks`: how many have gone by on the clock.
    pub(crate) fn wants(&mut self, ticks: usize) -> usize {
        match self {
            Self::Nowhere | Self::File(_) => ticks,
            Self::Card(playback) => playback.wants(),
        }
    }

    /// Plays 10 ms. An error is a sentence: the ear is gone.
    pub(crate) fn play(&mut self, step: &[i16; STEP]) -> Result<(), String> {
        match self {
            Self::Nowhere => Ok(()),
            Self::File(writer) => writer.write(step).map_err(|error| error.to_string()),
            Self::Card(playback) => {
                playback.play(step);
                Ok(())
            }
        }
    }

    /// Nothing will be played for a while. An error is a sentence: the ear is gone.
    pub(crate) fn rest(&mut self) -> Result<(), String> {
        match self {
            Self::Nowhere | Self::Card(_) => Ok(()),
            Self::File(writer) => writer.flush().map_err(|error| error.to_string()),
        }
    }

    /// Whether a sound card has stopped asking for sound.
    pub(crate) fn stalled(&mut self, now: Instant, patience: &Patience) -> bool {
        match self {
            Self::Card(playback) => playback.watch.stalled(now, patience),
            _ => false,
        }
    }
}
