//! Where sound comes from and goes to: sound cards, files, or nowhere; opened while needed, closed when not.
//!
//! `ends` is what the engine holds, `ring` the lock-free way in and out of a sound card's callback, `card` opens sound cards (cpal), `opener` is the
//! thread that does the slow part, `platform` knows what each system needs.

mod card;
mod ends;
mod opener;
mod platform;
mod ring;

pub use card::{DeviceInfo, devices};
pub(crate) use ends::{Ear, End, Microphone, Name};
pub(crate) use opener::{Job, Opened, Opener, Sound, Wanted};
pub use platform::hurry;
pub(crate) use platform::{FineTimer, silent_because};
pub(crate) use ring::Patience;
