//! Why a description is not taken.

/// Why a description was not taken: sentences for the journal and the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SdpError {
    /// It is not a session description.
    #[error("what they sent is not a session description: {0}")]
    NotSdp(&'static str),
    /// It has no audio stream, or a disabled one.
    #[error("they offer no audio")]
    NoAudio,
    /// Their answer disables the audio.
    #[error("they declined the audio")]
    Declined,
    /// None of their codecs is ours.
    #[error("no common codec: they offer {0}, we speak PCMA and PCMU")]
    NoCommonCodec(String),
    /// They insist on encryption.
    #[error("they ask for encrypted audio ({0}), which this version cannot do")]
    Encrypted(String),
    /// Their address is unusable.
    #[error("their audio address is unusable: {0}")]
    Address(String),
    /// There is no offer of ours to which this could be an answer.
    #[error("their answer answers no offer of ours")]
    NoOffer,
}
