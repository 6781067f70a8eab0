//! Sound: SDP bodies, RTP and RTCP, codecs, the jitter buffer, tones and audio devices.
//!
//! [`start`] gives the adapter behind `agent_core::port::media`; [`devices`] lists what the user can choose from, and
//! [`measure`] tells what a recording holds. Sound moves in steps of 10 ms at 8000 samples a second: in from the
//! network through `rtp` and `jitter`, out through `engine`, to and from the user through `device`.

mod codec;
mod conceal;
mod device;
mod dtmf;
mod engine;
mod jitter;
pub mod measure;
mod resample;
mod rtp;
mod sdp;
mod tone;
mod wav;

pub use device::{DeviceInfo, devices, hurry};
pub use engine::{MediaConfig, MediaError, MediaHandle, Tell, probe, start, start_watched};
pub use sdp::unfit;
