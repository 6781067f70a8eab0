//! The sending half of a stream: sequence numbers, time stamps, counters.

use super::wire::random;
use rtp_types::RtpPacketBuilder;

/// What one stream of ours has sent.
#[derive(Debug)]
pub(crate) struct Sender {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    packets: u32,
    octets: u32,
    /// The next packet is the first after a pause.
    resume: bool,
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            ssrc: random(),
            sequence: random() as u16,
            timestamp: random(),
            packets: 0,
            octets: 0,
            resume: true,
        }
    }
}

impl Sender {
    /// Our source.
    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The time stamp of the sample that is sent next.
    pub(crate) fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// Packets and payload bytes sent.
    pub(crate) fn sent(&self) -> (u32, u32) {
        (self.packets, self.octets)
    }

    /// `samples` of time went by, sent or not.
    pub(crate) fn advance(&mut self, samples: u32) {
        self.timestamp = self.timestamp.wrapping_add(samples);
    }

    /// Sound was not sent for a while: the next packet carries the marker (RFC 3551 section 4.1).
    pub(crate) fn pause(&mut self) {
        self.resume = true;
    }

    /// One packet of sound with the current time stamp, written into `datagram`.
    pub(crate) fn sound(&mut self, payload_type: u8, payload: &[u8], datagram: &mut Vec<u8>) {
        let marker = std::mem::take(&mut self.resume);
        self.write(payload_type, marker, self.timestamp, payload, datagram);
    }

    /// One packet of a key that was pressed `since` samples ago.
    pub(crate) fn event(
        &mut self,
        payload_type: u8,
        first: bool,
        since: u32,
        payload: &[u8; 4],
        datagram: &mut Vec<u8>,
    ) {
        self.write(payload_type, first, self.timestamp.wrapping_sub(since), payload, datagram);
    }

    fn write(
        &mut self,
        payload_type: u8,
        marker: bool,
        timestamp: u32,
        payload: &[u8],
        datagram: &mut Vec<u8>,
    ) {
        datagram.clear();
        let written = RtpPacketBuilder::<_, &[u8]>::new()
            .payload_type(payload_type & 0x7f)
            .marker_bit(marker)
            .sequence_number(self.sequence)
            .timestamp(timestamp)
            .ssrc(self.ssrc)
            .payload(payload)
            .write_into_vec(datagram);
        // The builder refuses only payload types above 127, CSRCs and paddings that are not set here.
        debug_assert!(written.is_ok());
        self.sequence = self.sequence.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload.len() as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtp_types::RtpPacket;

    #[test]
    fn packets_follow_each_other() {
        let mut sender = Sender::default();
        let mut datagram = Vec::new();
        sender.sound(8, &[0xd5; 160], &mut datagram);
        let first = RtpPacket::parse(&datagram).expect("RTP");
        let (sequence, timestamp) = (first.sequence_number(), first.timestamp());
        assert!(first.marker_bit() && first.payload_type() == 8 && first.payload().len() == 160);
        sender.advance(160);
        let mut next = Vec::new();
        sender.sound(8, &[0xd5; 160], &mut next);
        let second = RtpPacket::parse(&next).expect("RTP");
        assert!(!second.marker_bit());
        assert_eq!(second.sequence_number(), sequence.wrapping_add(1));
        assert_eq!(second.timestamp(), timestamp.wrapping_add(160));
        assert_eq!(second.ssrc(), sender.ssrc());
        assert_eq!(sender.sent(), (2, 320));
    }

    #[test]
    fn a_key_keeps_the_time_of_its_press() {
        let mut sender = Sender::default();
        let mut datagram = Vec::new();
        let pressed = sender.timestamp();
        sender.advance(320);
        sender.event(101, false, 320, &[5, 10, 1, 224], &mut datagram);
        let packet = RtpPacket::parse(&datagram).expect("RTP");
        assert_eq!((packet.timestamp(), packet.payload_type()), (pressed, 101));
    }
}
