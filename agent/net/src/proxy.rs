//! Which proxy an HTTP request takes, as the environment says it.

use std::{env, net::IpAddr};
use url::{Host, Url};

/// The proxies of this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    not_for: Vec<String>,
}

/// One proxy, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of `Proxy-Authorization`, if the proxy's address carries a user.
    pub(crate) authorization: Option<String>,
}

impl Proxies {
    /// No proxy at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// `proxy` (`http://user:password@host:port`) for everything but this machine itself.
    pub fn one(proxy: &str) -> Self {
        Self { http: Some(proxy.to_owned()), https: Some(proxy.to_owned()), not_for: Vec::new() }
    }

    /// From `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in small or capital letters. `HTTP_PROXY` is left
    /// out as everywhere: in a CGI environment a stranger sets it.
    pub fn from_env() -> Self {
        Self::from_variables(|name| env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first =
            |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
        Self {
            http: first(&["http_proxy", "all_proxy", "ALL_PROXY"]),
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            not_for: first(&["no_proxy", "NO_PROXY"])
                .map(|list| list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).collect())
                .unwrap_or_default(),
        }
    }

    /// The proxy for `url`; an error when one is set that cannot be used, for going around it would be worse.
    pub(crate) fn for_url(&self, url: &Url) -> Result<Option<Proxy>, String> {
        let setting = if url.scheme() == "https" { &self.https } else { &self.http };
        match setting {
            Some(text) if !self.goes_around(url) => Proxy::parse(text).map(Some),
            _ => Ok(None),
        }
    }

    fn goes_around(&self, url: &Url) -> bool {
        let address = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            _ => None,
        };
        let name = url.host_str().unwrap_or_default().trim_end_matches('.');
        // What is on this very machine is not the proxy's business.
        if address.is_some_and(|ip| ip.is_loopback()) || name == "localhost" || name.ends_with(".localhost") {
            return true;
        }
        self.not_for.iter().any(|entry| {
            entry == "*"
                || address.map_or_else(|| names_match(entry, name), |ip| networks_match(entry, ip))
                || entry.rsplit_once(':').is_some_and(|(host, port)| {
                    port.parse().ok() == url.port_or_known_default() && names_match(host, name)
                })
        })
    }
}

impl Proxy {
    fn parse(text: &str) -> Result<Self, String> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        // The text may hold a password: it is not repeated.
        let url = Url::parse(&whole)
            .map_err(|error| format!("the proxy set in the environment is not usable: {error}"))?;
        if url.scheme() != "http" {
            return Err(format!(
                "a proxy of the kind {}:// is set in the environment; only http:// is supported",
                url.scheme()
            ));
        }
        let host = url.host_str().ok_or("the proxy set in the environment has no host")?.to_owned();
        let authorization = (!url.username().is_empty()).then(|| {
            let mut user = decode(url.username());
            user.push(b':');
            user.extend(decode(url.password().unwrap_or_default()));
            format!("Basic {}", base64(&user))
        });
        Ok(Self { host, port: url.port().unwrap_or(80), authorization })
    }
}

/// `entry` is the name or one of its parent domains.
fn names_match(entry: &str, name: &str) -> bool {
    let entry = entry.trim_start_matches("*.").trim_start_matches('.');
    !entry.is_empty() && name.strip_suffix(entry).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// `entry` is the address or a network (`10.0.0.0/8`) that holds it.
fn networks_match(entry: &str, ip: IpAddr) -> bool {
    let entry = entry.trim_start_matches('[').trim_end_matches(']');
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => (network.parse(), bits.parse::<u32>().ok()),
        None => (entry.parse(), Some(128)),
    };
    let same =
        |a: u128, b: u128, width: u32, bits: u32| bits == 0 || (a ^ b) >> (width - bits.min(width)) == 0;
    match (network, ip, bits) {
        (Ok(IpAddr::V4(net)), IpAddr::V4(ip), Some(bits)) => {
            same(net.to_bits().into(), ip.to_bits().into(), 32, bits)
        }
        (Ok(IpAddr::V6(net)), IpAddr::V6(ip), Some(bits)) => same(net.to_bits(), ip.to_bits(), 128, bits),
        _ => false,
    }
}

/// Percent escapes undone, as a user name in an address needs it.
fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let sextet = (group >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= chunk.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(list: &[(&str, &str)]) -> Proxies {
        Proxies::from_variables(|name| {
            list.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn host(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.for_url(&Url::parse(url).unwrap()).unwrap().map(|proxy| proxy.host)
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let set = proxies(&[("http_proxy", "http://a.example:3128"), ("HTTPS_PROXY", "b.example:3128")]);
        assert_eq!(host(&set, "http://crm.example/").as_deref(), Some("a.example"));
        assert_eq!(host(&set, "https://crm.example/").as_deref(), Some("b.example"));
        assert_eq!(host(&proxies(&[("HTTP_PROXY", "http://a.example")]), "http://crm.example/"), None);
    }

    #[test]
    fn exceptions_go_around() {
        let set = proxies(&[
            ("http_proxy", "http://a.example"),
            ("no_proxy", "corp.example, .intra.example,10.0.0.0/8,[fd00::1],odd.example:8080"),
        ]);
        for url in [
            "http://corp.example/",
            "http://x.corp.example/",
            "http://y.intra.example/",
            "http://10.1.2.3/",
            "http://[fd00::1]/",
            "http://localhost:8080/",
            "http://127.0.0.1/",
            "http://odd.example:8080/",
        ] {
            assert_eq!(host(&set, url), None, "{url}");
        }
        for url in ["http://notcorp.example/", "http://11.1.2.3/", "http://[fd00::2]/", "http://odd.example/"]
        {
            assert_eq!(host(&set, url).as_deref(), Some("a.example"), "{url}");
        }
    }

    #[test]
    fn an_unusable_proxy_is_an_error_without_its_password() {
        let set = proxies(&[("https_proxy", "socks5://user:geheim@a.example")]);
        let error = set.for_url(&Url::parse("https://crm.example/").unwrap()).unwrap_err();
        assert!(error.contains("socks5://") && !error.contains("geheim"), "{error}");
    }

    #[test]
    fn a_user_becomes_basic_authorization() {
        let proxy = Proxy::parse("http://me:p%40ss@a.example:3128").unwrap();
        assert_eq!((proxy.port, proxy.authorization.as_deref()), (3128, Some("Basic bWU6cEBzcw==")));
        assert_eq!([base64(b""), base64(b"f"), base64(b"fo"), base64(b"foo")], ["", "Zg==", "Zm8=", "Zm9v"]);
    }
}
