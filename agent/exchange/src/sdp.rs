//! The little SDP (RFC 8866) that the exchange's own extensions need: one G.711 stream. Kept apart from the agent's on
//! purpose: a peer must not share its mistakes.

use std::net::{IpAddr, SocketAddr};

/// What the other side wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    /// Where they listen.
    pub(crate) address: SocketAddr,
    /// The G.711 payload type to use: 0 mu-law, 8 A-law.
    pub(crate) codec: u8,
    /// Their payload type for keys.
    pub(crate) keys: Option<u8>,
    /// They want to hear us.
    pub(crate) hears: bool,
    /// They speak.
    pub(crate) speaks: bool,
    /// Further media they offered, which we refuse.
    others: Vec<String>,
    /// Where among the media lines the audio stood.
    place: usize,
}

/// Reads a description. `None` when there is no audio over RTP in G.711 in it.
pub(crate) fn read(sdp: &[u8]) -> Option<Remote> {
    let text = String::from_utf8_lossy(sdp);
    let mut session = Part::default();
    let mut parts: Vec<(String, Part)> = Vec::new();
    for line in text.lines() {
        let Some((kind, value)) = line.trim_end().split_once('=') else { continue };
        if kind == "m" {
            parts.push((value.to_owned(), Part::default()));
        } else {
            parts.last_mut().map_or(&mut session, |(_, part)| part).note(kind, value);
        }
    }
    let place =
        parts.iter().position(|(media, _)| media.starts_with("audio ") && media.contains("RTP/AVP"))?;
    let (media, part) = parts.get(place)?;
    let mut words = media.split_whitespace().skip(1);
    let port: u16 = words.next()?.split('/').next()?.parse().ok()?;
    let formats: Vec<u8> = words.skip(1).filter_map(|word| word.parse().ok()).collect();
    let codec = *formats.iter().find(|format| matches!(format, 0 | 8))?;
    let ip = part.address.or(session.address)?;
    let direction = part.direction.or(session.direction).unwrap_or((true, true));
    let held = ip.is_unspecified() || port == 0;
    let others =
        parts.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, (media, _))| refused(media));
    Some(Remote {
        address: SocketAddr::new(ip, port),
        codec,
        keys: part.keys,
        hears: direction.1 && !held,
        speaks: direction.0,
        others: others.collect(),
        place,
    })
}

/// Our offer: both laws and keys.
pub(crate) fn offer(local: SocketAddr, session: u64, version: u64, held: bool) -> Vec<u8> {
    let direction = if held { "sendonly" } else { "sendrecv" };
    let media = format!(
        "m=audio {} RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na={direction}\r\n",
        local.port()
    );
    whole(local.ip(), session, version, &[media])
}

/// Our answer to theirs.
pub(crate) fn answer(local: SocketAddr, session: u64, version: u64, remote: &Remote) -> Vec<u8> {
    let law = if remote.codec == 8 { "PCMA" } else { "PCMU" };
    let mut formats = remote.codec.to_string();
    let mut lines = format!("a=rtpmap:{} {law}/8000\r\n", remote.codec);
    if let Some(keys) = remote.keys {
        formats.push_str(&format!(" {keys}"));
        lines.push_str(&format!("a=rtpmap:{keys} telephone-event/8000\r\na=fmtp:{keys} 0-15\r\n"));
    }
    let direction = match (remote.speaks, remote.hears) {
        (true, true) => "sendrecv",
        (true, false) => "recvonly",
        (false, true) => "sendonly",
        (false, false) => "inactive",
    };
    let audio =
        format!("m=audio {} RTP/AVP {formats}\r\n{lines}a=ptime:20\r\na={direction}\r\n", local.port());
    let mut media = remote.others.clone();
    media.insert(remote.place.min(media.len()), audio);
    whole(local.ip(), session, version, &media)
}

fn whole(ip: IpAddr, session: u64, version: u64, media: &[String]) -> Vec<u8> {
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    let media = media.concat();
    format!(
        "v=0\r\no=- {session} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n{media}"
    )
    .into_bytes()
}

/// A media line with port 0.
fn refused(media: &str) -> String {
    let mut words: Vec<&str> = media.split_whitespace().collect();
    if let Some(port) = words.get_mut(1) {
        *port = "0";
    }
    format!("m={}\r\n", words.join(" "))
}

/// What stands under the session or under one media line.
#[derive(Debug, Default)]
struct Part {
    address: Option<IpAddr>,
    /// They send, they receive.
    direction: Option<(bool, bool)>,
    keys: Option<u8>,
}

impl Part {
    fn note(&mut self, kind: &str, value: &str) {
        match (kind, value) {
            ("c", value) => {
                self.address =
                    value.split_whitespace().nth(2).and_then(|ip| ip.split('/').next()?.parse().ok());
            }
            ("a", "sendrecv") => self.direction = Some((true, true)),
            ("a", "sendonly") => self.direction = Some((true, false)),
            ("a", "recvonly") => self.direction = Some((false, true)),
            ("a", "inactive") => self.direction = Some((false, false)),
            ("a", value) => {
                if let Some((format, name)) =
                    value.strip_prefix("rtpmap:").and_then(|map| map.split_once(' '))
                    && name.trim().to_ascii_lowercase().starts_with("telephone-event/8000")
                {
                    self.keys = format.parse().ok();
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{answer, offer, read};

    #[test]
    fn an_offer_of_ours_is_answered() {
        let local = "127.0.0.1:4000".parse().expect("an address");
        let remote = read(&offer(local, 1, 1, false)).expect("audio");
        assert_eq!((remote.address, remote.codec, remote.keys), (local, 8, Some(101)));
        assert!(remote.hears && remote.speaks);
        let held = read(&offer(local, 1, 2, true)).expect("audio");
        assert!(!held.hears && held.speaks);
        let back = String::from_utf8(answer(local, 2, 1, &held)).expect("text");
        assert!(back.contains("a=recvonly") && back.contains("m=audio 4000 RTP/AVP 8 101"), "{back}");
    }

    #[test]
    fn other_media_are_refused_in_their_place() {
        let theirs = b"v=0\no=- 1 1 IN IP4 1.2.3.4\nc=IN IP4 10.0.0.1\nm=video 5 RTP/AVP 31\nm=audio 6/2 RTP/AVP 9 0\nc=IN IP4 10.0.0.2\na=inactive\n";
        let remote = read(theirs).expect("audio");
        assert_eq!(remote.address, "10.0.0.2:6".parse().expect("an address"));
        assert_eq!(remote.codec, 0);
        let back = String::from_utf8(answer("127.0.0.1:4000".parse().expect("an address"), 2, 1, &remote))
            .expect("text");
        let media: Vec<_> = back.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(media, ["m=video 0 RTP/AVP 31", "m=audio 4000 RTP/AVP 0"]);
        assert!(back.contains("a=inactive"));
    }

    #[test]
    fn without_g711_there_is_nothing_to_do() {
        for theirs in [
            &b""[..],
            b"m=audio 6 RTP/AVP 9\nc=IN IP4 10.0.0.1\n",
            b"m=audio 6 RTP/AVP 0\n",
            b"m=audio\n",
            b"m=audio x RTP/AVP 0\nc=IN IP4 1.1.1.1",
        ] {
            assert_eq!(read(theirs), None);
        }
    }
}
