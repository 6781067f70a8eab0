//! How the calls of an account behave, as its settings say, and which addresses are its PBX's own.

use crate::message::{Text, Uri};

/// What is a matter of taste, or of the PBX. The default is that of a switch, which wants nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Manners {
    /// Let a caller who can acknowledge that it rings here (RFC 3262), not only one who insists on it.
    pub(crate) reliable: bool,
    /// Follow redirections (RFC 3261 section 8.1.3.4).
    pub(crate) redirects: bool,
    /// The session interval to ask for (RFC 4028), seconds; 0: none.
    pub(crate) timer: u32,
    /// The account's domain, and the address where its registrar was found.
    pub(crate) home: Vec<String>,
}

impl Manners {
    /// Whether an address is at the account's own PBX, and nothing but user and domain, so that its number says whom it
    /// means.
    pub(crate) fn is_home(&self, uri: &Uri) -> bool {
        let plain = |user: &str| !user.contains([';', '@', ':']);
        match uri {
            // It is called in our own domain.
            Uri::Tel(tel) => tel.params.is_empty(),
            Uri::Sip(sip) => {
                let host = sip.host.to_plain();
                let near = self.home.iter().any(|home| home.eq_ignore_ascii_case(&host));
                let harmless = |name: &Text| name.eq_ignore_case("user") || name.eq_ignore_case("transport");
                near && sip.password.is_none()
                    && sip.params.iter().all(|(name, _)| harmless(name))
                    && sip.user_text().is_some_and(|user| plain(&user.to_display()))
            }
            Uri::Other(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_is_the_domain_and_nothing_that_changes_whom_a_number_means() {
        let home = vec!["pbx.example".to_owned(), "192.0.2.10".to_owned()];
        let manners = Manners { home, ..Manners::default() };
        for (text, home) in [
            ("sip:600@PBX.example", true),
            ("sip:600@192.0.2.10:5080;transport=tcp;user=phone", true),
            ("tel:600", true),
            ("tel:600;phone-context=+49900", false),
            ("sip:600;phone-context=+49900@pbx.example", false),
            ("sip:600%3Bisub=1@pbx.example", false),
            ("sip:600:secret@pbx.example", false),
            ("sip:600@pbx.example;maddr=203.0.113.9", false),
            ("sip:pbx.example", false),
            ("sip:600@pbx.example.evil", false),
            ("mailto:600@pbx.example", false),
        ] {
            assert_eq!(manners.is_home(&text.parse().unwrap()), home, "{text}");
        }
    }
}
