//! RTCP: our reports every five seconds, and what the peer's say.

use super::{receive::Receiver, send::Sender, wire::random};
use rtcp_types::{
    Bye, Compound, Packet, ReceiverReport, ReportBlock, RtcpPacketWriter, RtcpPacketWriterExt, Sdes,
    SdesChunk, SdesItem, SenderReport,
};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Between two reports on average (RFC 3550 section 6.2); each interval is 0.5 to 1.5 times that.
const INTERVAL_MS: u64 = 5000;
/// From 1900 to 1970, seconds: NTP counts from the one, Unix from the other.
const NTP_OFFSET: u64 = 2_208_988_800;

/// When and what to report.
#[derive(Debug)]
pub(crate) struct Reports {
    /// Who we are, without saying who: random letters (RFC 7022).
    name: String,
    due: Option<Instant>,
    /// Packets sent at the last report.
    reported: u32,
    /// The middle of the last NTP time heard from the peer, and when it was heard.
    heard: Option<(u32, Instant)>,
    /// What the peer loses of ours, percent, as it said last.
    peer_loss: Option<f32>,
}

impl Default for Reports {
    fn default() -> Self {
        let name = format!("{:08x}{:08x}@invalid", random(), random());
        Self { name, due: None, reported: 0, heard: None, peer_loss: None }
    }
}

impl Reports {
    /// Begins to report: half an interval from now at the earliest.
    pub(crate) fn start(&mut self, now: Instant) {
        self.due.get_or_insert_with(|| now + interval() / 2);
    }

    /// When the next report is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What the peer says it loses of ours, percent.
    pub(crate) fn peer_loss(&self) -> Option<f32> {
        self.peer_loss
    }

    /// The report that is due now; plans the next one.
    pub(crate) fn report(&mut self, now: Instant, sender: &Sender, receiver: &mut Receiver) -> Vec<u8> {
        self.due = Some(now + interval());
        self.compound(now, sender, receiver, false)
    }

    /// The last report, with the goodbye (RFC 3550 section 6.6).
    pub(crate) fn goodbye(&mut self, now: Instant, sender: &Sender, receiver: &mut Receiver) -> Vec<u8> {
        self.due = None;
        self.compound(now, sender, receiver, true)
    }

    fn compound(&mut self, now: Instant, sender: &Sender, receiver: &mut Receiver, bye: bool) -> Vec<u8> {
        let (packets, octets) = sender.sent();
        let block = receiver.report().map(|report| {
            let (lsr, dlsr) = self.heard.map_or((0, 0), |(ntp, at)| {
                let since = now.saturating_duration_since(at).as_secs_f64() * 65_536.0;
                (ntp, since as u32)
            });
            ReportBlock::builder(report.ssrc)
                .fraction_lost(report.fraction)
                .cumulative_lost(report.lost)
                .extended_sequence_number(report.highest)
                .interarrival_jitter(report.jitter)
                .last_sender_report_timestamp(lsr)
                .delay_since_last_sender_report_timestamp(dlsr)
        });
        let mut compound = Compound::builder();
        if packets != self.reported {
            let mut report = SenderReport::builder(sender.ssrc())
                .ntp_timestamp(ntp_now())
                .rtp_timestamp(sender.timestamp())
                .packet_count(packets)
                .octet_count(octets);
            if let Some(block) = block {
                report = report.add_report_block(block);
            }
            compound = compound.add_packet(report);
        } else {
            let mut report = ReceiverReport::builder(sender.ssrc());
            if let Some(block) = block {
                report = report.add_report_block(block);
            }
            compound = compound.add_packet(report);
        }
        self.reported = packets;
        let item = SdesItem::builder(SdesItem::CNAME, &self.name);
        compound =
            compound.add_packet(Sdes::builder().add_chunk(SdesChunk::builder(sender.ssrc()).add_item(item)));
        if bye {
            compound = compound.add_packet(Bye::builder().add_source(sender.ssrc()));
        }
        write(&compound)
    }

    /// The peer's report came. Answers the source that said goodbye, if one did.
    pub(crate) fn heard(&mut self, now: Instant, ours: u32, datagram: &[u8]) -> Option<u32> {
        let mut gone = None;
        for packet in Compound::parse(datagram).ok()?.flatten() {
            match packet {
                Packet::Sr(report) => {
                    self.heard = Some(((report.ntp_timestamp() >> 16) as u32, now));
                    self.note(report.report_blocks().find(|b| b.ssrc() == ours));
                }
                Packet::Rr(report) => self.note(report.report_blocks().find(|b| b.ssrc() == ours)),
                Packet::Bye(bye) => gone = bye.ssrcs().next().or(gone),
                _ => {}
            }
        }
        gone
    }

    fn note(&mut self, block: Option<ReportBlock<'_>>) {
        if let Some(block) = block {
            self.peer_loss = Some(f32::from(block.fraction_lost()) * 100.0 / 256.0);
        }
    }
}

fn write(compound: &impl RtcpPacketWriter) -> Vec<u8> {
    // An error here means a block with impossible values; then nothing is sent rather than something wrong.
    let Ok(size) = compound.calculate_size() else { return Vec::new() };
    let mut datagram = vec![0; size];
    match compound.write_into(&mut datagram) {
        Ok(size) => {
            datagram.truncate(size);
            datagram
        }
        Err(_) => Vec::new(),
    }
}

/// A random interval, so that reports do not come in step.
fn interval() -> Duration {
    Duration::from_millis(INTERVAL_MS / 2 + u64::from(random()) % INTERVAL_MS)
}

/// Now in the format of NTP: seconds since 1900 and their fraction.
fn ntp_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ((since.as_secs() + NTP_OFFSET) << 32) | ((u64::from(since.subsec_nanos()) << 32) / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sides_understand_each_other() {
        let start = Instant::now();
        let (mut ours, mut theirs) = (Reports::default(), Reports::default());
        let (mut sender, mut receiver) = (Sender::default(), Receiver::default());
        let mut datagram = Vec::new();
        for n in 0..10_u16 {
            sender.sound(8, &[0; 160], &mut datagram);
            if n % 2 == 0 {
                receiver.packet(start, sender.ssrc(), n, u32::from(n) * 160, true);
            }
        }
        let report = ours.report(start, &sender, &mut Receiver::default());
        assert_eq!(theirs.heard(start, 0, &report), None);
        let their_sender = Sender::default();
        let answer = theirs.report(start + Duration::from_secs(1), &their_sender, &mut receiver);
        assert!(super::super::wire::is_rtcp(&answer));
        ours.heard(start, sender.ssrc(), &answer);
        assert!(
            ours.peer_loss().is_some_and(|l| (l - 100.0 * 4.0 / 9.0).abs() < 1.0),
            "{:?}",
            ours.peer_loss()
        );
        let bye = theirs.goodbye(start, &their_sender, &mut receiver);
        assert_eq!(ours.heard(start, sender.ssrc(), &bye), Some(their_sender.ssrc()));
    }

    #[test]
    fn reports_come_about_every_five_seconds() {
        let start = Instant::now();
        let mut reports = Reports::default();
        assert_eq!(reports.due(), None);
        reports.start(start);
        for _ in 0..50 {
            let due = reports.due().expect("planned");
            reports.report(due, &Sender::default(), &mut Receiver::default());
            let next = reports.due().expect("planned").duration_since(due).as_millis();
            assert!((2500..7500).contains(&next), "{next}");
        }
    }

    #[test]
    fn rubbish_is_left_alone() {
        let mut reports = Reports::default();
        for rubbish in [&[][..], &[0x80], &[0x80, 200, 0, 1], &[0xff; 100], &[0x81, 203, 0, 200, 1, 2, 3, 4]]
        {
            assert_eq!(reports.heard(Instant::now(), 1, rubbish), None);
        }
    }
}
