//! Header fields with a meaning, read from the list when they are asked for.

use crate::message::{
    address::{Contacts, NameAddr},
    headers::{Headers, name},
    lex::{FieldError, is_token, number, split_outside, trim},
    limits::MAX_ITEMS,
    method::Method,
    params::Params,
    text::Text,
    via::Via,
};
use std::{fmt, net::SocketAddr, time::Duration};

/// Sequence number and method (RFC 3261 section 20.16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// The number, below 2^31 from us; anything that fits from others.
    pub number: u32,
    /// The method.
    pub method: Method,
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

/// `application/sdp;charset=utf-8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// `application/sdp`, in lower case.
    pub kind: String,
    /// Its parameters.
    pub params: Params,
}

impl MediaType {
    /// Reads one.
    pub fn parse(bytes: &[u8]) -> Result<Self, FieldError> {
        let wrong = |what| FieldError::new(name::CONTENT_TYPE, what);
        let end = bytes.iter().position(|&b| b == b';').unwrap_or(bytes.len());
        let mut parts = bytes[..end].splitn(2, |&b| b == b'/').map(trim);
        let (Some(kind), Some(sub)) = (parts.next(), parts.next()) else {
            return Err(wrong("it is not type/subtype"));
        };
        if !is_token(kind) || !is_token(sub) {
            return Err(wrong("it is not type/subtype"));
        }
        let params = Params::parse(&bytes[end..]).map_err(wrong)?;
        let kind = [kind, b"/", sub].concat().to_ascii_lowercase();
        Ok(Self { kind: String::from_utf8_lossy(&kind).into_owned(), params })
    }
}

impl Headers {
    /// Every Via, topmost first.
    pub fn vias(&self) -> Result<Vec<Via>, FieldError> {
        let mut vias = Vec::new();
        for line in self.all(name::VIA) {
            vias.extend(Via::parse_list(line)?);
            if vias.len() > MAX_ITEMS {
                return Err(FieldError::new(name::VIA, "there are too many"));
            }
        }
        if vias.is_empty() { Err(missing(name::VIA)) } else { Ok(vias) }
    }

    /// The topmost Via.
    pub fn via(&self) -> Result<Via, FieldError> {
        let line = self.get(name::VIA).ok_or(missing(name::VIA))?;
        Ok(Via::parse_list(line)?.swap_remove(0))
    }

    /// Replaces the topmost Via.
    pub fn set_top_via(&mut self, via: &Via) {
        self.change_top_via(Some(via));
    }

    /// Takes the topmost Via out.
    pub fn remove_top_via(&mut self) {
        self.change_top_via(None);
    }

    /// Notes in the topmost Via where the message really came from (see [`Via::note_source`]); a Via that cannot be
    /// read stays as it is.
    pub fn note_source(&mut self, source: SocketAddr) {
        if let Ok(mut via) = self.via() {
            via.note_source(source);
            self.set_top_via(&via);
        }
    }

    /// From.
    pub fn from(&self) -> Result<NameAddr, FieldError> {
        self.address(name::FROM)
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr, FieldError> {
        self.address(name::TO)
    }

    /// Call-ID, which is compared byte by byte (RFC 3261 section 20.8).
    pub fn call_id(&self) -> Result<Text, FieldError> {
        let id = self.get(name::CALL_ID).filter(|id| !id.is_empty());
        id.cloned().ok_or(missing(name::CALL_ID))
    }

    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq, FieldError> {
        let value = self.get(name::CSEQ).ok_or(missing(name::CSEQ))?;
        let mut words = value.split(|&b| b == b' ' || b == b'\t').filter(|word| !word.is_empty());
        let (digits, method) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let number = number(digits).ok_or(FieldError::new(name::CSEQ, "the number is none below 2^32"))?;
        if !is_token(method) || words.next().is_some() {
            return Err(FieldError::new(name::CSEQ, "there is not one method behind the number"));
        }
        Ok(CSeq { number, method: Method::from_bytes(method) })
    }

    /// Contact; an empty list when there is none.
    pub fn contacts(&self) -> Result<Contacts, FieldError> {
        if self.get(name::CONTACT).is_some_and(|value| value == "*") {
            return Ok(Contacts::All);
        }
        self.addresses(name::CONTACT).map(Contacts::List)
    }

    /// The first Contact, which is where a dialog's requests go.
    pub fn contact(&self) -> Option<NameAddr> {
        match self.contacts() {
            Ok(Contacts::List(list)) => list.into_iter().next(),
            _ => None,
        }
    }

    /// Every address of a header that carries a list of them (Route, Record-Route, P-Asserted-Identity, …).
    pub fn addresses(&self, name: &'static str) -> Result<Vec<NameAddr>, FieldError> {
        let mut list = Vec::new();
        for line in self.all(name) {
            list.extend(NameAddr::parse_list(line).map_err(|wrong| wrong.within(name))?);
            if list.len() > MAX_ITEMS {
                return Err(FieldError::new(name, "there are too many"));
            }
        }
        Ok(list)
    }

    /// The first addresses of such a header, as many as are wanted and can be read: what is merely shown is no reason to
    /// refuse anything.
    pub fn first_addresses(&self, name: &str, most: usize) -> Vec<NameAddr> {
        self.all(name).flat_map(|line| NameAddr::first_of(line, most)).take(most).collect()
    }

    /// The words of a comma-separated list over all its lines: Require, Supported, Allow, Accept, …
    pub fn words(&self, name: &str) -> Vec<Text> {
        let pieces = |line| split_outside(line, b',', MAX_ITEMS).unwrap_or_default();
        let words = self.all(name).flat_map(|line| pieces(line)).filter(|word| !word.is_empty());
        words.take(MAX_ITEMS).map(Text::from).collect()
    }

    /// Whether that list has that word, in either case.
    pub fn has_word(&self, name: &str, word: &str) -> bool {
        self.words(name).iter().any(|known| known.eq_ignore_case(word))
    }

    /// Max-Forwards; `None` when it is absent or not a number up to 255, which is then as good as absent (RFC 4475
    /// section 3.1.2.4).
    pub fn max_forwards(&self) -> Option<u8> {
        number(self.get(name::MAX_FORWARDS)?)
    }

    /// Expires, in seconds; one that is no number or too large is as good as absent (RFC 4475 section 3.1.2.4).
    pub fn expires(&self) -> Option<u32> {
        number(self.get(name::EXPIRES)?)
    }

    /// RSeq: the number of a reliable provisional response, 1 to 2^31-1 (RFC 3262 section 7.1); anything else is none.
    pub fn rseq(&self) -> Option<u32> {
        number(self.get(name::RSEQ)?).filter(|number| (1..1 << 31).contains(number))
    }

    /// RAck: the number of the response, the number and the method of its request (RFC 3262 section 7.2).
    pub fn rack(&self) -> Option<(u32, u32, Method)> {
        let blank = |b: &u8| *b == b' ' || *b == b'\t';
        let mut words = self.get(name::RACK)?.split(blank).filter(|word| !word.is_empty());
        let (response, request) = (number(words.next()?)?, number(words.next()?)?);
        let method = words.next().filter(|method| is_token(method))?;
        words.next().is_none().then(|| (response, request, Method::from_bytes(method)))
    }

    /// Session-Expires: seconds, and who refreshes (RFC 4028 section 4). One that cannot be read is as good as absent.
    pub fn session_expires(&self) -> Option<(u32, Option<Text>)> {
        let value = self.get(name::SESSION_EXPIRES)?;
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        let refresher = Params::parse(&value[end..]).ok()?.value("refresher").cloned();
        Some((number(&value[..end])?, refresher))
    }

    /// Min-SE, in seconds (RFC 4028 section 5); its parameters mean nothing yet.
    pub fn min_se(&self) -> Option<u32> {
        let value = self.get(name::MIN_SE)?;
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        number(&value[..end])
    }

    /// Min-Expires, in seconds.
    pub fn min_expires(&self) -> Option<u32> {
        number(self.get(name::MIN_EXPIRES)?)
    }

    /// Retry-After; parameters and comment are passed over.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.get(name::RETRY_AFTER)?;
        let end = value.iter().position(|b| !b.is_ascii_digit()).unwrap_or(value.len());
        number::<u32>(&value[..end]).map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// Content-Type.
    pub fn content_type(&self) -> Option<Result<MediaType, FieldError>> {
        self.get(name::CONTENT_TYPE).map(|value| MediaType::parse(value))
    }

    fn address(&self, name: &'static str) -> Result<NameAddr, FieldError> {
        let value = self.get(name).ok_or(missing(name))?;
        NameAddr::parse(value).map_err(|wrong| wrong.within(name))
    }

    fn change_top_via(&mut self, new: Option<&Via>) {
        let Some(line) = self.first_mut(name::VIA) else {
            if let Some(via) = new {
                self.push_front(name::VIA, via.to_value());
            }
            return;
        };
        // The line may carry several: only the first is changed.
        let pieces = split_outside(line, b',', MAX_ITEMS).unwrap_or_default();
        let rest = pieces.into_iter().skip(1).filter(|piece| !piece.is_empty()).map(<[u8]>::to_vec);
        let values: Vec<Vec<u8>> = new.map(Via::to_bytes).into_iter().chain(rest).collect();
        if values.is_empty() {
            self.remove_first(name::VIA);
        } else {
            *line = values.join(&b", "[..]).into();
        }
    }
}

fn missing(name: &'static str) -> FieldError {
    FieldError::new(name, "it is missing")
}

#[cfg(test)]
mod tests {
    use super::{Headers, MediaType, Method};
    use crate::message::headers::name;

    fn headers(lines: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push(*name, *value);
        }
        headers
    }

    #[test]
    fn cseq() {
        let read = |value| headers(&[("CSeq", value)]).cseq();
        assert_eq!(read("0009   INVITE").unwrap().number, 9);
        assert_eq!(read("1 INVITE").unwrap().method, Method::Invite);
        for bad in
            ["", "1", "INVITE", "36893488147419103232 REGISTER", "-1 INVITE", "1 INVITE x", "+1 INVITE"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_top_via_changes_alone() {
        let mut list = headers(&[
            ("Via", "SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b;branch=z9hG4bK2"),
            ("Via", "SIP/2.0/UDP c"),
        ]);
        list.note_source("192.0.2.1:5060".parse().unwrap());
        assert_eq!(list.vias().unwrap().len(), 3);
        assert_eq!(list.via().unwrap().received(), Some("192.0.2.1".parse().unwrap()));
        list.remove_top_via();
        assert_eq!(list.via().unwrap().host.to_string(), "b");
        list.remove_top_via();
        assert_eq!(list.via().unwrap().host.to_string(), "c");
        list.remove_top_via();
        assert!(list.via().is_err());
    }

    #[test]
    fn scalars_that_are_none() {
        let list = headers(&[
            ("Max-Forwards", "300"),
            ("Expires", "1000000000000"),
            ("Retry-After", "120 (in a meeting);duration=60"),
        ]);
        assert_eq!((list.max_forwards(), list.expires()), (None, None));
        assert_eq!(list.retry_after().unwrap().as_secs(), 120);
        assert_eq!(headers(&[("Max-Forwards", "0068")]).max_forwards(), Some(68));
    }

    #[test]
    fn lists_of_words() {
        let list = headers(&[
            ("Require", "a, b"),
            ("require", "c"),
            ("Accept", "application/sdp;q=\"0,5\" , text/plain"),
        ]);
        assert_eq!(list.words(name::REQUIRE).len(), 3);
        assert_eq!(list.words(name::ACCEPT).len(), 2);
        assert!(list.has_word(name::REQUIRE, "C"));
    }

    #[test]
    fn media_types() {
        assert_eq!(MediaType::parse(b"Application / SDP ;charset=x").unwrap().kind, "application/sdp");
        assert!(MediaType::parse(b"sdp").is_err());
    }
}
