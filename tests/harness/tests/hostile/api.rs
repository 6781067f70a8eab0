//! The local socket: garbage, endless lines, a thousand visitors, listeners that never listen.

use crate::scene::Scene;
use harness::{
    agent::Agent,
    stranger::Stranger,
    wait::{self, SOON},
};
use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::Shutdown,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    thread,
};

/// Visitors at once; the agent serves 64.
const CROWD: usize = 1000;

fn visit(agent: &Agent) -> UnixStream {
    let stream = UnixStream::connect(agent.door()).expect("the door is open");
    stream.set_read_timeout(Some(SOON)).expect("a time above zero");
    stream.set_write_timeout(Some(SOON)).expect("a time above zero");
    stream
}

/// Everything that is answered until the agent closes, read while it is said: each line has an answer.
fn say_and_hear(agent: &Agent, bytes: &[u8]) -> Vec<String> {
    let mut stream = visit(agent);
    let ear = stream.try_clone().expect("a socket can be shared");
    let hear = thread::spawn(move || BufReader::new(ear).lines().map_while(Result::ok).collect());
    // What is refused half-way is not read to its end.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    hear.join().expect("reading does not panic")
}

/// Becomes another user for as long as this thread lives; the process stays who it is.
fn be_nobody() {
    const NOBODY: libc::c_long = 65_534;
    // SAFETY: setresuid(2) takes numbers and touches no memory. As a bare system call it changes this thread alone, while
    // the C library's function would change them all.
    let changed = unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
    assert_eq!(changed, 0, "{}", std::io::Error::last_os_error());
}

/// Opens the way to the door for everybody, so that whoever is turned away is so by the agent and not by a mode.
fn open_the_way(door: &Path) {
    fs::set_permissions(door, Permissions::from_mode(0o666)).expect("ours");
    let ours = door.ancestors().skip(1).take_while(|folder| *folder != std::env::temp_dir());
    for folder in ours {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("ours");
    }
}

/// Only root can be somebody else; for others the test ends where the modes are seen.
#[test]
fn another_user_is_turned_away_unheard() {
    let scene = Scene::new();
    let agent = &scene.agent;
    let door = agent.door();
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&door), mode(door.parent().expect("a folder"))), (0o600, 0o700));
    // SAFETY: geteuid(2) takes nothing and cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        return;
    }
    open_the_way(&door);
    let order = b"{\"action\":\"dial\",\"text\":\"601\",\"source\":\"typed\"}\n{\"ask\":\"events\"}\n";
    let stranger = thread::spawn(move || {
        be_nobody();
        let mut stream = UnixStream::connect(&door).expect("the way is open");
        stream.set_read_timeout(Some(SOON)).expect("a time above zero");
        // It may be closed already.
        let _ = stream.write_all(order);
        let mut heard = vec![0; 256];
        let length = stream.read(&mut heard).unwrap_or_else(|error| {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it is not turned away");
            0
        });
        heard.truncate(length);
        heard
    });
    let heard = stranger.join().expect("the stranger is turned away");
    assert_eq!(String::from_utf8_lossy(&heard), "", "it is answered");
    let log = wait::until(SOON, || agent.proc.log().contains("another user was turned away").then_some(()));
    assert!(log.is_some(), "{}", agent.proc);
    let status = agent.ask(&["status"]).remove(0);
    assert_eq!(status["calls"].as_array().map(Vec::len), Some(0), "the stranger's order was taken: {status}");
    // The same words from the agent's own user are heard.
    let heard = say_and_hear(agent, &order[..order.len() - b"{\"ask\":\"events\"}\n".len()]);
    assert!(heard.len() == 1 && heard[0].contains("601"), "{heard:?}");
}

#[test]
fn nonsense_is_refused_line_by_line_and_the_agent_listens_on() {
    let scene = Scene::new();
    let agent = &scene.agent;
    let before = agent.memory();
    let random: Vec<u8> =
        (0..1_048_576u32).map(|n| (n.wrapping_mul(2_654_435_761).rotate_left(n % 31) >> 16) as u8).collect();
    let quit = b"{\"action\":\"quit\"}\n";
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("random bytes", random),
        ("zeros", vec![0; 1 << 20]),
        ("a line without end", vec![b'x'; 4 << 20]),
        ("an order behind a line without end", [&vec![b' '; 256 * 1024][..], quit].concat()),
        ("half an order", b"{\"action\":\"qu".to_vec()),
        ("depth", [&b"{\"action\":"[..], &vec![b'['; 200_000], b"\n"].concat()),
        ("no UTF-8", b"{\"action\":\"\xff\xfe\"}\n".to_vec()),
        ("a huge number", b"{\"action\":\"answer\",\"call\":99999999999999999999999}\n".to_vec()),
        ("a call below zero", b"{\"action\":\"answer\",\"call\":-1}\n".to_vec()),
        ("an unknown order", b"{\"action\":\"format_disk\"}\n".to_vec()),
        ("lines of nothing", vec![b'\n'; 10_000]),
    ];
    for (what, bytes) in table {
        let heard = say_and_hear(agent, &bytes);
        let refused =
            |line: &String| line.contains("\"type\":\"malformed\"") || line.contains("\"type\":\"refused\"");
        assert!(heard.iter().all(refused), "{what}: {heard:?}");
        assert_eq!(agent.ask(&["status"]).len(), 1, "{what}");
    }
    scene.a_call_is_served();
    let grown = agent.memory().saturating_sub(before);
    assert!(grown < 16 * 1024, "it grew by {grown} KiB");
}

#[test]
fn a_crowd_at_the_door_keeps_nobody_from_calling() {
    let scene = Scene::new();
    let agent = &scene.agent;
    let mut stranger = Stranger::to(agent.listening_port());
    let door = agent.door();
    more_files();
    let before = agent.memory();
    // Half of them want to hear everything, and none of them ever reads.
    let crowd: Vec<UnixStream> = (0..CROWD)
        .filter_map(|number| {
            let mut stream = UnixStream::connect(&door).ok()?;
            let line: &[u8] = if number % 2 == 0 { b"{\"ask\":\"events\"}\n" } else { b"{\"act" };
            stream.write_all(line).ok()?;
            Some(stream)
        })
        .collect();
    assert!(crowd.len() > 64, "{} came in", crowd.len());
    assert!(stranger.ask().is_empty());
    let call = scene.ring();
    assert!(wait::until(SOON, || call.state().ringing).is_some(), "it does not ring\n{}", agent.proc);
    let one_more = agent.command(&["status"]);
    let said =
        String::from_utf8_lossy(&one_more.stdout).into_owned() + &String::from_utf8_lossy(&one_more.stderr);
    assert!(!one_more.status.success() && said.contains("end one of them"), "{said}");
    drop(crowd);
    call.hang_up();
    let heard = wait::until(SOON, || agent.command(&["status"]).status.success().then_some(()));
    assert!(heard.is_some(), "the door stays shut\n{}", agent.proc);
    scene.a_call_is_served();
    let grown = agent.memory().saturating_sub(before);
    assert!(grown < 32 * 1024, "it grew by {grown} KiB");
}

/// This program may open as many files as the system lets it.
fn more_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls take a pointer to a structure that lives as long as the call.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max.min(8192);
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}
