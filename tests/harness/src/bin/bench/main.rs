//! `cargo xtask bench`: Trayphone, baresip and pjsua2 measured in one run, on one machine, with the same callers, held against the targets.

mod burst;
mod caller;
mod flood;
mod gauge;
mod idle;
mod many;
mod message;
mod office;
mod pair;
mod report;
mod ringing;
mod stage;
mod stamped;
mod start;
mod talk;

use harness::{agent, proc::Proc};
use pair::Pair;
use report::{QUIET, Report, Row};
use stage::{OURS, Stage};
use std::{
    env,
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

/// What the arguments can be.
const USAGE: &str = "usage: cargo xtask bench [--json] [--only PART]...\n\
    parts: start, idle, ringing, burst, flood, many, talk; all of them take about eleven minutes";

/// The parts, in the order in which they are measured.
const PARTS: [&str; 7] = ["start", "idle", "ringing", "burst", "flood", "many", "talk"];

/// How long a load left over from building is waited for to pass.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was asked for.
struct Arguments {
    json: bool,
    parts: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = match read(env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(text) => {
            eprintln!("{text}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments.parts).and_then(|report| show(&report, arguments.json)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("bench: {text}");
            ExitCode::FAILURE
        }
    }
}

fn read(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments { json: false, parts: Vec::new() };
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--json" => arguments.json = true,
            "--only" => match given.next() {
                Some(part) if PARTS.contains(&part.as_str()) => arguments.parts.push(part),
                Some(part) => return Err(format!("`{part}` is none of the parts")),
                None => return Err("`--only` wants a part".to_owned()),
            },
            other => return Err(format!("`{other}` is not understood")),
        }
    }
    if arguments.parts.is_empty() {
        arguments.parts = PARTS.map(str::to_owned).to_vec();
    }
    Ok(arguments)
}

/// Prints it; whether every target is reached.
fn show(report: &Report, json: bool) -> Result<bool, String> {
    println!("{}", if json { report.json()? } else { report.table() });
    let missed = report.missed();
    if json && !missed.is_empty() {
        eprintln!("missed: {}", missed.join("; "));
    }
    Ok(missed.is_empty())
}

fn run(parts: &[String]) -> Result<Report, String> {
    let wanted = |part: &str| parts.iter().any(|it| it == part);
    let load_before = settle()?;
    progress("the stage: exchange, CRM, desktop");
    let stage = Stage::build()?;
    let launch = stage.profile(OURS.0, false)?;
    let mut rows: Vec<Row> = Vec::new();
    if wanted("start") {
        progress("starts, in turns");
        rows.extend(start::measure(&stage, &launch)?);
    }
    let mut pair = Pair::start(&stage, &launch)?;
    let baresip = version_in(&pair.baresip.proc);
    if wanted("idle") {
        progress("idle: a call each, a rest, half a minute of watching");
        rows.extend(idle::measure(&stage, &pair)?);
    }
    if wanted("ringing") {
        progress("one call after the other, in turns");
        rows.extend(ringing::measure(&stage, &pair)?);
    }
    if wanted("burst") {
        progress("50, 100 and 200 calls a second, in turns");
        rows.extend(burst::measure(&stage, &mut pair)?);
    }
    if wanted("flood") {
        progress("half a minute of strangers, with a rest before and after");
        rows.extend(flood::measure(&pair)?);
    }
    if wanted("many") {
        progress("21 accounts, 500 watched lines, a rest, a minute of doing nothing");
        rows.extend(many::measure(&stage)?);
    }
    if wanted("talk") {
        progress("a call with sound each");
        rows.extend(talk::measure(&stage)?);
    }
    Ok(Report {
        processors: thread::available_parallelism().map_or(1, usize::from),
        load_before,
        load_after: gauge::load()?,
        trayphone: version()?,
        baresip,
        rows,
    })
}

/// Building has just made a load that says nothing about the machine: it gets a while to pass.
fn settle() -> Result<f64, String> {
    let until = Instant::now() + PATIENCE;
    if gauge::load()? >= QUIET {
        progress("the load of the last minute is 1 or more: waiting up to a minute for it to pass");
    }
    while gauge::load()? >= QUIET && Instant::now() < until {
        thread::sleep(Duration::from_secs(1));
    }
    gauge::load()
}

fn progress(what: &str) {
    eprintln!("== {what}");
}

fn version() -> Result<String, String> {
    let program = agent::program();
    let said = Command::new(&program).arg("--version").output();
    let said = said.map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// `baresip v1.0.0 Copyright (C) …` is its first line.
fn version_in(baresip: &Proc) -> String {
    let log = baresip.log();
    let line = log.lines().find(|line| line.contains("baresip v")).unwrap_or("baresip");
    line.split(" Copyright").next().unwrap_or(line).trim().to_owned()
}
