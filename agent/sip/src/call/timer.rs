//! How long a session lasts without a sign of life, and who gives it (RFC 4028).

use crate::message::{Headers, name};
use std::time::{Duration, Instant};

/// The shortest interval anybody may ask for, seconds (section 5).
pub(super) const LEAST: u32 = 90;
/// The longest that is told from for ever, seconds.
const MOST: u32 = 7 * 24 * 3600;

/// What two sides agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreed {
    /// Seconds.
    pub(super) interval: u32,
    /// We refresh the session; otherwise they do.
    pub(super) we: bool,
}

/// The timer of one session.
#[derive(Debug)]
pub(super) struct Timer {
    /// What we ask for, seconds; 0: nothing, but what they ask for is done.
    want: u32,
    /// The least that is accepted on the way, seconds, as far as we were told.
    least: u32,
    agreed: Option<Agreed>,
    /// When we refresh.
    refresh: Option<Instant>,
    /// When the session is over unless it was refreshed.
    end: Option<Instant>,
}

impl Default for Timer {
    fn default() -> Self {
        Self { want: 0, least: LEAST, agreed: None, refresh: None, end: None }
    }
}

impl Timer {
    /// For a session that asks for `want` seconds.
    pub(super) fn new(want: u32) -> Self {
        Self { want, ..Self::default() }
    }

    /// When something is due.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.refresh, self.end].into_iter().flatten().min()
    }

    /// Whether the session is over.
    pub(super) fn has_ended(&self, now: Instant) -> bool {
        self.end.is_some_and(|at| at <= now)
    }

    /// Whether it is to be refreshed now. The next try comes when half of what is left is over, should this one fail.
    pub(super) fn take_refresh(&mut self, now: Instant) -> bool {
        if self.refresh.is_none_or(|at| now < at) {
            return false;
        }
        let left = self.end.map_or(Duration::ZERO, |end| end.saturating_duration_since(now));
        self.refresh = (left > Duration::from_secs(4)).then(|| now + left / 2);
        true
    }

    /// The refresh is to be tried (again) at `at`.
    pub(super) fn refresh_at(&mut self, at: Instant) {
        if self.agreed.is_some_and(|agreed| agreed.we) {
            self.refresh = Some(at);
        }
    }

    /// What a request of ours asks for that begins, changes or refreshes the session (section 7.1 and 7.4).
    pub(super) fn ask(&self, headers: &mut Headers) {
        headers.remove(name::SESSION_EXPIRES);
        headers.remove(name::MIN_SE);
        let value = match self.agreed {
            Some(Agreed { interval, we }) => {
                let refresher = if we { "uac" } else { "uas" };
                format!("{};refresher={refresher}", interval.max(self.least))
            }
            None if self.want == 0 => return,
            None => self.want.max(self.least).to_string(),
        };
        headers.push(name::SESSION_EXPIRES, value);
        if self.least > LEAST {
            headers.push(name::MIN_SE, self.least.to_string());
        }
    }

    /// Their 422: somebody on the way wants longer intervals (section 7.3). False when it names none.
    pub(super) fn raise(&mut self, headers: &Headers) -> bool {
        let Some(least) = headers.min_se().filter(|least| (self.least + 1..=MOST).contains(least)) else {
            return false;
        };
        self.least = least;
        true
    }

    /// What their 2xx to a request of ours says (section 7.2): without Session-Expires there is no timer.
    pub(super) fn settle(&mut self, now: Instant, response: &Headers) {
        let agreed = response.session_expires().map(|(seconds, refresher)| Agreed {
            interval: seconds.clamp(LEAST, MOST),
            we: refresher.is_none_or(|who| !who.eq_ignore_case("uas")),
        });
        self.begin(now, agreed);
    }

    /// Whether their request asks for less than is decent, and can be told so (section 9).
    pub(super) fn is_too_brief(request: &Headers) -> bool {
        supported(request) && request.session_expires().is_some_and(|(seconds, _)| seconds < LEAST)
    }

    /// Answers their request with a 2xx whose header fields are `response` (section 9): never longer than they ask, never
    /// shorter than they bear, and the refresher is who they say, or who can.
    pub(super) fn answer(&mut self, now: Instant, request: &Headers, response: &mut Headers) {
        let they_can = supported(request);
        let least = request.min_se().unwrap_or(LEAST).clamp(LEAST, MOST);
        let agreed = match request.session_expires() {
            Some((asked, refresher)) => {
                let ours = if self.want == 0 { asked } else { asked.min(self.want.max(least)) };
                let we = !they_can || refresher.is_some_and(|who| who.eq_ignore_case("uas"));
                Some(Agreed { interval: ours.clamp(LEAST, MOST), we })
            }
            None if !they_can => None,
            None => match self.agreed {
                Some(agreed) => Some(agreed),
                None if self.want == 0 => None,
                None => Some(Agreed { interval: self.want.max(least), we: true }),
            },
        };
        if let Some(Agreed { interval, we }) = agreed {
            let refresher = if we { "uas" } else { "uac" };
            response.push(name::SESSION_EXPIRES, format!("{interval};refresher={refresher}"));
            if !we {
                response.push(name::REQUIRE, "timer");
            }
        }
        self.begin(now, agreed);
    }

    /// The session is fresh: half of the interval until it is refreshed, and an end a little before the interval's, a
    /// third of it or 32 s (section 10).
    fn begin(&mut self, now: Instant, agreed: Option<Agreed>) {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        self.agreed = agreed;
        self.refresh = agreed.filter(|agreed| agreed.we).map(|agreed| now + seconds(agreed.interval) / 2);
        self.end = agreed.map(|Agreed { interval, .. }| now + seconds(interval - (interval / 3).min(32)));
    }
}

fn supported(headers: &Headers) -> bool {
    headers.has_word(name::SUPPORTED, "timer") || headers.has_word(name::REQUIRE, "timer")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push(*name, *value);
        }
        headers
    }

    /// What a 2xx of ours says to a request with these lines.
    fn answered(want: u32, lines: &[(&'static str, &str)]) -> (String, bool) {
        let mut response = Headers::new();
        Timer::new(want).answer(Instant::now(), &headers(lines), &mut response);
        let value = response.get("Session-Expires").map(|value| value.to_string()).unwrap_or_default();
        (value, response.has("Require"))
    }

    /// RFC 4028 section 9, table 2.
    #[test]
    fn the_refresher_is_who_they_say_or_who_can() {
        let can = ("Supported", "timer");
        for (lines, value, required) in [
            (&[("Session-Expires", "1800")][..], "1800;refresher=uas", false),
            (&[("Session-Expires", "1800;refresher=uac")], "1800;refresher=uas", false),
            (&[can, ("Session-Expires", "1800")], "1800;refresher=uac", true),
            (&[can, ("Session-Expires", "1800;refresher=uac")], "1800;refresher=uac", true),
            (&[can, ("Session-Expires", "1800; refresher = UAS")], "1800;refresher=uas", false),
            (&[can], "1800;refresher=uas", false),
            (&[can, ("Min-SE", "3000")], "3000;refresher=uas", false),
            (&[can, ("Session-Expires", "7200"), ("Min-SE", "3600")], "3600;refresher=uac", true),
            (&[can, ("Session-Expires", "7200")], "1800;refresher=uac", true),
            (&[can, ("Session-Expires", "100")], "100;refresher=uac", true),
            (&[("Session-Expires", "5")], "90;refresher=uas", false),
            (&[("Session-Expires", "4294967295")], "1800;refresher=uas", false),
            (&[can, ("Session-Expires", "soon")], "1800;refresher=uas", false),
            (&[], "", false),
        ] {
            assert_eq!(answered(1800, lines), (value.to_owned(), required), "{lines:?}");
        }
        assert_eq!(answered(0, &[can]), (String::new(), false), "who wants none asks for none");
        assert_eq!(answered(0, &[can, ("Session-Expires", "200")]).0, "200;refresher=uac");
    }

    #[test]
    fn half_of_it_is_for_the_refresh_and_the_rest_for_what_may_go_wrong() {
        let now = Instant::now();
        let after = |seconds| Some(now + Duration::from_secs(seconds));
        for (interval, refresh, end) in [("1800", 900, 1768), ("90", 45, 60), ("30", 45, 60)] {
            let mut timer = Timer::new(1800);
            timer.settle(now, &headers(&[("Session-Expires", interval)]));
            assert_eq!((timer.refresh, timer.end), (after(refresh), after(end)), "RFC 4028 section 10");
            timer.settle(now, &headers(&[("Session-Expires", &format!("{interval};refresher=uas"))]));
            assert_eq!((timer.refresh, timer.end), (None, after(end)));
            timer.settle(now, &headers(&[]));
            assert_eq!(timer.due(), None, "section 7.2: switched off");
        }
    }

    #[test]
    fn whoever_wants_longer_is_believed_within_reason() {
        let mut timer = Timer::new(1800);
        assert!(!timer.raise(&headers(&[])) && !timer.raise(&headers(&[("Min-SE", "90")])));
        assert!(!timer.raise(&headers(&[("Min-SE", "4294967295")])));
        assert!(timer.raise(&headers(&[("Min-SE", "2400")])));
        let mut request = headers(&[("Session-Expires", "1800")]);
        timer.ask(&mut request);
        assert_eq!((request.session_expires().unwrap().0, request.min_se()), (2400, Some(2400)));
        assert!(!timer.raise(&headers(&[("Min-SE", "2400")])), "the same again is no reason to try again");
    }
}
