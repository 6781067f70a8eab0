//! Registrars at their worst: garbage, endless challenges, absurd intervals; one of them harms no other account.

use crate::scene::Scene;
use harness::wait::{self, SOON};
use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// REGISTERs within one [`STRETCH`]: tries of one purpose, the tries after the first waits, retransmissions.
const MOST_REGISTERS: usize = 40;
/// The least that is watched, so long that a storm would be seen; a second try comes after 2.5 s at the earliest.
const STRETCH: Duration = Duration::from_secs(6);

/// What a rude registrar answers to the REGISTER of that number.
type Answers = fn(&str, usize) -> Vec<Vec<u8>>;

/// A registrar on a thread that ends with the test's process.
struct Rude {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Rude {
    fn start(answers: Answers) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = socket.local_addr().expect("a bound socket has an address");
        let asked: Arc<AtomicUsize> = Arc::default();
        let count = asked.clone();
        thread::spawn(move || {
            let mut buffer = vec![0; 65_535];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if request.starts_with("REGISTER ") {
                    let number = count.fetch_add(1, Ordering::SeqCst);
                    for answer in answers(&request, number) {
                        // Whatever does not fit into a datagram is not sent, and the next is.
                        let _ = socket.send_to(&answer, from);
                    }
                }
            }
        });
        Self { address, asked }
    }
}

/// The answer with this status line and these further fields to a request.
fn answer(request: &str, status: &str, fields: &str) -> Vec<u8> {
    let kept = ["via:", "from:", "to:", "call-id:", "cseq:"];
    let repeated: String = request
        .lines()
        .filter(|line| kept.iter().any(|name| line.to_ascii_lowercase().starts_with(name)))
        .map(|line| format!("{line}\r\n"))
        .collect();
    format!("SIP/2.0 {status}\r\n{repeated}{fields}Content-Length: 0\r\n\r\n").into_bytes()
}

fn challenge(fields: &str) -> String {
    format!("WWW-Authenticate: Digest realm=\"x\", {fields}\r\n")
}

/// What each of them does, by name.
const RUDE: &[(&str, Answers)] = &[
    ("bytes", |_, number| vec![(0..2000usize).map(|n| (n * 31 + number * 7) as u8).collect(); 5]),
    ("half an answer", |request, _| {
        let whole = answer(request, "200 OK", "");
        vec![whole[..whole.len() / 2].to_vec()]
    }),
    ("fat fields", |request, _| vec![answer(request, "200 OK", &format!("X: {}\r\n", "y".repeat(60_000)))]),
    ("many fields", |request, _| vec![answer(request, "200 OK", &"X: y\r\n".repeat(8_000))]),
    ("endless challenges", |request, number| {
        vec![answer(request, "401 Unauthorized", &challenge(&format!("nonce=\"{number}\", stale=true")))]
    }),
    ("fat challenges", |request, number| {
        let nonce = format!("nonce=\"{}{number}\", stale=true", "n".repeat(15_000));
        vec![answer(request, "401 Unauthorized", &challenge(&nonce))]
    }),
    ("a hundred challenges", |request, number| {
        vec![answer(
            request,
            "407 Proxy Authentication Required",
            &challenge(&format!("nonce=\"{number}\"")).repeat(100),
        )]
    }),
    ("a challenge of nothing", |request, _| vec![answer(request, "401 Unauthorized", "")]),
    ("broken challenges", |request, _| {
        vec![answer(request, "401 Unauthorized", "WWW-Authenticate: Digest realm=\"x, nonce=,,=\"\";;\r\n")]
    }),
    ("absurd intervals", |request, _| {
        vec![answer(request, "423 Interval Too Brief", "Min-Expires: 4294967295\r\n")]
    }),
    ("intervals that grow", |request, number| {
        vec![answer(request, "423 Interval Too Brief", &format!("Min-Expires: {}\r\n", 200 + number * 100))]
    }),
    ("no time", |request, _| vec![answer(request, "200 OK", "Expires: 0\r\n")]),
    ("come again at once", |request, _| {
        vec![answer(request, "503 Service Unavailable", "Retry-After: 0\r\n")]
    }),
    ("in a circle", |request, _| {
        vec![answer(request, "302 Moved Temporarily", "Contact: <sip:127.0.0.1:1>, <sip:[::1]:1>\r\n")]
    }),
    ("a thousand answers", |request, _| vec![answer(request, "200 OK", "Expires: 1\r\n"); 1000]),
    ("many bindings", |request, _| {
        vec![answer(request, "200 OK", &"Contact: <sip:1001@192.0.2.1>;expires=60\r\n".repeat(250))]
    }),
    ("you are elsewhere", |request, number| {
        let said = answer(request, "200 OK", "Expires: 60\r\n");
        let text = String::from_utf8_lossy(&said)
            .replace(";rport", &format!(";rport={};received=192.0.2.{}", number + 1, number % 200));
        vec![text.into_bytes()]
    }),
];

#[test]
fn a_rude_registrar_harms_nobody_else_and_is_not_stormed() {
    let rude: Vec<Rude> = RUDE.iter().map(|(_, answers)| Rude::start(*answers)).collect();
    let begun = Instant::now();
    let scene = Scene::with_neighbours(rude.iter().map(|rude| rude.address));
    let agent = &scene.agent;
    let before = agent.memory();
    let asked =
        wait::until(SOON, || rude.iter().all(|rude| rude.asked.load(Ordering::SeqCst) > 0).then_some(()));
    assert!(asked.is_some(), "somebody was not asked\n{}", agent.proc);
    scene.a_call_is_served();
    while begun.elapsed() < STRETCH {
        scene.a_call_is_served();
    }
    // A busy machine is longer at it, and what is asked meanwhile is no storm.
    let stretches = begun.elapsed().as_secs().div_ceil(STRETCH.as_secs()) as usize;
    for ((what, _), rude) in RUDE.iter().zip(&rude) {
        let asked = rude.asked.load(Ordering::SeqCst);
        println!("{what}: asked {asked} times");
        assert!(asked <= MOST_REGISTERS * stretches, "{what}: asked {asked} times in {:?}", begun.elapsed());
    }
    let status = agent.ask(&["status"]).pop().unwrap_or_default();
    for ((what, _), account) in RUDE.iter().zip(status["accounts"].as_array().into_iter().flatten().skip(1)) {
        println!("{what}: {}", account["registration"]);
    }
    assert_eq!(status["accounts"][0]["registration"]["state"], "registered", "{status}");
    let grown = agent.memory().saturating_sub(before);
    assert!(grown < 32 * 1024, "it grew by {grown} KiB");
}
