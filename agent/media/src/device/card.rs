//! Sound cards through cpal: found by name, opened at their own rate with a fixed buffer of 20 ms.

use super::{
    ends::{End, Name},
    platform,
    ring::{self, Capture, CaptureSide, Playback, PlaybackSide, Pulse},
};
use crate::resample;
use cpal::{
    BufferSize, Device, ErrorKind, FromSample, Host, SampleFormat, SizedSample, Stream, StreamConfig,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};
use std::{sync::Arc, time::Duration};

/// How long a sound server may take to open a stream.
const PATIENCE: Duration = Duration::from_secs(3);
/// What is asked for when a device does not say what it likes.
const USUAL: (u16, u32, SampleFormat) = (1, 48_000, SampleFormat::F32);

/// One sound device, for people to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// What the system calls it; does not change when another one is plugged in. May stand in the settings.
    pub id: String,
    /// What people call it. May stand in the settings as well.
    pub name: String,
    /// It can be spoken into.
    pub input: bool,
    /// It can be listened to.
    pub output: bool,
    /// It is what the system takes when nobody chooses.
    pub default: bool,
}

/// The sound devices of this machine. Asks the sound server: not for a thread that must not wait.
///
/// # Errors
/// A sentence, when there is no sound system or it does not answer.
pub fn devices() -> Result<Vec<DeviceInfo>, String> {
    let host = platform::host()?;
    let defaults: Vec<String> =
        [host.default_input_device(), host.default_output_device()].iter().flatten().map(id).collect();
    let list = host.devices().map_err(|error| format!("the sound devices cannot be listed: {error}"))?;
    Ok(list
        .map(|device| DeviceInfo {
            id: id(&device),
            name: name(&device),
            input: device.supports_input(),
            output: device.supports_output(),
            default: defaults.contains(&id(&device)),
        })
        .filter(|info| info.input || info.output)
        .collect())
}

/// An open microphone: our half, its name, and the stream that must be kept.
pub(super) fn microphone(host: &Host, wanted: Option<&str>) -> Result<(Capture, Name, Stream), String> {
    let (device, name) = find(host, End::Microphone, wanted)?;
    let (channels, rate, format) = shape(device.default_input_config());
    let open = |buffer_size| {
        let (side, ours, pulse) = ring::capture(rate, usize::from(channels))?;
        let config = StreamConfig { channels, sample_rate: rate, buffer_size };
        start(record(&device, config, format, side, pulse)).map(|stream| (ours, stream))
    };
    let (ours, stream) = open(fixed(rate)).or_else(|_| open(BufferSize::Default))?;
    Ok((ours, name, stream))
}

/// An open ear (or what rings).
pub(super) fn ear(host: &Host, end: End, wanted: Option<&str>) -> Result<(Playback, Name, Stream), String> {
    let (device, name) = find(host, end, wanted)?;
    let (channels, rate, format) = shape(device.default_output_config());
    let open = |buffer_size| {
        let (side, ours, pulse) = ring::playback(rate, usize::from(channels))?;
        let config = StreamConfig { channels, sample_rate: rate, buffer_size };
        start(render(&device, config, format, side, pulse)).map(|stream| (ours, stream))
    };
    let (ours, stream) = open(fixed(rate)).or_else(|_| open(BufferSize::Default))?;
    Ok((ours, name, stream))
}

/// 20 ms: PulseAudio stutters on its default, and every other one is late with it; with half of that a server that
/// shares a busy machine stutters as well.
fn fixed(rate: u32) -> BufferSize {
    BufferSize::Fixed(rate / 50)
}

fn start(stream: Result<Stream, cpal::Error>) -> Result<Stream, String> {
    let stream = stream.map_err(|error| error.to_string())?;
    stream.play().map_err(|error| error.to_string())?;
    Ok(stream)
}

/// The channels, rate and format a device likes best.
fn shape(config: Result<cpal::SupportedStreamConfig, cpal::Error>) -> (u16, u32, SampleFormat) {
    match config {
        Ok(config) if resample::RATES.contains(&config.sample_rate()) && config.channels() > 0 => {
            (config.channels(), config.sample_rate(), config.sample_format())
        }
        _ => USUAL,
    }
}

/// The device of that id or name (capitals aside), or the system's. A chosen one that is not there is replaced by the
/// system's, and that is said.
fn find(host: &Host, end: End, wanted: Option<&str>) -> Result<(Device, Name), String> {
    let default = || match end {
        End::Microphone => host.default_input_device().ok_or_else(|| "there is no microphone".to_owned()),
        _ => host.default_output_device().ok_or_else(|| "there is no loudspeaker".to_owned()),
    };
    let Some(wanted) = wanted.filter(|name| !name.is_empty()) else {
        let device = default()?;
        let name = Name::of(name(&device));
        return Ok((device, name));
    };
    let fits = |device: &Device| match end {
        End::Microphone => device.supports_input(),
        _ => device.supports_output(),
    };
    let all: Vec<Device> = host.devices().map_err(|error| error.to_string())?.filter(fits).collect();
    let lower = wanted.to_lowercase();
    let found = all
        .iter()
        .find(|device| id(device) == wanted)
        .or_else(|| all.iter().find(|device| name(device).to_lowercase() == lower));
    if let Some(device) = found {
        return Ok((device.clone(), Name::of(name(device))));
    }
    let device = default().map_err(|why| format!("'{wanted}' is not there, and {why}"))?;
    let name = Name { missing: Some(wanted.to_owned()), ..Name::of(name(&device)) };
    Ok((device, name))
}

fn id(device: &Device) -> String {
    device.id().map(|id| id.id().to_owned()).unwrap_or_default()
}

fn name(device: &Device) -> String {
    device.description().map_or_else(|_| id(device), |description| description.name().to_owned())
}

/// What is done about an error of a stream: everything that is not a mere hint means to build it anew.
fn trouble(pulse: &Pulse, error: &cpal::Error) {
    match error.kind() {
        ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {
            tracing::debug!(%error, "the sound device stumbled");
        }
        _ => {
            tracing::info!(%error, "the sound device is lost");
            pulse.broke();
        }
    }
}

fn record(
    device: &Device,
    config: StreamConfig,
    format: SampleFormat,
    side: CaptureSide,
    pulse: Arc<Pulse>,
) -> Result<Stream, cpal::Error> {
    match format {
        SampleFormat::I8 => record_as::<i8>(device, config, side, pulse),
        SampleFormat::U8 => record_as::<u8>(device, config, side, pulse),
        SampleFormat::I16 => record_as::<i16>(device, config, side, pulse),
        SampleFormat::U16 => record_as::<u16>(device, config, side, pulse),
        SampleFormat::I24 => record_as::<cpal::I24>(device, config, side, pulse),
        SampleFormat::I32 => record_as::<i32>(device, config, side, pulse),
        SampleFormat::U32 => record_as::<u32>(device, config, side, pulse),
        SampleFormat::F64 => record_as::<f64>(device, config, side, pulse),
        _ => record_as::<f32>(device, config, side, pulse),
    }
}

fn record_as<T: SizedSample>(
    device: &Device,
    config: StreamConfig,
    mut side: CaptureSide,
    pulse: Arc<Pulse>,
) -> Result<Stream, cpal::Error>
where
    f32: FromSample<T>,
{
    let data = move |data: &[T], _: &cpal::InputCallbackInfo| side.feed(data);
    device.build_input_stream(config, data, move |error| trouble(&pulse, &error), Some(PATIENCE))
}

fn render(
    device: &Device,
    config: StreamConfig,
    format: SampleFormat,
    side: PlaybackSide,
    pulse: Arc<Pulse>,
) -> Result<Stream, cpal::Error> {
    match format {
        SampleFormat::I8 => render_as::<i8>(device, config, side, pulse),
        SampleFormat::U8 => render_as::<u8>(device, config, side, pulse),
        SampleFormat::I16 => render_as::<i16>(device, config, side, pulse),
        SampleFormat::U16 => render_as::<u16>(device, config, side, pulse),
        SampleFormat::I24 => render_as::<cpal::I24>(device, config, side, pulse),
        SampleFormat::I32 => render_as::<i32>(device, config, side, pulse),
        SampleFormat::U32 => render_as::<u32>(device, config, side, pulse),
        SampleFormat::F64 => render_as::<f64>(device, config, side, pulse),
        _ => render_as::<f32>(device, config, side, pulse),
    }
}

fn render_as<T: SizedSample + FromSample<f32>>(
    device: &Device,
    config: StreamConfig,
    mut side: PlaybackSide,
    pulse: Arc<Pulse>,
) -> Result<Stream, cpal::Error> {
    let data = move |data: &mut [T], _: &cpal::OutputCallbackInfo| side.fill(data);
    device.build_output_stream(config, data, move |error| trouble(&pulse, &error), Some(PATIENCE))
}
