//! An account's settings, read: whose line it is, where its registrar is, and how numbers become addresses on it.

use crate::{
    call::{Belief, Manners},
    flow::{Hop, Transport, Trust},
    message::{FieldError, NameAddr, SipUri, Uri},
};
use agent_core::{
    port::sip::Loss,
    settings::{AccountSettings, AutoAnswer, Identity},
};
use std::sync::Arc;

/// What the settings of an account mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The address of record.
    pub(crate) aor: SipUri,
    /// Where requests go first: the registrar, which is also the way out.
    pub(crate) hop: Hop,
    /// The proxies every request goes through, as Route header fields have them; the first is the hop.
    pub(crate) routes: Vec<NameAddr>,
    /// Where the registrar is behind them, when it is not the domain.
    behind: Option<SipUri>,
    /// The digest user name.
    pub(crate) username: String,
    /// Realms that are its PBX's although nothing else says so.
    realms: Vec<String>,
    /// How its calls behave.
    pub(crate) manners: Manners,
    /// What tells who calls, the first that does.
    pub(crate) identity: Vec<Identity>,
    /// The registrar may answer and hold calls.
    pub(crate) obeys: bool,
}

impl Line {
    /// Reads the settings; the sentence says what is wrong with them.
    pub(crate) fn read(settings: &AccountSettings) -> Result<Self, String> {
        let aor =
            sip(&settings.aor).map_err(|why| format!("the account's address {}: {why}", settings.aor))?;
        if aor.secure {
            return Err(format!("the account's address {aor}: write sip:, and sips: at its registrar"));
        }
        let Some(user) = aor.user_text() else {
            return Err(format!(
                "the account's address {} names no user: write sip:USER@DOMAIN",
                settings.aor
            ));
        };
        let registrar = match &settings.registrar {
            Some(text) => {
                let whole = ["sip:", "sips:"].iter().any(|scheme| text.starts_with(scheme));
                let text = if whole { text.clone() } else { format!("sip:{text}") };
                sip(&text).map_err(|why| format!("the registrar {text}: {why}"))?
            }
            None => aor.clone(),
        };
        let routes = settings.outbound_proxy.iter().map(|text| route(text)).collect::<Result<Vec<_>, _>>()?;
        // The first proxy is found as a registrar is, and proves who it is as one does.
        let first = routes.first().and_then(|route| route.uri.as_sip()).unwrap_or(&registrar);
        let hop = Hop::to(first)
            .ok_or_else(|| format!("{first} asks for a transport other than udp, tcp, tls, ws or wss"))?;
        let web = hop.transport.is_some_and(Transport::web);
        let hop = Hop { trust: Some(Arc::new(trust(settings, (first, &aor), web))), ..hop };
        let behind = (settings.registrar.is_some() && !routes.is_empty()).then(|| registrar.clone());
        let username = settings.username.clone().unwrap_or_else(|| user.to_text().into_owned());
        let identity = settings.identity.clone();
        let manners = Manners {
            reliable: settings.reliable_ringing,
            redirects: true,
            timer: settings.session_timer,
            home: vec![aor.host.to_plain()],
        };
        let obeys = settings.auto_answer == AutoAnswer::Registrar;
        let realms = settings.realms.clone();
        Ok(Self { aor, hop, routes, behind, realms, username, manners, identity, obeys })
    }

    /// The name of the registrar's domain: the Request-URI of REGISTER (RFC 3261 section 10.2). Behind a proxy it must tell
    /// the proxy where the registrar is.
    pub(crate) fn domain(&self) -> SipUri {
        let place = self.behind.as_ref().unwrap_or(&self.aor);
        SipUri::new(None, place.host.clone(), place.port)
    }

    /// The names under which the machines are known that its requests go through.
    pub(crate) fn places(&self) -> Vec<String> {
        let mut places = vec![self.hop.host.clone(), self.hop.name().to_owned()];
        let known = self.behind.iter().chain([&self.aor]);
        places.extend(known.map(|uri| uri.host.to_plain()));
        places
    }

    /// Realms the password is for, besides those the registrar has asked for and those of its machines.
    pub(crate) fn realms(&self) -> &[String] {
        &self.realms
    }

    /// From and To of this line, without a tag.
    pub(crate) fn address(&self) -> NameAddr {
        NameAddr::new(SipUri { params: Vec::new(), headers: Vec::new(), password: None, ..self.aor.clone() })
    }

    /// Whose word counts in its calls.
    pub(crate) fn belief(&self) -> Belief {
        Belief { order: self.identity.clone(), registrar: false, told: false, obeys: self.obeys }
    }

    /// Whether this is the user part of the line, or its digest name.
    pub(crate) fn is_user(&self, user: &str) -> bool {
        self.username == user || self.aor.user_text().is_some_and(|own| own.to_text() == user)
    }

    /// The same as [`Line::target_over`] for whoever needs no more than a sentence, over the way that is configured.
    pub(crate) fn target(&self, text: &str) -> Result<Uri, String> {
        let secure = self.hop.transport.is_some_and(Transport::secure);
        self.target_over(text, secure).map_err(|(_, why)| why)
    }

    /// The address of what the user wants to call: a whole address, `user@host`, or a number in our own domain.
    /// `sips:` needs a `secure` way out (RFC 5630 section 4).
    pub(crate) fn target_over(&self, text: &str, secure: bool) -> Result<Uri, (Loss, String)> {
        let text = text.trim();
        if text.is_empty() {
            return Err((Loss::Target, "there is no number to call".to_owned()));
        }
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("sip:") || lower.starts_with("sips:") {
            let uri = whole(text)?;
            let wants = uri.as_sip().and_then(Hop::to).and_then(|hop| hop.transport);
            return if wants.is_some_and(Transport::secure) && !secure {
                Err((Loss::NoTls, format!("{text} asks for TLS, and this account is not registered over it")))
            } else {
                Ok(uri)
            };
        }
        if text.contains('@') {
            return whole(&format!("sip:{text}"));
        }
        let number = lower.strip_prefix("tel:").map_or(text, |_| &text[4..]);
        Ok(SipUri::new(Some(number), self.aor.host.clone(), self.aor.port).into())
    }
}

/// The name that the machine an account connects to must prove, where the way to it is encrypted; the sentence says what is
/// wrong with the settings.
pub fn proven_name(settings: &AccountSettings) -> Result<String, String> {
    Line::read(settings).map(|line| line.hop.name().to_owned())
}

/// A proxy as a Route header field has it. One that is written without `lr` has it all the same: proxies of RFC 2543, which
/// want to be the Request-URI, are gone.
fn route(text: &str) -> Result<NameAddr, String> {
    let uri = sip(text).map_err(|why| format!("the proxy {text}: {why}"))?;
    let uri = if uri.params.iter().any(|(name, _)| name.eq_ignore_case("lr")) {
        uri
    } else {
        uri.with_param("lr", "")
    };
    Ok(NameAddr::new(uri))
}

/// Whom a secure connection to the registrar must find: the machine the user configured, and where they wrote only its
/// address, the domain they configured (RFC 5922 section 7: never what a name server says).
fn trust(settings: &AccountSettings, (registrar, aor): (&SipUri, &SipUri), web: bool) -> Trust {
    let named = if registrar.host.ip().is_some() { &aor.host } else { &registrar.host };
    Trust {
        name: named.to_plain(),
        authorities: settings.ca.clone(),
        rule: settings.certificate,
        path: web.then(|| settings.websocket_path.clone()),
    }
}

/// A `sip:` or `sips:` address that a call can go to. Header fields in it are a link's way to put words into our request, and
/// `method` would change what is asked: both are left out.
fn whole(text: &str) -> Result<Uri, (Loss, String)> {
    let mut uri = sip(text).map_err(|why| (Loss::Target, format!("{text} cannot be called: {why}")))?;
    uri.headers.clear();
    uri.params.retain(|(name, _)| !name.eq_ignore_case("method"));
    Ok(uri.into())
}

fn sip(text: &str) -> Result<SipUri, String> {
    match text.parse::<Uri>().map_err(|error: FieldError| error.what.to_owned())? {
        Uri::Sip(uri) => Ok(uri),
        Uri::Tel(_) | Uri::Other(_) => Err("it is not a sip: address".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(aor: &str, registrar: Option<&str>) -> AccountSettings {
        AccountSettings {
            aor: aor.to_owned(),
            registrar: registrar.map(str::to_owned),
            ..AccountSettings::default()
        }
    }

    #[test]
    fn settings_are_understood_or_complained_about() {
        let line = Line::read(&settings("sip:1001@pbx.example", None)).unwrap();
        assert_eq!(
            (line.hop.host.as_str(), line.hop.port, line.username.as_str()),
            ("pbx.example", None, "1001")
        );
        let line = Line::read(&settings("sip:1001@x", Some("10.0.0.1:5070;transport=tcp"))).unwrap();
        assert_eq!((line.hop.port, line.hop.transport), (Some(5070), Some(Transport::Tcp)));
        assert_eq!(line.domain().to_string(), "sip:x");
        for (registrar, transport, name) in [
            ("sips:pbx.example", Transport::Tls, "pbx.example"),
            ("sips:pbx.example;transport=ws", Transport::Wss, "pbx.example"),
            ("sip:pbx.example:8089;transport=wss", Transport::Wss, "pbx.example"),
            ("sip:10.0.0.1;transport=ws", Transport::Ws, "office.example"),
            ("sip:pbx.example;transport=tls", Transport::Tls, "pbx.example"),
            ("sip:10.0.0.1;transport=tls", Transport::Tls, "office.example"),
            ("[::1]:5061;transport=TLS", Transport::Tls, "office.example"),
        ] {
            let line = Line::read(&settings("sip:1001@office.example", Some(registrar))).unwrap();
            assert_eq!((line.hop.transport, line.hop.name()), (Some(transport), name), "{registrar}");
            assert_eq!(line.domain().to_string(), "sip:office.example");
            let path = line.hop.trust.unwrap().path.clone();
            assert_eq!(path.as_deref(), transport.web().then_some("/ws"), "{registrar}");
        }
        for (aor, registrar, word) in [
            ("1001", None, "scheme"),
            ("sip:pbx.example", None, "names no user"),
            ("sips:1@x", None, "write sip:"),
            ("sip:1@x", Some("sip:x;transport=sctp"), "transport"),
            ("sip:1@x", Some("sips:x;transport=udp"), "transport"),
            ("tel:123", None, "not a sip: address"),
        ] {
            let error = Line::read(&settings(aor, registrar)).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn numbers_become_addresses() {
        let line = Line::read(&settings("sip:1001@pbx.example:5070", None)).unwrap();
        for (text, address) in [
            ("600", "sip:600@pbx.example:5070"),
            (" +49 30 ", "sip:+49%2030@pbx.example:5070"),
            ("*21*0#", "sip:*21*0%23@pbx.example:5070"),
            ("tel:+4930", "sip:+4930@pbx.example:5070"),
            ("bob@other", "sip:bob@other"),
            ("sip:bob@other;method=REGISTER;x=1?Route=%3Csip:evil%3E", "sip:bob@other;x=1"),
        ] {
            assert_eq!(line.target_over(text, false).unwrap().to_string(), address);
        }
        assert!(line.target_over(" ", true).is_err());
        for text in ["sips:bob@other", "sip:bob@other;transport=tls", "sips:bob@other;transport=ws"] {
            assert_eq!(line.target_over(text, false).unwrap_err().0, Loss::NoTls, "{text}");
        }
        assert_eq!(line.target_over("sips:bob@other", true).unwrap().to_string(), "sips:bob@other");
    }
}
