//! Offers and answers as real peers write them, and the rules of RFC 3264.

use super::*;
use proptest::prelude::*;

const ORDER: [Codec; 2] = [Codec::Pcma, Codec::Pcmu];

fn ours() -> Negotiation {
    Negotiation::new(7, SocketAddr::from(([192, 0, 2, 10], 4000)), 4001, ORDER)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("ours is ASCII")
}

/// A usual offer with `lines` after the session part.
fn offer(lines: &str) -> Vec<u8> {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{lines}")
        .into_bytes()
}

#[test]
fn two_of_us_agree() {
    let (mut caller, mut callee) =
        (ours(), Negotiation::new(8, "192.0.2.11:5000".parse().unwrap(), 5001, ORDER));
    let first = caller.offer(Flow::SendRecv);
    assert_eq!(
        text(&first),
        "v=0\r\no=- 7 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
         a=ptime:20\r\na=sendrecv\r\n"
    );
    let answer = callee.answer(&first, Flow::SendRecv).expect("they fit");
    assert_eq!(caller.complete(&answer), Ok(Flow::SendRecv));
    for (side, peer) in [(&caller, "192.0.2.11:5000"), (&callee, "192.0.2.10:4000")] {
        let agreed = side.agreed().expect("agreed");
        assert_eq!((agreed.codec, agreed.payload_type, agreed.events), (Codec::Pcma, 8, Some(101)));
        assert_eq!(agreed.rtp, Some(peer.parse().unwrap()));
        assert_eq!(agreed.rtcp.map(|a| a.port()), agreed.rtp.map(|a| a.port() + 1));
    }
}

#[test]
fn an_offer_that_can_never_be_taken_is_known_without_a_session() {
    let here: IpAddr = "192.0.2.10".parse().unwrap();
    let verdict = |lines: &str| unfit(&Sdp(offer(lines)), here);
    for fits in ["m=audio 4000 RTP/AVP 8\r\n", "m=audio 4000 RTP/SAVP 8\r\nm=audio 4002 RTP/AVP 96 0\r\n"] {
        assert_eq!(verdict(fits), None, "{fits}");
    }
    assert_eq!(verdict("m=audio 4000 RTP/AVP 8\r\na=inactive\r\n"), None, "held from the first is no reason");
    let encrypted = verdict("m=audio 4000 RTP/SAVP 8\r\n");
    assert_eq!(encrypted, Some(SoundProblem::Encrypted { profile: "RTP/SAVP".to_owned() }));
    let opus = verdict("m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n");
    assert!(matches!(opus, Some(SoundProblem::NoCommonCodec { .. })), "{opus:?}");
    for none in ["", "m=video 4000 RTP/AVP 96\r\n", "m=audio 0 RTP/AVP 8\r\n"] {
        assert_eq!(verdict(none), Some(SoundProblem::NoAudio), "{none}");
    }
    assert!(matches!(unfit(&Sdp(b"hello".to_vec()), here), Some(SoundProblem::NotSdp { .. })));
    let v6 = unfit(&Sdp(offer("m=audio 4000 RTP/AVP 8\r\n")), "2001:db8::1".parse().unwrap());
    assert!(matches!(v6, Some(SoundProblem::Address { .. })), "{v6:?}");
}

#[test]
fn sound_is_sent_to_one_and_not_to_many() {
    for many in ["IN IP4 224.0.1.7", "IN IP4 255.255.255.255", "IN IP6 ff02::1"] {
        let offer = text(&offer("m=audio 3000 RTP/AVP 8\r\n")).replace("IN IP4 192.0.2.1", many);
        let refused = ours().answer(&offer.into_bytes(), Flow::SendRecv).err();
        assert!(matches!(refused, Some(SoundProblem::Address { .. })), "{many}: {refused:?}");
    }
}

#[test]
fn hold_and_resume_go_both_ways() {
    let (mut caller, mut callee) =
        (ours(), Negotiation::new(8, "192.0.2.11:5000".parse().unwrap(), 5001, ORDER));
    let first = caller.offer(Flow::SendRecv);
    let answer = callee.answer(&first, Flow::SendRecv).expect("they fit");
    caller.complete(&answer).expect("it fits");
    let hold = caller.offer(Flow::SendOnly);
    assert!(text(&hold).contains("o=- 7 2 ") && text(&hold).contains("a=sendonly"));
    let held = callee.answer(&hold, Flow::SendRecv).expect("hold is fine");
    assert!(text(&held).contains("a=recvonly"));
    assert_eq!(callee.agreed().map(|a| a.flow), Some(Flow::RecvOnly));
    assert_eq!(caller.complete(&held), Ok(Flow::SendOnly));
    let both = callee.offer(Flow::Inactive);
    let answer = caller.answer(&both, Flow::SendOnly).expect("both hold");
    assert_eq!(callee.complete(&answer), Ok(Flow::Inactive));
    let resumed = caller.offer(Flow::SendRecv);
    assert!(text(&resumed).contains("a=sendrecv"));
    let same = caller.offer(Flow::SendRecv);
    assert_eq!(resumed, same, "the same again has the same version");
}

#[test]
fn the_old_way_of_hold_is_understood() {
    let mut side = ours();
    let answer = side
        .answer(
            &text(&offer("m=audio 3000 RTP/AVP 8\r\n"))
                .replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0")
                .into_bytes(),
            Flow::SendRecv,
        )
        .expect("fine");
    assert!(text(&answer).contains("a=recvonly"), "{}", text(&answer));
    let agreed = side.agreed().expect("agreed");
    assert_eq!((agreed.rtp, agreed.flow), (None, Flow::RecvOnly));
}

#[test]
fn other_lines_are_refused_in_their_place() {
    let mut side = ours();
    let lines = "m=video 6000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 3000 RTP/AVP 9 97 0 98\r\n\
                 a=rtpmap:97 PCMA/8000\r\na=rtpmap:98 telephone-event/8000\r\na=ptime:30\r\n\
                 m=audio 3002 RTP/AVP 8\r\nm=application 5 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    let answer = text(&side.answer(&offer(lines), Flow::SendRecv).expect("one line fits"));
    let media: Vec<&str> = answer.lines().filter(|l| l.starts_with("m=")).collect();
    assert_eq!(
        media,
        [
            "m=video 0 RTP/AVP 96",
            "m=audio 4000 RTP/AVP 97 98",
            "m=audio 0 RTP/AVP 8",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel"
        ]
    );
    assert!(answer.contains("a=rtpmap:97 PCMA/8000") && answer.contains("a=ptime:30"));
    let agreed = side.agreed().expect("agreed");
    assert_eq!(
        (agreed.codec, agreed.payload_type, agreed.events, agreed.ptime),
        (Codec::Pcma, 97, Some(98), 30)
    );
    let again = text(&side.offer(Flow::SendOnly));
    assert_eq!(
        again.lines().filter(|l| l.starts_with("m=")).count(),
        4,
        "a new offer keeps the lines: {again}"
    );
    assert!(again.contains("m=audio 4000 RTP/AVP 97 0 98"), "{again}");
}

#[test]
fn what_does_not_fit_is_said_in_a_sentence() {
    let cases: [(&str, &str); 6] = [
        ("m=audio 3000 RTP/AVP 9 18 96\r\na=rtpmap:96 opus/48000/2\r\n", "they offer G722, G729, OPUS"),
        ("m=video 3000 RTP/AVP 96\r\n", "they offer no audio"),
        ("m=audio 0 RTP/AVP 8\r\n", "they offer no audio"),
        ("m=audio 3000 RTP/SAVP 8\r\n", "encrypted audio (RTP/SAVP)"),
        ("m=audio 99999 RTP/AVP 8\r\n", "port is no port"),
        ("m=audio 3000 RTP/AVP 8\r\nc=IN IP4 pbx.example\r\n", "'pbx.example' is not an IP address"),
    ];
    for (lines, sentence) in cases {
        let mut side = ours();
        let why = side.answer(&offer(lines), Flow::SendRecv).expect_err(lines).to_string();
        assert!(why.contains(sentence), "{why}");
        assert!(side.agreed().is_none());
    }
    let mut side = ours();
    for rubbish in [&b""[..], b"hello", b"\xff\xfe\x00", b"v=0\r\n"] {
        assert!(side.answer(rubbish, Flow::SendRecv).is_err());
    }
    assert_eq!(side.complete(&offer("m=audio 1 RTP/AVP 8\r\n")), Err(SoundProblem::NoOffer));
    side.offer(Flow::SendRecv);
    assert_eq!(side.complete(&offer("m=audio 0 RTP/AVP 8\r\n")), Err(SoundProblem::Declined));
    assert_eq!(
        side.complete(&offer("m=audio 30 RTP/AVP 8\r\n")),
        Ok(Flow::SendRecv),
        "the offer still stood"
    );
    assert_eq!(
        side.complete(&offer("m=audio 40 RTP/AVP 0\r\n")),
        Ok(Flow::SendRecv),
        "another branch answered"
    );
    assert_eq!(side.agreed().and_then(|a| a.rtp).map(|a| a.port()), Some(40));
}

#[test]
fn what_real_peers_write_is_read() {
    let sloppy =
        b"v=0\no=caf\xe9 1 1 IN IP4 192.0.2.1\ns=\nc = IN IP4 192.0.2.1/127\nb=AS:64\nt=0 0\na=SendOnly\n\
                   m=audio 3000/2 rtp/avp 101 0\na=rtpmap: 101  Telephone-Event/8000\na=fmtp:101 0-15,16\n\
                   a=rtcp:3055 IN IP4 192.0.2.9\na=maxptime:10.5\na=ptime:20\nx-weird\n";
    let mut side = ours();
    let answer = text(&side.answer(sloppy, Flow::SendRecv).expect("readable"));
    assert!(answer.contains("a=recvonly") && answer.contains("m=audio 4000 RTP/AVP 0 101"), "{answer}");
    let agreed = side.agreed().expect("agreed");
    assert_eq!(agreed.rtcp, Some("192.0.2.9:3055".parse().unwrap()));
    assert_eq!((agreed.codec, agreed.events, agreed.ptime), (Codec::Pcmu, Some(101), 10));
}

#[test]
fn both_families_are_spoken_but_not_mixed() {
    let mut side = Negotiation::new(7, "[2001:db8::1]:4000".parse().unwrap(), 4003, ORDER);
    let six = "v=0\r\no=- 1 1 IN IP6 2001:db8::2\r\ns=-\r\nc=IN IP6 2001:db8::2\r\nt=0 0\r\nm=audio 3000 RTP/AVP 0\r\n";
    let answer = text(&side.answer(six.as_bytes(), Flow::SendRecv).expect("fits"));
    assert!(answer.contains("c=IN IP6 2001:db8::1") && answer.contains("a=rtcp:4003"), "{answer}");
    let why =
        side.answer(&offer("m=audio 3000 RTP/AVP 0\r\n"), Flow::SendRecv).expect_err("mixed").to_string();
    assert!(why.contains("it is IPv4, ours is IPv6"), "{why}");
}

#[test]
fn a_refused_offer_leaves_things_as_they_were() {
    let mut side = ours();
    side.answer(&offer("m=audio 3000 RTP/AVP 8\r\n"), Flow::SendRecv).expect("fits");
    let before = side.agreed().cloned();
    side.offer(Flow::SendOnly);
    side.withdraw();
    assert_eq!(side.agreed().cloned(), before);
    assert_eq!(side.complete(&offer("m=audio 3000 RTP/AVP 8\r\n")), Err(SoundProblem::NoOffer));
    let next = text(&side.offer(Flow::SendOnly));
    assert!(next.contains("o=- 7 4 "), "neither version is used twice: {next}");
}

#[test]
fn a_change_to_what_we_do_not_have_is_refused_and_changes_nothing() {
    let mut side = ours();
    side.answer(&offer("m=audio 4000 RTP/AVP 8\r\n"), Flow::SendRecv).expect("agreed");
    let before = side.clone();
    for (lines, why) in [
        ("m=audio 4000 RTP/SAVP 8\r\n", SoundProblem::Encrypted { profile: "RTP/SAVP".to_owned() }),
        (
            "m=audio 4000 RTP/SAVP 8\r\nm=audio 0 RTP/AVP 8\r\n",
            SoundProblem::Encrypted { profile: "RTP/SAVP".to_owned() },
        ),
        ("m=image 4000 udptl t38\r\n", SoundProblem::NoAudio),
    ] {
        assert_eq!(side.answer(&offer(lines), Flow::SendRecv), Err(why), "{lines}");
        assert_eq!(side.agreed(), before.agreed());
    }
}

#[test]
fn a_stream_closed_in_a_call_can_come_back() {
    let mut side = ours();
    side.answer(&offer("m=audio 3000 RTP/AVP 8\r\n"), Flow::SendRecv).expect("fits");
    let closed = text(&side.answer(&offer("m=audio 0 RTP/AVP 8\r\n"), Flow::SendRecv).expect("closed"));
    assert!(closed.contains("m=audio 0 RTP/AVP 8\r\n"), "{closed}");
    assert_eq!(side.agreed().map(|a| (a.flow, a.rtp)), Some((Flow::Inactive, None)));
    side.answer(&offer("m=audio 3000 RTP/AVP 8\r\n"), Flow::SendRecv).expect("open again");
    assert_eq!(side.agreed().map(|a| a.flow), Some(Flow::SendRecv));
}

#[test]
fn packet_lengths_are_taken_within_reason() {
    let cases = [(None, None, 20), (Some(10), None, 10), (Some(60), None, 60), (Some(35), None, 30)];
    let more = [
        (Some(5), None, 20),
        (Some(200), None, 20),
        (Some(60), Some(40), 40),
        (None, Some(10), 10),
        (None, Some(0), 20),
    ];
    for (wanted, most, expected) in cases.into_iter().chain(more) {
        assert_eq!(ptime(wanted, most), expected, "{wanted:?} {most:?}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = ours().answer(&bytes, Flow::SendRecv);
    }

    #[test]
    fn every_answer_mirrors_the_lines(kinds in proptest::collection::vec(0_u8..4, 1..9)) {
        let lines: String = kinds.iter().enumerate().map(|(n, kind)| match kind {
            0 => format!("m=audio {} RTP/AVP 8\r\n", 3000 + n),
            1 => format!("m=audio {} RTP/AVP 9\r\n", 3000 + n),
            2 => format!("m=video {} RTP/AVP 96\r\n", 3000 + n),
            _ => format!("m=audio {} RTP/SAVP 8\r\n", 3000 + n),
        }).collect();
        if let Ok(answer) = ours().answer(&offer(&lines), Flow::SendRecv) {
            let answer = text(&answer);
            let media: Vec<&str> = answer.lines().filter(|l| l.starts_with("m=")).collect();
            prop_assert_eq!(media.len(), kinds.len());
            prop_assert_eq!(media.iter().filter(|l| !l.contains(" 0 RTP")).count(), 1);
        } else {
            prop_assert!(!kinds.contains(&0));
        }
    }
}
