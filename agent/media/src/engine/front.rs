//! The user's side: microphone, ear and ring, opened when they are needed, and the tones that go to them.

use crate::{
    codec::STEP,
    device::{
        Ear, End, FineTimer, Job, Microphone, Name, Opened, Opener, Patience, Sound as OpenSound, Wanted,
        silent_because,
    },
    tone::{self, Generator},
};
use agent_core::{
    port::media::AudioState,
    settings::{AudioBackend, AudioSettings},
    view::Sound,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Devices stay open this long after their last use: between the ring and the answer nothing is closed.
const LINGER: Duration = Duration::from_millis(400);
/// A device that could not be opened, or was lost, is tried again after this long.
const RETRY: Duration = Duration::from_secs(2);
/// At most this many steps of 10 ms are caught up at once.
const MOST_STEPS: usize = 20;

/// What is known of an end that was asked for: its name, or why it is not there.
type Known = Option<Result<Name, String>>;

/// Everything between the calls and the user.
pub(super) struct Front {
    settings: AudioSettings,
    country: String,
    opened: Arc<dyn Fn(Opened) + Send + Sync>,
    opener: Option<Opener>,
    generation: u64,
    /// What has been asked of the opener.
    wanted: Wanted,
    microphone: Microphone,
    ear: Ear,
    ring: Ear,
    known_microphone: Known,
    known_ear: Known,
    known_ring: Known,
    tone: Option<Generator>,
    /// When what is no longer needed is closed.
    close: Option<Instant>,
    /// When what failed is tried again.
    retry: Option<Instant>,
    /// How long a device may be silent before it counts as lost.
    patience: Patience,
    /// The recording was begun: it is gone on with.
    recorded: bool,
    told: Option<AudioState>,
    /// Held while something runs.
    timer: Option<FineTimer>,
}

impl Front {
    /// Nothing is opened yet; `opened` is called from the thread that opens.
    pub(super) fn new(
        settings: AudioSettings,
        country: String,
        opened: Arc<dyn Fn(Opened) + Send + Sync>,
    ) -> Self {
        Self {
            settings,
            country,
            opened,
            opener: None,
            generation: 1,
            wanted: Wanted::default(),
            microphone: Microphone::Silence,
            ear: Ear::Nowhere,
            ring: Ear::Nowhere,
            known_microphone: None,
            known_ear: None,
            known_ring: None,
            tone: None,
            close: None,
            retry: None,
            patience: Patience::default(),
            recorded: false,
            told: None,
            timer: None,
        }
    }

    /// Other settings: what is open is opened anew.
    pub(super) fn configure(&mut self, now: Instant, settings: AudioSettings, focused: bool) {
        if self.settings != settings {
            let same_file = self.settings.output == settings.output;
            self.recorded = self.recorded && same_file && settings.backend == AudioBackend::Wav;
            self.settings = settings;
            self.reopen(now, focused);
        }
    }

    /// What can be said about the sound without opening anything; `None`: nothing new.
    pub(super) fn news(&mut self) -> Option<AudioState> {
        let state = self.state()?;
        (self.told.as_ref() != Some(&state)).then(|| self.told.insert(state).clone())
    }

    fn state(&self) -> Option<AudioState> {
        let null = |why: &str| Some(AudioState::Null { why: why.to_owned() });
        match self.settings.backend {
            AudioBackend::Null => return null("switched off in the settings ([audio] backend = \"null\")"),
            AudioBackend::Wav => {
                let failed = [&self.known_microphone, &self.known_ear]
                    .into_iter()
                    .flatten()
                    .find_map(|k| k.as_ref().err());
                return failed.map_or(Some(AudioState::Wav), |why| null(why));
            }
            AudioBackend::Device => {}
        }
        let name = |known: &Known, chosen: &Option<String>| match known {
            Some(Ok(name)) => name.name.clone(),
            Some(Err(why)) => format!("none: {why}"),
            None => chosen.clone().unwrap_or_else(|| "the system's".to_owned()),
        };
        let awaited = (self.wanted.microphone && self.known_microphone.is_none())
            || (self.wanted.ear && self.known_ear.is_none());
        match (&self.known_microphone, &self.known_ear) {
            _ if awaited => None,
            (None, None) if self.missing().is_empty() => {
                let why = silent_because()?;
                null(&why)
            }
            (Some(Err(why)), Some(Err(_)) | None) | (None, Some(Err(why))) => null(why),
            (microphone, ear) => Some(AudioState::Device {
                input: name(microphone, &self.settings.input),
                output: name(ear, &self.settings.output),
                missing: self.missing(),
            }),
        }
    }

    /// The chosen devices that are not there, each once.
    fn missing(&self) -> Vec<String> {
        let known = [&self.known_microphone, &self.known_ear, &self.known_ring];
        let names = known.into_iter().flatten().filter_map(|known| known.as_ref().ok());
        let mut missing: Vec<String> = names.filter_map(|name| name.missing.clone()).collect();
        missing.dedup();
        missing
    }

    /// Which sound is to be heard.
    pub(super) fn sound(&mut self, sound: Option<Sound>) {
        if self.tone.as_ref().map(Generator::sound) != sound {
            self.tone = sound.map(|sound| Generator::new(sound, &self.country));
        }
    }

    /// Whether a sound is to be heard.
    pub(super) fn sounding(&self) -> bool {
        self.tone.is_some()
    }

    /// Opens what is needed, and closes after a while what is not. `focused`: a call has the microphone.
    pub(super) fn update(&mut self, now: Instant, focused: bool) {
        let need = self.need(focused);
        let more = Wanted {
            microphone: need.microphone || self.wanted.microphone,
            ear: need.ear || self.wanted.ear,
            ring: need.ring || self.wanted.ring,
        };
        // What is needed is opened at once; what is not needed any more stays for a while.
        let waits = more != need && *self.close.get_or_insert(now + LINGER) > now;
        if !waits {
            self.close = None;
        }
        let target = if waits { more } else { need };
        let retry = self.retry.is_some_and(|at| at <= now);
        if target != self.wanted || retry {
            self.ask(target);
        }
        let runs = target != Wanted::default();
        if runs != self.timer.is_some() {
            self.timer = runs.then(FineTimer::hold);
        }
    }

    /// When `update` is to be called at the latest.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.close, self.retry].into_iter().flatten().min()
    }

    fn need(&self, focused: bool) -> Wanted {
        let apart = self.rings_apart();
        Wanted { microphone: focused, ear: focused || (self.tone.is_some() && !apart), ring: apart }
    }

    /// Whether it rings now, on a device of its own.
    fn rings_apart(&self) -> bool {
        let rings = self.tone.as_ref().is_some_and(|now| tone::rings(now.sound()));
        let other =
            self.settings.ring.as_ref().is_some_and(|ring| Some(ring) != self.settings.output.as_ref());
        let failed = matches!(self.known_ring, Some(Err(_)));
        rings && other && !failed && self.settings.backend == AudioBackend::Device
    }

    fn ask(&mut self, target: Wanted) {
        self.retry = None;
        if !target.microphone {
            self.microphone = Microphone::Silence;
            self.known_microphone = None;
        }
        if !target.ear {
            self.ear = Ear::Nowhere;
            self.known_ear = None;
        }
        if !target.ring {
            self.ring = Ear::Nowhere;
            self.known_ring = None;
        }
        self.wanted = target;
        if self.settings.backend == AudioBackend::Null {
            return;
        }
        if target == Wanted::default() {
            // The opener closes what is left and ends.
            self.opener = None;
            return;
        }
        let job = Job {
            generation: self.generation,
            settings: self.settings.clone(),
            wanted: target,
            append: self.recorded,
        };
        let sent = self.opener.as_ref().is_some_and(|opener| opener.send(job.clone()));
        if !sent {
            match Opener::start(Arc::clone(&self.opened)) {
                Ok(opener) => {
                    opener.send(job);
                    self.opener = Some(opener);
                }
                Err(error) => {
                    tracing::error!(%error, "no thread for the sound devices");
                    self.known_ear = Some(Err(format!("no thread for the sound devices: {error}")));
                }
            }
        }
    }

    /// The opener's answer came.
    pub(super) fn opened(&mut self, now: Instant, opened: Opened) {
        if opened.generation != self.generation {
            return;
        }
        match opened.result {
            Ok(OpenSound::Microphone(microphone, name)) if self.wanted.microphone => {
                self.microphone = microphone;
                self.known_microphone = Some(Ok(name));
            }
            Ok(OpenSound::Ear(ear, name)) if self.wanted.ear => {
                self.recorded |= matches!(ear, Ear::File(_));
                self.ear = ear;
                self.known_ear = Some(Ok(name));
            }
            Ok(OpenSound::Ring(ring, name)) if self.wanted.ring => {
                self.ring = ring;
                self.known_ring = Some(Ok(name));
            }
            // It is not wanted any more: dropped here, and the opener has been told.
            Ok(_) => {}
            Err((end, why)) => {
                tracing::debug!(?end, why, "could not be opened");
                let known = match end {
                    End::Microphone => &mut self.known_microphone,
                    End::Ear => &mut self.known_ear,
                    End::Ring => &mut self.known_ring,
                };
                *known = Some(Err(why));
                self.retry = Some(now + RETRY);
            }
        }
    }

    /// Everything anew, now.
    fn reopen(&mut self, now: Instant, focused: bool) {
        self.generation += 1;
        self.microphone = Microphone::Silence;
        self.ear = Ear::Nowhere;
        self.ring = Ear::Nowhere;
        self.known_microphone = None;
        self.known_ear = None;
        self.known_ring = None;
        self.close = None;
        self.retry = None;
        self.wanted = Wanted::default();
        self.opener = None;
        self.update(now, focused);
    }

    /// `ticks` steps of 10 ms went by. `spoken` gets what the microphone gave; `voice` fills what the call gives to the
    /// ear.
    pub(super) fn step(
        &mut self,
        now: Instant,
        ticks: usize,
        spoken: &mut Vec<i16>,
        mut voice: impl FnMut(&mut [i16; STEP]),
    ) {
        spoken.clear();
        let reads = if matches!(self.microphone, Microphone::Card(_)) { 1 } else { ticks };
        for _ in 0..reads {
            self.microphone.read(spoken);
        }
        let apart = self.rings_apart();
        let mut failed = None;
        // While the ear is being opened the call's sound waits for it: what they say first is not lost.
        let wants = if self.ear_awaited() { 0 } else { self.ear.wants(ticks).min(MOST_STEPS) };
        for _ in 0..wants {
            let mut step = [0; STEP];
            voice(&mut step);
            if !apart {
                self.mix(&mut step);
            }
            failed = failed.or(self.ear.play(&step).err());
        }
        if apart {
            for _ in 0..self.ring.wants(ticks).min(MOST_STEPS) {
                let mut step = [0; STEP];
                self.mix(&mut step);
                failed = failed.or(self.ring.play(&step).err());
            }
        }
        if let Some(why) = failed {
            self.broke_off(why);
        }
        let patience = &self.patience;
        if self.microphone.stalled(now, patience)
            || self.ear.stalled(now, patience)
            || self.ring.stalled(now, patience)
        {
            self.lost(now);
        }
    }

    /// No steps will come for a while: what was heard so far is put where it belongs.
    pub(super) fn rest(&mut self) {
        if let Err(why) = self.ear.rest() {
            self.broke_off(why);
        }
    }

    fn broke_off(&mut self, why: String) {
        tracing::warn!(why, "the recording broke off");
        self.ear = Ear::Nowhere;
        self.known_ear = Some(Err(why));
    }

    /// Whether the ear has been asked for and there is no answer yet.
    fn ear_awaited(&self) -> bool {
        self.wanted.ear && self.known_ear.is_none() && self.settings.backend != AudioBackend::Null
    }

    /// Adds the tone; a tone that is over is over for good. While its device is being opened it waits: nobody would
    /// hear its beginning.
    fn mix(&mut self, step: &mut [i16; STEP]) {
        let known = if self.rings_apart() { &self.known_ring } else { &self.known_ear };
        if known.is_none() && self.settings.backend != AudioBackend::Null {
            return;
        }
        if self.tone.as_mut().is_some_and(|tone| !tone.add(step)) {
            self.tone = None;
        }
    }

    /// A device does not move any more: everything is closed, and opened again shortly.
    fn lost(&mut self, now: Instant) {
        tracing::info!("a sound device stopped; it is opened again");
        let wanted = self.wanted;
        self.patience.lost(now);
        self.generation += 1;
        self.opener = None;
        self.microphone = Microphone::Silence;
        self.ear = Ear::Nowhere;
        self.ring = Ear::Nowhere;
        self.ask(wanted);
        self.retry = Some(now + RETRY);
    }
}
