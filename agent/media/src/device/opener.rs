//! The thread that opens and closes: a sound server may take seconds, a file may lie on a slow disk, and neither may
//! hold up a call. It lives while something is open.

use super::{
    card,
    ends::{Ear, End, Microphone, Name},
    platform,
};
use crate::{codec::RATE, resample, wav};
use agent_core::settings::{AudioBackend, AudioSettings};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
};

/// The longest file spoken as a microphone: an hour at 48 kHz.
const LONGEST_CLIP: usize = 3600 * 48_000;
/// More changes than this never wait for a server that answers.
const MOST_JOBS: usize = 100;

/// Which ends are to be open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) microphone: bool,
    pub(crate) ear: bool,
    pub(crate) ring: bool,
}

/// How things are to be from now on.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Counts the changes after which everything is opened anew.
    pub(crate) generation: u64,
    pub(crate) settings: AudioSettings,
    pub(crate) wanted: Wanted,
    /// Goes on with the recording instead of beginning it.
    pub(crate) append: bool,
}

/// An end was opened, or not.
pub(crate) struct Opened {
    pub(crate) generation: u64,
    pub(crate) result: Result<Sound, (End, String)>,
}

/// An open end and the name of what is behind it.
pub(crate) enum Sound {
    Microphone(Microphone, Name),
    Ear(Ear, Name),
    Ring(Ear, Name),
}

/// The way to the thread; when it is dropped, everything is closed and the thread ends.
pub(crate) struct Opener {
    jobs: mpsc::SyncSender<Job>,
}

impl Opener {
    /// Starts the thread.
    pub(crate) fn start(tell: Arc<dyn Fn(Opened) + Send + Sync>) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::sync_channel::<Job>(MOST_JOBS);
        thread::Builder::new().name("audio".to_owned()).spawn(move || {
            let mut open = Open::default();
            while let Ok(mut job) = inbox.recv() {
                open.close(&job);
                // Every word counts for what is closed, only the last one for what is opened.
                while let Ok(newer) = inbox.try_recv() {
                    open.close(&newer);
                    job = newer;
                }
                open.open_all(&job, &tell);
            }
        })?;
        Ok(Self { jobs })
    }

    /// Says how things are to be. False: the thread is gone (it panicked), another one is needed.
    pub(crate) fn send(&self, job: Job) -> bool {
        match self.jobs.try_send(job) {
            Ok(()) => true,
            // It hangs in a sound server and has a hundred jobs to catch up with: the next one, in two seconds at most,
            // says the same.
            Err(mpsc::TrySendError::Full(_)) => true,
            Err(mpsc::TrySendError::Disconnected(_)) => false,
        }
    }
}

/// What is open. The streams come before the host: they must go first.
#[derive(Default)]
struct Open {
    generation: u64,
    microphone: Option<Held>,
    ear: Option<Held>,
    ring: Option<Held>,
    host: Option<cpal::Host>,
    /// The ring has a connection of its own: on PulseAudio cpal gives all streams of a connection the same
    /// synchronisation group, and the server refuses a group that plays on two devices.
    ring_host: Option<cpal::Host>,
}

/// What keeps an end open.
enum Held {
    /// Held by whoever has the end.
    Elsewhere,
    /// A stream of a sound card.
    Stream(#[expect(dead_code, reason = "kept for its Drop, which closes the stream")] cpal::Stream),
}

impl Open {
    /// Closes what is not wanted any more.
    fn close(&mut self, job: &Job) {
        if job.generation != self.generation {
            *self = Self { generation: job.generation, ..Self::default() };
        }
        let wanted = job.wanted;
        for (slot, wish) in [
            (&mut self.microphone, wanted.microphone),
            (&mut self.ear, wanted.ear),
            (&mut self.ring, wanted.ring),
        ] {
            if !wish {
                *slot = None;
            }
        }
        self.release_hosts();
    }

    /// Opens what is wanted and not open, and tells of each.
    fn open_all(&mut self, job: &Job, tell: &Arc<dyn Fn(Opened) + Send + Sync>) {
        let wanted = job.wanted;
        // The ear first: it is what rings, and what is missed first.
        for (end, wish) in
            [(End::Ring, wanted.ring), (End::Ear, wanted.ear), (End::Microphone, wanted.microphone)]
        {
            if wish && self.slot(end).is_none() {
                let result = self.open(end, job).map(|(sound, held)| {
                    *self.slot(end) = Some(held);
                    sound
                });
                let result = result.map_err(|why| (end, why));
                tell(Opened { generation: job.generation, result });
            }
        }
        self.release_hosts();
    }

    /// Leaves the sound system where nothing is open. What could not be opened leaves it too: the connection itself may
    /// be what is broken, and the next try makes a new one.
    fn release_hosts(&mut self) {
        if self.microphone.is_none() && self.ear.is_none() {
            self.host = None;
        }
        if self.ring.is_none() {
            self.ring_host = None;
        }
    }

    fn slot(&mut self, end: End) -> &mut Option<Held> {
        match end {
            End::Microphone => &mut self.microphone,
            End::Ear => &mut self.ear,
            End::Ring => &mut self.ring,
        }
    }

    fn open(&mut self, end: End, job: &Job) -> Result<(Sound, Held), String> {
        match job.settings.backend {
            AudioBackend::Null => Err("switched off in the settings".to_owned()),
            AudioBackend::Wav => file(end, job).map(|sound| (sound, Held::Elsewhere)),
            AudioBackend::Device => self.card(end, &job.settings),
        }
    }

    fn card(&mut self, end: End, settings: &AudioSettings) -> Result<(Sound, Held), String> {
        let host = if end == End::Ring { &mut self.ring_host } else { &mut self.host };
        let host = match host {
            Some(host) => host,
            none => {
                // The threads of the sound system are started from this one and run as it does.
                platform::hurry();
                none.insert(platform::host()?)
            }
        };
        match end {
            End::Microphone => {
                card::microphone(host, settings.input.as_deref()).map(|(capture, name, stream)| {
                    (Sound::Microphone(Microphone::Card(Box::new(capture)), name), Held::Stream(stream))
                })
            }
            End::Ear => card::ear(host, end, settings.output.as_deref()).map(|(playback, name, stream)| {
                (Sound::Ear(Ear::Card(Box::new(playback)), name), Held::Stream(stream))
            }),
            End::Ring => card::ear(host, end, settings.ring.as_deref()).map(|(playback, name, stream)| {
                (Sound::Ring(Ear::Card(Box::new(playback)), name), Held::Stream(stream))
            }),
        }
    }
}

fn file(end: End, job: &Job) -> Result<Sound, String> {
    match end {
        End::Microphone => {
            let Some(path) = &job.settings.input else {
                return Ok(Sound::Microphone(Microphone::Silence, Name::of("nothing")));
            };
            let (samples, rate) =
                wav::read(Path::new(path), LONGEST_CLIP).map_err(|error| error.to_string())?;
            let samples = resample::clip(&samples, rate)?;
            Ok(Sound::Microphone(Microphone::Clip { samples: samples.into(), at: 0 }, Name::of(path)))
        }
        End::Ear | End::Ring => {
            let Some(path) = &job.settings.output else {
                return Ok(Sound::Ear(Ear::Nowhere, Name::of("nowhere")));
            };
            let file = PathBuf::from(path);
            let writer =
                if job.append { wav::Writer::append(&file, RATE) } else { wav::Writer::create(&file, RATE) };
            let writer = writer.map_err(|error| error.to_string())?;
            Ok(Sound::Ear(Ear::File(Box::new(writer)), Name::of(path)))
        }
    }
}
