//! The secret that this computer is known again by at its PBXs: made once, and kept in the profile.

use crate::{file, profile::Profile};
use std::fs;

/// The secret; made where there is none, or none that can be read; `None` where the system has no random numbers. One that cannot be kept serves until the end of the
/// run: the PBX then knows us as somebody new the next time, and forgets who we were in its time.
pub fn device_secret(profile: &Profile) -> Option<[u8; 32]> {
    let path = profile.device_file();
    if let Some(secret) = fs::read_to_string(&path).ok().as_deref().and_then(read) {
        return Some(secret);
    }
    let mut secret = [0; 32];
    if let Err(error) = getrandom::fill(&mut secret) {
        tracing::error!(%error, "the system has no random numbers");
        return None;
    }
    let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    if let Err(error) = file::replace(&path, &format!("{digits}\n")) {
        tracing::warn!(%error, "what this computer is known by is not kept");
    }
    Some(secret)
}

fn read(text: &str) -> Option<[u8; 32]> {
    let digits = text.trim_end().as_bytes();
    let mut secret = [0; 32];
    if digits.len() != 2 * secret.len() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in secret.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_again_when_it_is_spoilt() {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(&folder.path().join("profile"))).unwrap();
        let first = device_secret(&profile);
        assert_eq!(device_secret(&profile), first);
        assert!(first.is_some_and(|first| first != [0; 32]));
        for spoilt in ["", "00", &"zz".repeat(32), &format!("{}\u{e9}", "0".repeat(62))] {
            fs::write(profile.device_file(), spoilt).unwrap();
            let made = device_secret(&profile);
            assert!(made != first && device_secret(&profile) == made, "{spoilt:?}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(profile.device_file()).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "it is nobody else's");
        }
    }

    #[test]
    fn without_a_place_it_serves_for_this_run() {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(&folder.path().join("profile"))).unwrap();
        fs::create_dir(profile.device_file()).unwrap();
        assert_ne!(device_secret(&profile), device_secret(&profile));
    }
}
