//! The digest itself (RFC 7616 section 3.4).

use crate::message::Method;
use agent_core::secret::Secret;
use sha2::Digest as _;

/// A hash with or without `-sess`, in the order of strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// `MD5`.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
    /// `SHA-256`.
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
    /// `SHA-512-256`.
    Sha512_256,
    /// `SHA-512-256-sess`.
    Sha512_256Sess,
}

impl Algorithm {
    /// Every one we know.
    pub const ALL: [Self; 6] =
        [Self::Md5, Self::Md5Sess, Self::Sha256, Self::Sha256Sess, Self::Sha512_256, Self::Sha512_256Sess];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Sha512_256 => "SHA-512-256",
            Self::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    /// The algorithm of that name, in either case.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether the hash of the password is mixed with the nonces once a session.
    pub fn is_session(self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess | Self::Sha512_256Sess)
    }

    /// The hash in lower-case hexadecimal.
    pub(crate) fn hex(self, parts: &[&[u8]]) -> String {
        let joined = parts.join(&b':');
        match self {
            Self::Md5 | Self::Md5Sess => hex(&md5::Md5::digest(&joined)),
            Self::Sha256 | Self::Sha256Sess => hex(&sha2::Sha256::digest(&joined)),
            Self::Sha512_256 | Self::Sha512_256Sess => hex(&sha2::Sha512_256::digest(&joined)),
        }
    }
}

/// Quality of protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qop {
    /// The request line is protected.
    Auth,
    /// The body is protected too.
    AuthInt,
}

impl Qop {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Auth, Self::AuthInt].into_iter().find(|qop| qop.name().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// What a digest is made of.
#[derive(Debug, Clone, Copy)]
pub struct DigestInput<'a> {
    /// The hash.
    pub algorithm: Algorithm,
    /// Quality of protection; `None` as in RFC 2069.
    pub qop: Option<Qop>,
    /// Who.
    pub username: &'a [u8],
    /// Where, unquoted.
    pub realm: &'a [u8],
    /// Their password.
    pub password: &'a Secret,
    /// The server's nonce, unquoted.
    pub nonce: &'a [u8],
    /// The client's nonce; unused without `qop` and `-sess`.
    pub cnonce: &'a [u8],
    /// How often the nonce was used, this time included; unused without `qop`.
    pub count: u32,
    /// The request's method.
    pub method: &'a Method,
    /// The `uri` of the credentials.
    pub uri: &'a [u8],
    /// The request's body; used with `auth-int`.
    pub body: &'a [u8],
}

/// The `response` of the credentials, in hexadecimal.
pub fn response(input: &DigestInput<'_>) -> String {
    let hash = input.algorithm;
    let mut secret = hash.hex(&[input.username, input.realm, input.password.expose().as_bytes()]);
    if hash.is_session() {
        secret = hash.hex(&[secret.as_bytes(), input.nonce, input.cnonce]);
    }
    let method = input.method.as_bytes();
    let request = match input.qop {
        Some(Qop::AuthInt) => hash.hex(&[method, input.uri, hash.hex(&[input.body]).as_bytes()]),
        _ => hash.hex(&[method, input.uri]),
    };
    match input.qop {
        None => hash.hex(&[secret.as_bytes(), input.nonce, request.as_bytes()]),
        Some(qop) => {
            let count = format!("{:08x}", input.count);
            let qop = qop.name().as_bytes();
            hash.hex(&[
                secret.as_bytes(),
                input.nonce,
                count.as_bytes(),
                input.cnonce,
                qop,
                request.as_bytes(),
            ])
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, DigestInput, Qop, Secret, response};
    use crate::message::Method;

    fn mufasa<'a>(
        algorithm: Algorithm,
        qop: Option<Qop>,
        password: &'a Secret,
        method: &'a Method,
    ) -> DigestInput<'a> {
        DigestInput {
            algorithm,
            qop,
            username: b"Mufasa",
            realm: b"http-auth@example.org",
            password,
            nonce: b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            cnonce: b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            count: 1,
            method,
            uri: b"/dir/index.html",
            body: b"",
        }
    }

    #[test]
    fn the_examples_of_rfc_7616_section_3_9_1() {
        let (password, get) = (Secret::new("Circle of Life".to_owned()), Method::from_bytes(b"GET"));
        let made = |algorithm| response(&mufasa(algorithm, Some(Qop::Auth), &password, &get));
        assert_eq!(made(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            made(Algorithm::Sha256),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    #[test]
    fn the_example_of_rfc_2617_section_3_5() {
        let (password, get) = (Secret::new("Circle Of Life".to_owned()), Method::from_bytes(b"GET"));
        let mut input = mufasa(Algorithm::Md5, Some(Qop::Auth), &password, &get);
        input.realm = b"testrealm@host.com";
        input.nonce = b"dcd98b7102dd2f0e8b11d0f600bfb0c093";
        input.cnonce = b"0a4f113b";
        assert_eq!(response(&input), "6629fae49393a05397450978507c4ef1");
        // The same without qop, as RFC 2069 has it.
        input.qop = None;
        assert_eq!(response(&input), "670fd8c2df070c60b045671b8b24ff02");
    }

    #[test]
    fn the_example_of_rfc_7616_section_3_9_2_but_for_its_user_hash() {
        // With the response of erratum 4897: the one printed is of a draft of SHA-512/256.
        let (password, get) = (Secret::new("Secret, or not?".to_owned()), Method::from_bytes(b"GET"));
        let input = DigestInput {
            algorithm: Algorithm::Sha512_256,
            qop: Some(Qop::Auth),
            username: "Jäsøn Doe".as_bytes(),
            realm: b"api@example.org",
            password: &password,
            nonce: b"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            cnonce: b"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
            count: 1,
            method: &get,
            uri: b"/doe.json",
            body: b"",
        };
        assert_eq!(response(&input), "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
    }
}
