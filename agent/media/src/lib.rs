//! Sound: SDP bodies, RTP and RTCP, codecs, the jitter buffer, tones and audio devices.
