//! `message-summary` (RFC 3842): whether voice mail waits, how much, and where to call for it.

use crate::message::Uri;
use agent_core::port::sip::watch::Mailbox;

/// The type of its bodies.
pub const TYPE: &str = "application/simple-message-summary";
/// Lines of a body that are read; what follows describes single messages.
const MOST_LINES: usize = 64;

/// Reads a body; `None` when it says nothing about voice mail. A PBX that gives numbers and no `Messages-Waiting` is
/// understood, and so is one that says only yes or no.
pub fn parse(bytes: &[u8]) -> Option<Mailbox> {
    let text = String::from_utf8_lossy(bytes);
    let mut mailbox = Mailbox::default();
    let (mut waiting, mut counted) = (None, false);
    for line in text.lines().take(MOST_LINES) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("messages-waiting") {
            waiting = if value.eq_ignore_ascii_case("yes") {
                Some(true)
            } else if value.eq_ignore_ascii_case("no") {
                Some(false)
            } else {
                None
            };
        } else if name.eq_ignore_ascii_case("message-account") {
            mailbox.number = number(value);
        } else if name.eq_ignore_ascii_case("voice-message") && !counted {
            counted = counts(value, &mut mailbox);
        }
    }
    mailbox.waiting = waiting.or(mailbox.new.map(|new| new > 0))?;
    Some(mailbox)
}

/// `2/8 (0/2)`: new and old, of them urgent.
fn counts(value: &str, mailbox: &mut Mailbox) -> bool {
    let pair = |text: &str| {
        let (new, old) = text.split_once('/')?;
        Some((new.trim().parse::<u32>().ok()?, old.trim().parse::<u32>().ok()?))
    };
    let (all, urgent) = value.split_once('(').unwrap_or((value, ""));
    let Some((new, old)) = pair(all) else { return false };
    mailbox.new = Some(new);
    mailbox.old = Some(old);
    mailbox.urgent = pair(urgent.split(')').next().unwrap_or_default()).map_or(0, |(new, _)| new);
    true
}

/// The number of `sip:*97@pbx.example`, or what stands there without a scheme.
fn number(value: &str) -> Option<String> {
    let value = value.trim_matches(['<', '>']);
    let user = match value.parse::<Uri>() {
        Ok(Uri::Tel(tel)) => tel.digits(),
        Ok(uri) => uri.user_text().map(|user| user.to_display()).unwrap_or_default(),
        Err(_) => value.split('@').next().unwrap_or(value).to_owned(),
    };
    super::kept(&user).filter(|user| !user.chars().any(|c| c.is_control() || c.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_account() {
        let read = parse(
            b"Messages-Waiting: yes\r\nMessage-Account: sip:*97@vmail.example.com;x=1\r\nVoice-Message: 2/8 (1/2)\r\n\
              Fax-Message: 9/9\r\n\r\nTo: <alice@atlanta.example.com>\r\n",
        )
        .unwrap();
        let want =
            Mailbox { waiting: true, new: Some(2), old: Some(8), urgent: 1, number: Some("*97".to_owned()) };
        assert_eq!(read, want);
    }

    #[test]
    fn half_of_it_is_enough() {
        assert!(!parse(b"Messages-Waiting: NO").unwrap().waiting);
        assert_eq!(parse(b"messages-waiting : Yes\nvoice-message: x").unwrap().new, None);
        let read = parse(b"Voice-Message: 0/3").unwrap();
        assert_eq!((read.waiting, read.old), (false, Some(3)));
        assert!(parse(b"Voice-Message: 1/3(0/0)").unwrap().waiting);
        // Asterisk writes no urgent ones, others count only, others give the account bare.
        assert_eq!(
            parse(b"Messages-Waiting: yes\nMessage-Account: 97@x").unwrap().number.as_deref(),
            Some("97")
        );
        assert_eq!(
            parse(b"Messages-Waiting: yes\nMessage-Account: <sip:9@x>").unwrap().number.as_deref(),
            Some("9")
        );
    }

    #[test]
    fn nonsense_says_nothing() {
        for body in
            [&b""[..], b"\xff\xfe", b"Messages-Waiting: perhaps", b"Voice-Message: 99999999999/1", b":::"]
        {
            assert_eq!(parse(body), None);
        }
    }
}
