//! The SIP a caller needs: INVITE, CANCEL and ACK as text, and the few parts of an answer it looks at.

use std::net::SocketAddr;

/// A phone: where its datagrams go and what it is called there.
#[derive(Debug, Clone)]
pub(crate) struct Phone {
    /// Where it takes SIP over UDP.
    pub(crate) address: SocketAddr,
    /// The Contact it has registered.
    pub(crate) contact: String,
}

/// One call's lasting parts.
#[derive(Debug, Clone)]
pub(crate) struct Dialog {
    /// The phone that is called.
    pub(crate) phone: Phone,
    /// The number that calls.
    pub(crate) number: String,
    /// Call-ID, tag and branch are made of it: different for every call of this run.
    pub(crate) id: String,
    /// Our SIP port.
    pub(crate) port: u16,
    /// Where we would take RTP.
    pub(crate) rtp: u16,
}

impl Dialog {
    /// The INVITE, offering PCMA and PCMU.
    pub(crate) fn invite(&self) -> String {
        let Self { number, port, rtp, .. } = self;
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {rtp} RTP/AVP 8 0\r\n\
             a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
        );
        let more = format!(
            "Contact: <sip:{number}@127.0.0.1:{port}>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n\
             Content-Type: application/sdp\r\n"
        );
        self.request("INVITE", None, &more, &sdp)
    }

    /// The CANCEL of the INVITE.
    pub(crate) fn cancel(&self) -> String {
        self.request("CANCEL", None, "", "")
    }

    /// The ACK of a refusal, with the To of that answer (RFC 3261 section 17.1.1.3).
    pub(crate) fn ack(&self, to: &str) -> String {
        self.request("ACK", Some(to), "", "")
    }

    fn request(&self, method: &str, to: Option<&str>, more: &str, body: &str) -> String {
        let Self { phone, number, id, port, .. } = self;
        let contact = &phone.contact;
        let own = format!("<{contact}>");
        format!(
            "{method} {contact} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{id};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{number}@127.0.0.1:{port}>;tag=t{id}\r\nTo: {}\r\nCall-ID: {id}\r\n\
             CSeq: 1 {method}\r\n{more}Content-Length: {}\r\n\r\n{body}",
            to.unwrap_or(&own),
            body.len()
        )
    }
}

/// What is looked at in an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The method it answers.
    pub(crate) method: &'a str,
    /// The call.
    pub(crate) call_id: &'a str,
    /// To, with the phone's tag.
    pub(crate) to: &'a str,
}

impl<'a> Answer<'a> {
    /// Reads one; `None` for what is no answer.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let (head, _) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()?;
        let field = |long: &str, short: &str| {
            head.lines().skip(1).find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let name = name.trim();
                (name.eq_ignore_ascii_case(long) || name.eq_ignore_ascii_case(short)).then(|| value.trim())
            })
        };
        let method = field("CSeq", "CSeq")?.split_whitespace().nth(1)?;
        Some(Self { status, method, call_id: field("Call-ID", "i")?, to: field("To", "t")? })
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn reads_what_it_needs_and_nothing_else() {
        let text = "SIP/2.0 180 Ringing\r\nVia: x\r\nt: <sip:a@b>;tag=1\r\ni: abc\r\nCSeq: 1 INVITE\r\n\r\n";
        let answer = Answer::read(text).expect("an answer");
        let wanted = Answer { status: 180, method: "INVITE", call_id: "abc", to: "<sip:a@b>;tag=1" };
        assert_eq!(answer, wanted);
        assert_eq!(Answer::read("OPTIONS sip:a SIP/2.0\r\n\r\n"), None);
        assert_eq!(Answer::read("SIP/2.0 1"), None);
    }
}
