//! Networks that come and go, with a real registrar: a desk and a PBX in network namespaces of their own, the phone of
//! `examples/answering.rs` at the desk, kamailio at the PBX. How long it takes until the PBX reaches the phone again is
//! measured from outside, by a request that it passes on, and printed; RFC 5626 section 4.5 leaves the rest to us: 5 s.
//!
//! Namespaces need root: who is not sees a line that says so. Alone it is run with `cargo test -p agent-sip --examples --test
//! flaps`, for cargo builds examples for a whole run only.

#[expect(dead_code, reason = "the tests of names use the rest of it")]
#[path = "../../net/tests/common/dns.rs"]
mod dns;

use dns::{NameServer, Record};
use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Set in the test's own second life, in the namespace of the PBX.
const INSIDE: &str = "TRAYPHONE_FLAPS_DESK";
/// What the product promises.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a test waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A namespace; gone with everything in it when it is dropped.
struct Namespace(String);

impl Namespace {
    fn new(name: &str) -> Self {
        let name = format!("flap-{name}-{}", std::process::id());
        run("ip", &["netns", "add", &name]);
        Self(name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().expect(program);
    assert!(status.success(), "{program} {arguments:?}");
}

/// A process that ends with the value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One machine of the PBX.
struct Kamailio {
    process: Running,
    address: &'static str,
    folder: PathBuf,
}

impl Kamailio {
    fn start(folder: &Path, address: &'static str) -> Self {
        let folder = folder.join(address);
        fs::create_dir_all(folder.join("run")).unwrap();
        let config = CONFIG.replace("@ADDRESS@", address);
        fs::write(folder.join("kamailio.cfg"), config).unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = Command::new("/usr/sbin/kamailio")
            .current_dir(&folder)
            .args(["-f", "kamailio.cfg", "-DD", "-E", "-m", "64", "-M", "8", "-Y", "run"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("kamailio");
        let this = Self { process: Running(child), address, folder };
        let begin = Instant::now();
        while !fs::read_to_string(this.folder.join("log")).unwrap_or_default().contains("worker is ready") {
            assert!(begin.elapsed() < PATIENCE, "kamailio does not come up");
            thread::sleep(Duration::from_millis(20));
        }
        this
    }

    /// Ends it as a fault would: its children go with it.
    fn kill(mut self) {
        let pid = self.process.0.id().to_string();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &pid]).output().expect("ps").stdout;
        let _ = self.process.0.kill();
        let _ = self.process.0.wait();
        for child in String::from_utf8_lossy(&children).split_whitespace() {
            let _ = Command::new("kill").args(["-9", child]).status();
        }
        // The port is theirs until the last of them is gone.
        let at = (self.address, 5060);
        let begin = Instant::now();
        while UdpSocket::bind(at).is_err() || TcpListener::bind(at).is_err() {
            assert!(begin.elapsed() < PATIENCE, "kamailio does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it once to pass a request on to the phone; whether the phone answered.
    fn reaches(&self, number: u32) -> bool {
        let socket = UdpSocket::bind((self.address, 0)).unwrap();
        let own = socket.local_addr().unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
        let ask = format!(
            "INFO sip:1001@flap.test SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{number};rport\r\n\
             Max-Forwards: 10\r\nFrom: <sip:test@flap.test>;tag=t{number}\r\nTo: <sip:1001@flap.test>\r\n\
             Call-ID: {number}@{own}\r\nCSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n"
        );
        let to: SocketAddr = format!("{}:5060", self.address).parse().unwrap();
        let mut buffer = [0; 4096];
        if socket.send_to(ask.as_bytes(), to).is_err() {
            return false;
        }
        while let Ok((length, _)) = socket.recv_from(&mut buffer) {
            // Whatever the phone says to it: it said it.
            if String::from_utf8_lossy(&buffer[..length]).contains("Server: Trayphone") {
                return true;
            }
        }
        false
    }
}

const CONFIG: &str = r#"#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=2
tcp_children=2
auto_aliases=no
listen=udp:@ADDRESS@:5060
listen=tcp:@ADDRESS@:5060
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "auth.so"
loadmodule "xlog.so"
modparam("usrloc", "db_mode", 0)
event_route[core:worker-one-init] { xlog("L_ALERT", "worker is ready\n"); }
request_route {
  if (is_method("REGISTER")) {
    if (!pv_auth_check("flap.test", "pw$au", "0", "0")) { auth_challenge("flap.test", "1"); exit; }
    save("location");
    exit;
  }
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  t_relay();
}
"#;

/// The phone at the desk.
struct Phone {
    _process: Running,
    lines: mpsc::Receiver<String>,
    said: Vec<String>,
}

impl Phone {
    fn start(desk: &str, registrar: &str, name_server: Option<&str>) -> Self {
        let program =
            env::current_exe().unwrap().parent().unwrap().with_file_name("examples").join("answering");
        let mut command = Command::new("ip");
        command.args(["netns", "exec", desk]).arg(program).args(["0.0.0.0:0", registrar, "pw1001"]);
        let mut child = command.args(name_server).stdout(Stdio::piped()).spawn().expect("the phone");
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { _process: Running(child), lines, said: Vec::new() }
    }

    /// Waits until it says something like this.
    fn says(&mut self, what: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else { panic!("no {what} in {:#?}", self.said) };
            let found = line.contains(what);
            self.said.push(line);
            if found {
                return;
            }
        }
    }
}

/// Waits until the PBX reaches the phone, and gives how long that took since `since`.
fn reached(pbx: &Kamailio, phone: &mut Phone, what: &str, since: Instant) -> Duration {
    for number in 0.. {
        if pbx.reaches(u32::try_from(since.elapsed().as_micros()).unwrap_or(number)) {
            break;
        }
        phone.said.extend(phone.lines.try_iter());
        assert!(since.elapsed() < PATIENCE, "{what}: never reached again; the phone said {:#?}", phone.said);
    }
    let took = since.elapsed();
    println!("{what}: the PBX reaches the phone again after {took:.2?}");
    took
}

#[test]
fn the_phone_is_back_within_five_seconds_of_its_network() {
    let root = fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0);
    if let Ok(desk) = env::var(INSIDE) {
        return inside(&desk);
    }
    if !root {
        println!("left out: namespaces need root");
        return;
    }
    let (pbx, desk) = (Namespace::new("p"), Namespace::new("d"));
    for (at, network) in [("a", "10.99.1"), ("b", "10.99.2")] {
        let (near, far) = (format!("{at}0"), format!("{at}1"));
        run(
            "ip",
            &["-n", &pbx.0, "link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &desk.0],
        );
        run("ip", &["-n", &pbx.0, "addr", "add", &format!("{network}.1/24"), "dev", &near]);
        run("ip", &["-n", &desk.0, "addr", "add", &format!("{network}.2/24"), "dev", &far]);
        run("ip", &["-n", &pbx.0, "link", "set", &near, "up"]);
        run("ip", &["-n", &desk.0, "link", "set", &far, "up"]);
    }
    run("ip", &["-n", &pbx.0, "link", "set", "lo", "up"]);
    for address in ["10.99.0.1", "10.99.0.2", "10.99.0.53"] {
        run("ip", &["-n", &pbx.0, "addr", "add", &format!("{address}/32"), "dev", "lo"]);
    }
    run("ip", &["-n", &desk.0, "route", "add", "10.99.0.0/24", "via", "10.99.1.1"]);
    let status = Command::new("ip")
        .args(["netns", "exec", &pbx.0])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "the_phone_is_back_within_five_seconds_of_its_network", "--nocapture"])
        .env(INSIDE, &desk.0)
        .status()
        .unwrap();
    assert!(status.success());
}

/// The test itself, in the namespace of the PBX.
fn inside(desk: &str) {
    let folder = env::temp_dir().join(desk);
    fs::create_dir_all(&folder).unwrap();
    let at_desk = |words: &str| {
        let arguments: Vec<&str> = ["-n", desk].into_iter().chain(words.split(' ')).collect();
        run("ip", &arguments);
    };
    let mut slowest = links(&folder, desk, &at_desk);
    slowest = slowest.max(machines(&folder, desk));
    fs::remove_dir_all(&folder).unwrap();
    println!("the slowest: {slowest:.2?}");
    assert!(slowest < LIMIT);
}

/// Interfaces, addresses and routes of the desk.
fn links(folder: &Path, desk: &str, at_desk: &dyn Fn(&str)) -> Duration {
    let mut slowest = Duration::ZERO;
    for registrar in ["10.99.0.1", "10.99.0.1;transport=tcp"] {
        // A new one each time: bindings of a phone that was killed would be asked first, for half a minute.
        let pbx = Kamailio::start(folder, "10.99.0.1");
        let begin = Instant::now();
        let mut phone = Phone::start(desk, registrar, None);
        let mut timed = |phone: &mut Phone, what: &str, since: Instant| {
            slowest = slowest.max(reached(&pbx, phone, &format!("{registrar}: {what}"), since));
        };
        phone.says("Registered");
        timed(&mut phone, "start", begin);
        at_desk("link set a1 down");
        phone.says("Failed");
        thread::sleep(Duration::from_secs(3));
        at_desk("link set a1 up");
        let since = Instant::now();
        at_desk("route replace 10.99.0.0/24 via 10.99.1.1");
        phone.says("Registered");
        timed(&mut phone, "interface down and up", since);
        at_desk("addr del 10.99.1.2/24 dev a1");
        at_desk("addr add 10.99.1.3/24 dev a1");
        at_desk("route replace 10.99.0.0/24 via 10.99.1.1");
        let since = Instant::now();
        phone.says("local: 10.99.1.3");
        timed(&mut phone, "another address", since);
        let since = Instant::now();
        at_desk("route replace 10.99.0.0/24 via 10.99.2.1");
        phone.says("local: 10.99.2.2");
        timed(&mut phone, "a route over another interface", since);
        let since = Instant::now();
        at_desk("addr del 10.99.1.3/24 dev a1");
        at_desk("addr add 10.99.1.2/24 dev a1");
        at_desk("route replace 10.99.0.0/24 via 10.99.1.1");
        phone.says("local: 10.99.1.2");
        timed(&mut phone, "and back", since);
        pbx.kill();
    }
    slowest
}

/// Machines of the PBX that end and come back, one known by its address and two by their domain.
fn machines(folder: &Path, desk: &str) -> Duration {
    let pbx = Kamailio::start(folder, "10.99.0.1");
    let mut phone = Phone::start(desk, "10.99.0.1;transport=tcp", None);
    phone.says("Registered");
    pbx.kill();
    phone.says("Failed");
    let pbx = Kamailio::start(folder, "10.99.0.1");
    let mut slowest = reached(&pbx, &mut phone, "the PBX was killed and started again", Instant::now());
    drop(phone);
    pbx.kill();
    let pbx = Kamailio::start(folder, "10.99.0.1");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let names = runtime.block_on(NameServer::start("10.99.0.53:53", 60));
    names.set(
        "_sip._tcp.pbx.test",
        &[Record::Srv(1, 0, 5060, "one.pbx.test"), Record::Srv(2, 0, 5060, "two.pbx.test")],
    );
    names.set("one.pbx.test", &[Record::Address("10.99.0.1".parse().unwrap())]);
    names.set("two.pbx.test", &[Record::Address("10.99.0.2".parse().unwrap())]);
    let other = Kamailio::start(folder, "10.99.0.2");
    let begin = Instant::now();
    let mut phone = Phone::start(desk, "pbx.test;transport=tcp", Some("10.99.0.53:53"));
    phone.says("Registered");
    slowest = slowest.max(reached(&pbx, &mut phone, "two machines by SRV: start, at the first", begin));
    pbx.kill();
    slowest = slowest.max(reached(&other, &mut phone, "the first was killed: at the second", Instant::now()));
    // The first is the better one, and is returned to.
    let pbx = Kamailio::start(folder, "10.99.0.1");
    reached(&pbx, &mut phone, "the first is back: returned to it", Instant::now());
    pbx.kill();
    other.kill();
    slowest
}
