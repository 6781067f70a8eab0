//! Sound: SDP bodies, RTP and RTCP, codecs, the jitter buffer, tones and audio devices.

mod codec;
mod conceal;
mod dtmf;
mod jitter;
pub mod measure;
mod resample;
mod rtp;
mod tone;
mod wav;
