//! The Via header: where answers go (RFC 3261 sections 18.2 and 20.42, RFC 3581).

use crate::message::{
    host::Host,
    lex::{FieldError, is_token, split_outside, trim},
    limits::MAX_ITEMS,
    params::Params,
    text::Text,
};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

/// What a branch begins with that is a transaction's name (RFC 3261 section 8.1.1.7).
const MAGIC: &[u8] = b"z9hG4bK";

/// `SIP/2.0/UDP host:port;branch=…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `TCP`, `TLS`, … as written.
    pub transport: Text,
    /// Where the sender says it is.
    pub host: Host,
    /// The port there; `None` means the transport's own (5060, TLS 5061).
    pub port: Option<u16>,
    /// `branch`, `received`, `rport`, …
    pub params: Params,
}

impl Via {
    /// A Via of ours, asking for the port to answer to (RFC 3581).
    pub fn new(transport: &str, host: impl Into<Host>, port: Option<u16>, branch: impl Into<Text>) -> Self {
        let mut params = Params::new();
        params.set("rport", None);
        params.set("branch", Some(branch.into()));
        Self { transport: transport.into(), host: host.into(), port, params }
    }

    /// Reads a comma-separated list. An element that is only separators is an error (RFC 4475 section 3.1.2.1).
    pub fn parse_list(bytes: &[u8]) -> Result<Vec<Self>, FieldError> {
        let wrong = |what| FieldError::new("Via", what);
        let pieces = split_outside(bytes, b',', MAX_ITEMS).map_err(wrong)?;
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
        let list = pieces.map(|piece| read(piece).map_err(wrong)).collect::<Result<Vec<_>, _>>()?;
        if list.is_empty() { Err(wrong("it is empty")) } else { Ok(list) }
    }

    /// The branch, whole.
    pub fn branch(&self) -> Option<&Text> {
        self.params.value("branch")
    }

    /// The branch, if it names a transaction the way RFC 3261 does: the magic cookie and something behind it.
    pub fn transaction_branch(&self) -> Option<&Text> {
        self.branch()
            .filter(|branch| branch.len() > MAGIC.len() && branch[..MAGIC.len()].eq_ignore_ascii_case(MAGIC))
    }

    /// The address the next hop saw us come from.
    pub fn received(&self) -> Option<IpAddr> {
        Host::parse_with_port(self.params.get("received")?).ok()?.0.ip()
    }

    /// The port the next hop saw us come from.
    pub fn rport(&self) -> Option<u16> {
        crate::message::lex::number(self.params.get("rport")?)
    }

    /// Notes where the request really came from: `received` when it differs from what is written, or when the port
    /// was asked for; `rport` only then (RFC 3261 section 18.2.1, RFC 3581 section 4).
    pub fn note_source(&mut self, source: SocketAddr) {
        let ip = source.ip().to_canonical();
        let asked = self.params.has("rport");
        if asked {
            self.params.set("rport", Some(source.port().to_string().into()));
        }
        if asked || self.host.ip() != Some(ip) {
            self.params.set("received", Some(ip.to_string().into()));
        } else {
            self.params.remove("received");
        }
    }

    /// Where an answer over UDP goes: `received`, else the host when it is an address; `rport`, else the port, else
    /// `default_port` (RFC 3261 section 18.2.2, RFC 3581 section 4). `None` when a name would have to be looked up.
    pub fn answer_address(&self, default_port: u16) -> Option<SocketAddr> {
        let ip = self.received().or_else(|| self.host.ip())?;
        Some(SocketAddr::new(ip, self.rport().or(self.port).unwrap_or(default_port)))
    }

    /// As the wire wants it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = b"SIP/2.0/".to_vec();
        out.extend_from_slice(&self.transport);
        out.push(b' ');
        self.host.print(&mut out);
        if let Some(port) = self.port {
            out.extend_from_slice(format!(":{port}").as_bytes());
        }
        self.params.print(&mut out);
        out
    }

    /// The same, ready to be a header's value.
    pub fn to_value(&self) -> Text {
        self.to_bytes().into()
    }
}

fn read(bytes: &[u8]) -> Result<Via, &'static str> {
    let mut parts = bytes.splitn(3, |&b| b == b'/').map(trim);
    let (name, version, rest) = (parts.next(), parts.next(), parts.next().ok_or("it names no protocol")?);
    if !name.is_some_and(|name| name.eq_ignore_ascii_case(b"SIP")) || version != Some(b"2.0") {
        return Err("the protocol is not SIP/2.0");
    }
    let end = rest.iter().position(|&b| b == b' ' || b == b'\t').ok_or("it names no host")?;
    let (transport, rest) = (&rest[..end], trim(&rest[end..]));
    if !is_token(transport) {
        return Err("it names no transport");
    }
    let end = rest.iter().position(|&b| b == b';').unwrap_or(rest.len());
    let (host, port) = Host::parse_with_port(&rest[..end])?;
    Ok(Via { transport: transport.into(), host, port, params: Params::parse(&rest[end..])? })
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Text::from(self.to_bytes()).to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::Via;

    fn via(text: &str) -> Via {
        Via::parse_list(text.as_bytes()).unwrap_or_else(|wrong| panic!("{text}: {wrong}")).remove(0)
    }

    #[test]
    fn blanks_where_nobody_expects_them() {
        let list = Via::parse_list(b"SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9hG4bK9ikj8  , SIP  /    2.0   / UDP  192.168.255.111   ; branch= z9hG4bK30239").unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(list[0].to_string(), "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8");
        assert_eq!(list[1].transaction_branch().unwrap(), "z9hG4bK30239");
    }

    #[test]
    fn the_source_is_noted_and_answered_to() {
        let mut asked = via("SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bKx");
        asked.note_source("192.0.2.9:4000".parse().unwrap());
        assert_eq!(asked.answer_address(5060), Some("192.0.2.9:4000".parse().unwrap()));
        let mut plain = via("SIP/2.0/UDP pbx.example:5070;branch=z9hG4bKx");
        assert_eq!(plain.answer_address(5060), None);
        plain.note_source("192.0.2.9:4000".parse().unwrap());
        assert_eq!(plain.answer_address(5060), Some("192.0.2.9:5070".parse().unwrap()));
        let mut honest = via("SIP/2.0/UDP 192.0.2.9;received=6.6.6.6;branch=z9hG4bKx");
        honest.note_source("192.0.2.9:4000".parse().unwrap());
        assert_eq!(
            honest.answer_address(5060),
            Some("192.0.2.9:5060".parse().unwrap()),
            "a forged `received` is dropped"
        );
        assert_eq!(
            via("SIP/2.0/UDP [::1]:5070;received=[2001:db8::1]").received(),
            Some("2001:db8::1".parse().unwrap())
        );
    }

    #[test]
    fn a_cookie_alone_is_no_branch() {
        assert_eq!(via("SIP/2.0/UDP h;branch=z9hG4bK").transaction_branch(), None);
        assert_eq!(via("SIP/2.0/UDP h").transaction_branch(), None);
    }

    #[test]
    fn what_cannot_be_read() {
        for bad in [
            "",
            ";;,;,,",
            "SIP/2.0/UDP 192.0.2.15;;,;,,",
            "SIP/2.0/UDP",
            "SIP/7.0/UDP h",
            "SIP/2.0 h",
            "HTTP/2.0/TCP h",
        ] {
            assert!(Via::parse_list(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
