//! Where else a call of ours may go when it is redirected (RFC 3261 section 8.1.3.4).
//!
//! Whoever is called can answer 302, and the PBX may hand that on: a stranger's word would then choose whom we call, at
//! our cost. So a redirection is followed within the account's own domain, that of the address called and the PBX's own
//! address, where the PBX decides as it does of any call, and nowhere else; never from `sips:` to `sip:`; not twice to one address, and to at
//! most five.

use crate::message::{NameAddr, SipUri, Uri};
use std::net::IpAddr;

/// Addresses one call may be sent on to.
const MOST: usize = 5;

/// The addresses that wait for their turn, and those that had it.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    waiting: Vec<Uri>,
    tried: Vec<Uri>,
}

impl Targets {
    /// Takes the Contacts of a 3xx in, best first. `asked` answered it; `own` is the account's address, `pbx` where the
    /// PBX is.
    pub(crate) fn take_in(
        &mut self,
        contacts: Vec<NameAddr>,
        (asked, own): (&Uri, &Uri),
        pbx: Option<IpAddr>,
    ) {
        if self.tried.is_empty() {
            self.tried.push(asked.clone());
        }
        let mut contacts: Vec<(u32, Uri)> = contacts
            .into_iter()
            .filter_map(|contact| Some((weight(&contact), followed(&contact.uri, (asked, own), pbx)?)))
            .collect();
        // Stable: among equals their order stands.
        contacts.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        // What a target redirects to comes before the alternatives of that target.
        let later = std::mem::take(&mut self.waiting);
        for uri in contacts.into_iter().map(|(_, uri)| uri).chain(later) {
            let known = self.tried.iter().chain(&self.waiting).any(|other| other.same(&uri));
            if !known && self.waiting.len() < MOST {
                self.waiting.push(uri);
            }
        }
    }

    /// The next one to try.
    pub(crate) fn next(&mut self) -> Option<Uri> {
        if self.waiting.is_empty() || self.tried.len() > MOST {
            return None;
        }
        let next = self.waiting.remove(0);
        self.tried.push(next.clone());
        Some(next)
    }
}

/// `q` in thousandths; 1 where there is none (RFC 3261 section 20.10).
fn weight(contact: &NameAddr) -> u32 {
    let q = contact.params.value("q").and_then(|q| q.to_text().trim().parse::<f32>().ok()).unwrap_or(1.0);
    // Out of range and not-a-number saturate.
    (q.clamp(0.0, 1.0) * 1000.0) as u32
}

/// The address as it is called, if it may be: what only a link or a proxy would put there is left out.
fn followed(uri: &Uri, (asked, own): (&Uri, &Uri), pbx: Option<IpAddr>) -> Option<Uri> {
    let own = own.as_sip()?;
    let asked = asked.as_sip()?;
    let target = match uri {
        Uri::Tel(tel) if !asked.secure => SipUri::new(Some(&tel.digits()), own.host.clone(), own.port),
        Uri::Sip(sip) => sip.clone(),
        Uri::Tel(_) | Uri::Other(_) => return None,
    };
    let host = target.host.to_plain();
    let near = [&own.host, &asked.host].into_iter().any(|known| known.to_plain().eq_ignore_ascii_case(&host))
        || pbx.is_some_and(|ip| host.parse() == Ok(ip));
    let fits = near && target.secure == asked.secure && target.user.is_some();
    let params = target.params.iter().filter(|(name, _)| name.eq_ignore_case("user")).cloned().collect();
    fits.then(|| SipUri { params, headers: Vec::new(), password: None, ..target }.into())
}
