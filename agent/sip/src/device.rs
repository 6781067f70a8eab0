//! What stays the same of this computer's SIP from one start to the next, so that a registrar finds us again.

use crate::line::Line;
use sha2::{Digest, Sha256};
use std::fmt;

/// A secret of the profile's, from which is made what others are told: nobody can make one of these names from another.
#[derive(Clone, PartialEq, Eq)]
pub struct Device([u8; 32]);

impl Device {
    /// From a secret that nobody else has.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// Our instance (RFC 5626 section 4.1): a UUID as a URN, the same for as long as the profile lives.
    pub fn instance(&self) -> String {
        let mut bytes = self.derive(&[b"instance"]);
        // A random one, as RFC 9562 section 5.4 marks it.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let [a, b, c, d, e] = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        format!("urn:uuid:{a}-{b}-{c}-{d}-{e}")
    }

    /// The user part of a line's Contact: who was not told by the registrar cannot guess it.
    pub(crate) fn contact_user(&self, line: &Line, reg_id: u32) -> String {
        let (aor, host) = (line.aor.to_string(), &line.hop.host);
        let bytes =
            self.derive(&[b"contact", aor.as_bytes(), host.as_bytes(), reg_id.to_string().as_bytes()]);
        bytes[..6].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn derive(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.0);
        for part in parts {
            // The length keeps two parts from being taken for others.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::settings::AccountSettings;

    #[test]
    fn each_name_is_its_own_and_stays() {
        let line = |aor: &str| {
            Line::read(&AccountSettings { aor: aor.to_owned(), ..AccountSettings::default() }).unwrap()
        };
        let (one, other) = (Device::new([1; 32]), Device::new([2; 32]));
        assert_eq!(one.instance(), Device::new([1; 32]).instance());
        assert_ne!(one.instance(), other.instance());
        let uuid = one.instance();
        assert!(uuid.starts_with("urn:uuid:") && uuid.len() == 45 && uuid.as_bytes()[23] == b'4', "{uuid}");
        let user = one.contact_user(&line("sip:1001@pbx.example"), 1);
        assert_eq!(user, one.contact_user(&line("sip:1001@pbx.example"), 1));
        assert_eq!(user.len(), 12);
        for another in [
            one.contact_user(&line("sip:1001@pbx.example"), 2),
            one.contact_user(&line("sip:1002@pbx.example"), 1),
            other.contact_user(&line("sip:1001@pbx.example"), 1),
        ] {
            assert_ne!(user, another);
        }
        assert_eq!(format!("{one:?}"), "Device(..)", "no log tells it");
    }
}
