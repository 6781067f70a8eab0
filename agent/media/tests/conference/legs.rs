//! One engine in three calls at once: everybody hears all others and us, and nobody himself.

use crate::common::{LOCAL, Side, until, voice};
use agent_core::{
    id::CallId,
    port::media::{Flow, MediaCommand},
    settings::{AudioBackend, AudioSettings},
};
use agent_media::measure;
use std::path::{Path, PathBuf};

/// Tones that 20 ms hold whole periods of, so that none looks like another.
const TONES: [f64; 4] = [500.0, 1000.0, 1500.0, 2000.0];
/// Everybody speaks at -20 dBov; what is louder than this is heard.
const HEARD: f64 = -26.0;
/// What is quieter than this is not there.
const ABSENT: f64 = -42.0;
/// How long it must be so, in frames of 20 ms.
const LONG: usize = 50;

/// Settings with files; the microphone speaks a tone of `hz` without end.
fn files(folder: &Path, name: &str, hz: f64) -> (AudioSettings, PathBuf) {
    let (input, output) = (folder.join(format!("{name}-mic.wav")), folder.join(format!("{name}-ear.wav")));
    measure::write_wav(&input, 8000, &voice(8000, hz)).expect("written");
    let settings = AudioSettings {
        backend: AudioBackend::Wav,
        input: Some(input.to_string_lossy().into_owned()),
        output: Some(output.to_string_lossy().into_owned()),
        ring: None,
    };
    (settings, output)
}

/// Waits until the newest second of an ear holds these tones and not the others, but for a few frames of a busy machine.
fn hears(what: &str, ear: &Path, tones: &[f64]) {
    until(what, || {
        let (samples, rate) = measure::read_wav(ear).map_err(|error| error.to_string())?;
        let frame = (rate / 50) as usize;
        let frames: Vec<&[i16]> = samples.chunks_exact(frame).collect();
        let newest = frames.len().checked_sub(LONG).ok_or("too short")?;
        for hz in TONES {
            let there = frames[newest..].iter().filter(|f| measure::tone_dbov(f, rate, hz) > HEARD).count();
            let gone = frames[newest..].iter().filter(|f| measure::tone_dbov(f, rate, hz) < ABSENT).count();
            let wanted = tones.contains(&hz);
            if (wanted && there < LONG * 9 / 10) || (!wanted && gone < LONG * 9 / 10) {
                return Err(format!("{hz} Hz in {there} frames and absent in {gone} of {LONG}"));
            }
        }
        Ok(())
    });
}

/// `ours` calls `theirs`.
fn connect(ours: &mut Side, theirs: &mut Side, call: CallId) {
    ours.send(MediaCommand::Offer { call, local: LOCAL });
    let offer = ours.offered();
    theirs.send(MediaCommand::Accept { call, local: LOCAL, offer, flow: Flow::SendRecv });
    theirs.send(MediaCommand::Focus { call: Some(call) });
    let (answer, _) = theirs.accepted();
    ours.send(MediaCommand::Complete { call, answer });
    ours.completed();
}

#[test]
fn three_legs_and_we_hear_each_other_and_nobody_himself() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (settings, our_ear) = files(folder.path(), "us", TONES[0]);
    let mut ours = Side::start(settings);
    let mut legs = Vec::new();
    for (at, hz) in TONES.into_iter().enumerate().skip(1) {
        let (settings, ear) = files(folder.path(), &format!("leg{at}"), hz);
        let mut side = Side::start(settings);
        let call = CallId(2 * at as u64);
        connect(&mut ours, &mut side, call);
        legs.push((side, ear, call));
    }
    let calls: Vec<CallId> = legs.iter().map(|(_, _, call)| *call).collect();
    ours.send(MediaCommand::Focus { call: Some(calls[0]) });
    hears("one call before it is a conference", &legs[0].1, &TONES[..1]);
    ours.send(MediaCommand::Mix { calls: calls.clone() });
    hears("we hear all three", &our_ear, &TONES[1..]);
    for (at, (_, ear, _)) in legs.iter().enumerate() {
        let others: Vec<f64> = TONES.into_iter().filter(|hz| *hz != TONES[at + 1]).collect();
        hears(&format!("leg {at} hears us and the others"), ear, &others);
    }
    // Muted, we are the only one that is not heard.
    ours.send(MediaCommand::Mute { on: true });
    hears("muted", &legs[0].1, &TONES[2..]);
    ours.send(MediaCommand::Mute { on: false });
    // One leg on hold neither hears nor is heard; the rest goes on.
    ours.send(MediaCommand::Reoffer { call: calls[0], flow: Flow::SendOnly });
    let offer = ours.offered();
    legs[0].0.send(MediaCommand::Accept { call: calls[0], local: LOCAL, offer, flow: Flow::SendRecv });
    let (answer, _) = legs[0].0.accepted();
    ours.send(MediaCommand::Complete { call: calls[0], answer });
    ours.completed();
    hears("on hold", &legs[0].1, &[]);
    hears("the second without the first", &legs[1].1, &[TONES[0], TONES[3]]);
    // One leaves, and two talk on.
    ours.send(MediaCommand::Focus { call: Some(calls[1]) });
    ours.send(MediaCommand::Stop { call: calls[0] });
    hears(
        "the third after the first left",
        &legs[2].1,
        &TONES[..1].iter().chain(&TONES[2..3]).copied().collect::<Vec<_>>(),
    );
    // The conference is split: each hears only who has the microphone, or nothing.
    ours.send(MediaCommand::Mix { calls: Vec::new() });
    hears("split, with the microphone", &legs[1].1, &TONES[..1]);
    hears("split, what we hear", &our_ear, &TONES[2..3]);
}
