//! What is known of the road to the registrar: whether it answers keep-alives, and how often it wants them (RFC 5626 sections
//! 3.5 and 4.4, RFC 6223).
//!
//! Over connections two line ends (or a ping frame) ask and one answers; over UDP a STUN binding request asks. Many PBXs
//! answer neither: silence means something only of a road that has answered before, or that was promised to answer. A
//! promise that is not kept is not believed again, so that no PBX has us come and go for ever.

use crate::{
    flow::Flow,
    message::{Response, name},
    stun::Question,
    wire::Wire,
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How long an answer may take (RFC 5626 section 4.4.1).
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// A question over UDP that finds no answer is asked again after so long, then after twice as long, and so on (RFC 5389
/// section 7.2.1).
pub(super) const FIRST_REPEAT: Duration = Duration::from_millis(500);
/// So many questions in vain, and who is there is taken for one who speaks no STUN.
pub(super) const MOST_TRIES: u32 = 3;
/// No registrar has us ask more often, or has us keep a road that long unasked.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(3600);
/// Two line ends within so long belong together, and are theirs.
pub(super) const HALVES: Duration = Duration::from_secs(1);

/// What is known of the road in use.
#[derive(Debug, Default)]
pub(super) struct Alive {
    /// Which road that is.
    pub(super) flow: Option<Flow>,
    /// When the next question is due.
    pub(super) next: Option<Instant>,
    /// The question that is out.
    pub(super) out: Option<Out>,
    /// This road has answered one.
    pub(super) answers: bool,
    /// When one line end came that was taken for an answer, and what `answers` was before.
    pub(super) doubt: Option<(Instant, bool)>,
    /// The registrar said that this road answers.
    pub(super) promised: bool,
    /// It said so of a road that never did.
    pub(super) broken: bool,
    /// How often it wants to be asked.
    pub(super) wish: Option<Duration>,
    /// Questions over UDP that found no answer.
    pub(super) unheard: u32,
    /// Where the last answer over UDP saw us.
    pub(super) mapped: Option<SocketAddr>,
}

/// A question that waits for its answer.
#[derive(Debug)]
pub(super) struct Out {
    /// Its name, over UDP.
    pub(super) question: Question,
    pub(super) since: Instant,
    /// When it is asked again.
    pub(super) repeat: Option<Instant>,
    /// How long after that once more.
    pub(super) pause: Duration,
}

impl Alive {
    /// When it wants to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let out = self.out.as_ref();
        let ends = out.map(|out| out.since + PATIENCE);
        [self.next, out.and_then(|out| out.repeat), ends].into_iter().flatten().min()
    }

    /// Nothing is kept open any more.
    pub(super) fn stop(&mut self) {
        self.next = None;
        self.out = None;
    }

    /// Whether silence means that the road is broken.
    pub(super) fn counts(&self) -> bool {
        self.answers || self.promised && !self.broken
    }

    /// Another road: what was known of the one before says nothing of it, but for what a promise is worth.
    pub(super) fn begin(&mut self, flow: Flow) {
        if self.flow != Some(flow) {
            *self = Self { flow: Some(flow), broken: self.broken, ..Self::default() };
        }
    }

    /// What a 200 says of keep-alives: that it applied RFC 5626, how often it wants them (section 10.4), and what the next
    /// machine says to our offer in Via (RFC 6223 section 4.3). Who does not know the offer repeats it without a value.
    pub(super) fn learn(&mut self, response: &Response) {
        let flow_timer = response.headers.get(name::FLOW_TIMER).and_then(|value| seconds(value));
        let keep = response.headers.via().ok().and_then(|via| via.params.value("keep").cloned());
        self.promised = requires_outbound(response) || flow_timer.is_some() || keep.is_some();
        self.wish = flow_timer.or(keep.and_then(|value| seconds(&value)));
    }

    /// When the next question is due, by lot, so that not all phones ask at once.
    pub(super) fn plan(&mut self, wire: &mut Wire, flow: Flow) {
        let every = wire.config.keep_alive;
        let (least, most) = match (self.wish, flow.transport.reliable()) {
            // RFC 5626 section 4.4: 80 to 100 % of what is asked for.
            (Some(wish), _) => (wish * 4 / 5, wish),
            // 95 to 120 s, where it is 24 to 29 s over UDP.
            (None, true) => (every * 95 / 29, every * 120 / 29),
            (None, false) => (every * 24 / 29, every),
        };
        self.next = (!every.is_zero()).then(|| wire.now + wire.rng.between(least, most));
    }
}

/// Whether a registrar says that it did as RFC 5626 has it (section 6).
pub(super) fn requires_outbound(response: &Response) -> bool {
    let named = response.headers.all(name::REQUIRE).map(|value| value.to_text().into_owned());
    named
        .flat_map(|value| value.split(',').map(|tag| tag.trim().to_ascii_lowercase()).collect::<Vec<_>>())
        .any(|tag| tag == "outbound")
}

/// Zero means that nothing is recommended.
fn seconds(value: &[u8]) -> Option<Duration> {
    let seconds: u32 = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds.into()).clamp(SHORTEST, LONGEST))
}
