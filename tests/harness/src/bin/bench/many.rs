//! Many accounts and many watched lines: what each account costs of memory, and what 500 lines cost while nothing happens.

use crate::{
    gauge,
    office::Office,
    report::{Row, Target},
    stage::{PASSWORD, Stage},
};
use harness::{proc::Proc, wait};
use std::{
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

/// Accounts of the one agent; the other has one.
const ACCOUNTS: usize = 21;

/// Lines that are watched.
const LINES: usize = 500;

/// How long all subscriptions may take: the agent asks for a few a second.
const PATIENCE: Duration = Duration::from_secs(180);

/// After the last answer: transactions (RFC 3261 timers of 32 s) have come to rest.
const REST: Duration = Duration::from_secs(40);

/// How long the processor time of doing nothing is measured.
const WATCHED: Duration = Duration::from_secs(60);

/// Measures both, with three agents at the same time.
pub(crate) fn measure(stage: &Stage) -> Result<Vec<Row>, String> {
    let load = gauge::load()?;
    let one = Agent::start(stage, "one", 1, 0)?;
    let many = Agent::start(stage, "many", ACCOUNTS, 0)?;
    let lines = Agent::start(stage, "lines", 1, LINES)?;
    let began = Instant::now();
    let told = wait::until(PATIENCE, || (lines.office.told() >= LINES).then_some(()));
    told.ok_or_else(|| format!("{} of {LINES} lines are known\n{}", lines.office.told(), lines.proc))?;
    let took = began.elapsed().as_secs_f64();
    thread::sleep(REST);
    let clock = |agent: &Agent| {
        gauge::processor_time(agent.proc.id()).map_err(|error| format!("a clock of the agent: {error}"))
    };
    let (before, since) = (clock(&lines)?, Instant::now());
    thread::sleep(WATCHED);
    let used = (clock(&lines)? - before).as_secs_f64();
    let share = used / since.elapsed().as_secs_f64() * 100.0;
    let unique = |agent: &Agent| Ok::<_, String>(gauge::memory(agent.proc.id())?.unique as f64);
    let (least, most) = (unique(&one)?, unique(&many)?);
    let row = |what, unit, most, trayphone, note| Row {
        what,
        unit,
        target: Target::AtMost(most),
        trayphone,
        baresip: None,
        pjsua: None,
        load,
        note,
    };
    Ok(vec![
        row(
            "500 lines watched, idle",
            "% of a core",
            1.0,
            share,
            format!(
                "the process's CPU clock over {:.0} s; all were known after {took:.0} s",
                WATCHED.as_secs_f64()
            ),
        ),
        row(
            "USS of an account more",
            "kB",
            100.0,
            (most - least) / 1e3 / (ACCOUNTS - 1) as f64,
            format!("{ACCOUNTS} accounts {:.2} MB, one {:.2} MB, each registered", most / 1e6, least / 1e6),
        ),
    ])
}

/// An agent without a desktop, and the PBX of its own that it is registered at.
struct Agent {
    proc: Proc,
    office: Office,
}

impl Agent {
    fn start(stage: &Stage, name: &str, accounts: usize, lines: usize) -> Result<Self, String> {
        let office = Office::open().map_err(|error| format!("a PBX's socket: {error}"))?;
        let address = office.address;
        let mut settings = "language = \"en\"\n\n[audio]\nbackend = \"null\"\n".to_owned();
        for account in 0..accounts {
            // Writing to a String cannot fail.
            let _ = write!(
                settings,
                "\n[[account]]\naor = \"sip:{}@{address}\"\nregistrar = \"sip:{address};transport=udp\"\n\
                 password = \"env:{PASSWORD}\"\n",
                1001 + account
            );
        }
        if lines > 0 {
            let watched: Vec<String> = (0..lines).map(|line| (2001 + line).to_string()).collect();
            let _ = writeln!(settings, "watch = {watched:?}");
        }
        let proc = stage.headless(name, &settings)?;
        let there = wait::until(wait::SOON, || (office.registered() >= accounts).then_some(()));
        there.ok_or_else(|| {
            format!("{} of {accounts} accounts are registered\n{proc}", office.registered())
        })?;
        Ok(Self { proc, office })
    }
}
