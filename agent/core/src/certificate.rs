//! Whose certificate an account believes, and what is wrong with one that it does not.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The SHA-256 of a certificate's SubjectPublicKeyInfo: it names the key, and stays when only the certificate around the
/// key is made anew. Written `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Reads what [`Display`](fmt::Display) writes; capital digits and colons between bytes are forgiven.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.strip_prefix("sha256:")?.bytes().filter(|byte| *byte != b':').collect();
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            *byte = u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'))?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a fingerprint is `sha256:` and 64 hexadecimal digits")
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

/// How an account's PBX proves who it is, where the way to it is encrypted. There is no rule that believes everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CertificateRule {
    /// By a certificate for the configured name, from an authority of the system's or the account's own.
    #[default]
    System,
    /// By this key, and nothing else: the names and dates around it do not count.
    Pin(Fingerprint),
    /// By the key it showed at the first connection, which the profile keeps; from then on as by [`CertificateRule::Pin`].
    /// Who stands between us and the PBX at that first time is believed for ever, so that nobody gets this unasked.
    FirstUse,
}

impl TryFrom<String> for CertificateRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "system" => return Ok(Self::System),
            "first-use" => return Ok(Self::FirstUse),
            _ => {}
        }
        Fingerprint::parse(&text).map(Self::Pin).ok_or_else(|| {
            "write \"system\", or the fingerprint of the PBX's key, \"sha256:\" and 64 hexadecimal digits, or \
             \"first-use\" for the key it shows first; the check cannot be turned off"
                .to_owned()
        })
    }
}

impl From<CertificateRule> for String {
    fn from(rule: CertificateRule) -> Self {
        match rule {
            CertificateRule::System => "system".to_owned(),
            CertificateRule::Pin(fingerprint) => fingerprint.to_string(),
            CertificateRule::FirstUse => "first-use".to_owned(),
        }
    }
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum CertificateFault {
    /// It is from nobody that is trusted: an authority of the office's own, or itself.
    UnknownIssuer,
    /// It is for others.
    WrongName {
        /// The names and addresses it is for; as it writes them, at most 16.
        names: Vec<String>,
    },
    /// Its time is over.
    Expired,
    /// Its time has not come, or this computer's clock is wrong.
    NotYetValid,
    /// It holds another key than the one the settings name, or the profile keeps.
    Changed {
        /// The key that was expected.
        expected: Fingerprint,
    },
    /// It cannot be understood, or is for another purpose.
    Unusable {
        /// What is wrong, in English.
        detail: String,
    },
}

/// A certificate that was not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untrusted {
    /// The name that had to be proven.
    pub host: String,
    /// What is wrong with it.
    pub fault: CertificateFault,
    /// The key it presented, if that can be read.
    pub presented: Option<Fingerprint>,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate of {} ", self.host)?;
        match &self.fault {
            CertificateFault::UnknownIssuer => write!(f, "is from nobody who is trusted"),
            CertificateFault::WrongName { names } => write!(f, "is for others: {}", names.join(", ")),
            CertificateFault::Expired => write!(f, "is out of date"),
            CertificateFault::NotYetValid => write!(f, "is not valid yet"),
            CertificateFault::Changed { expected } => write!(f, "has another key than {expected}"),
            CertificateFault::Unusable { detail } => write!(f, "cannot be used: {detail}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_one_of_three_and_never_off() {
        let hex = "0123456789abcdef".repeat(4);
        let pin = CertificateRule::try_from(format!("sha256:{hex}")).unwrap();
        assert_eq!(String::from(pin), format!("sha256:{hex}"));
        assert_eq!(CertificateRule::try_from(format!("sha256:{}", hex.to_uppercase())), Ok(pin));
        assert_eq!(CertificateRule::try_from("system".to_owned()), Ok(CertificateRule::System));
        let first = CertificateRule::try_from("first-use".to_owned()).unwrap();
        assert_eq!((first, String::from(first).as_str()), (CertificateRule::FirstUse, "first-use"));
        for wrong in [
            "",
            "off",
            "none",
            "first use",
            "sha256:",
            "sha256:12",
            "sha1:00",
            &format!("sha256:+{}", &hex[1..]),
        ] {
            assert!(CertificateRule::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
