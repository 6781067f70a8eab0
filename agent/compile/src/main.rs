//! Compiles one plugin to native code and ends: Cranelift lives here and nowhere else.
//!
//! ```text
//! trayphone-compile [--output FILE] FILE|-
//! ```
//!
//! Reads a component from a file or (`-`) from its standard input, holds it against the agent's limits, compiles it with
//! the agent's own engine settings, and writes the code to standard output or, whole or not at all, to a file. The agent
//! runs it as a child; neither the compiler's memory nor its mistakes are the agent's. Exit codes: 0 done, 1 the plugin
//! cannot be compiled, 2 wrong arguments, 3 a file could not be read or written.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(target_os = "windows")]
use windows as system;

use agent_host::{MAX_WASM_BYTES, engine, inspect};
use std::{
    env,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};
use wasmtime::{Engine, OptLevel};

/// Memory the compiler may use, bytes.
const MEMORY: u64 = 2 << 30;

/// Processor time the compiler may use, seconds.
const CPU_SECONDS: u64 = 50;

const USAGE: &str = "usage: trayphone-compile [--output FILE] FILE|-\nexample: trayphone-compile --output plugin.cwasm plugin.wasm";

/// What went wrong, as exit code and sentence.
struct Failed(u8, String);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(code, what)) => {
            // The agent shows this line to the user.
            eprintln!("{what}");
            ExitCode::from(code)
        }
    }
}

fn run() -> Result<(), Failed> {
    let (source, output) = arguments()?;
    system::limit(MEMORY, CPU_SECONDS)
        .map_err(|error| Failed(3, format!("no limits could be set: {error}")))?;
    let wasm = read(&source)?;
    inspect(&wasm).map_err(|error| Failed(1, error.to_string()))?;
    let code = compile(&wasm).map_err(|error| Failed(1, error))?;
    match output {
        None => io::stdout()
            .lock()
            .write_all(&code)
            .map_err(|error| Failed(3, format!("standard output: {error}"))),
        Some(path) => write(&path, &code).map_err(|error| Failed(3, format!("{}: {error}", path.display()))),
    }
}

/// The source and the output, if it is a file.
fn arguments() -> Result<(PathBuf, Option<PathBuf>), Failed> {
    let wrong = |what: &str| Failed(2, format!("{what}\n{USAGE}"));
    let (mut source, mut output) = (None, None);
    let mut words = env::args_os().skip(1);
    while let Some(word) = words.next() {
        if word == "--output" {
            output = Some(PathBuf::from(words.next().ok_or_else(|| wrong("--output names no file"))?));
        } else if word == "--help" {
            println!("{USAGE}");
            std::process::exit(0);
        } else if word.to_str().is_some_and(|word| word.starts_with("--")) {
            return Err(wrong(&format!("unknown option {}", word.display())));
        } else if source.replace(PathBuf::from(word)).is_some() {
            return Err(wrong("one plugin at a time"));
        }
    }
    source.map(|source| (source, output)).ok_or_else(|| wrong("which plugin?"))
}

fn read(source: &Path) -> Result<Vec<u8>, Failed> {
    let wrong = |error: io::Error| Failed(3, format!("{}: {error}", source.display()));
    let most = MAX_WASM_BYTES as u64 + 1;
    let mut wasm = Vec::new();
    if source == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut wasm).map_err(wrong)?;
    } else {
        File::open(source).map_err(wrong)?.take(most).read_to_end(&mut wasm).map_err(wrong)?;
    }
    Ok(wasm)
}

fn compile(wasm: &[u8]) -> Result<Vec<u8>, String> {
    let mut config = engine::config();
    // Plugins wait for servers; code that is small to keep and quick to make serves them better than fast loops.
    config.cranelift_opt_level(OptLevel::SpeedAndSize);
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    engine.precompile_component(wasm).map_err(|error| format!("{error:#}"))
}

/// Beside it first, then under its name.
fn write(path: &Path, code: &[u8]) -> io::Result<()> {
    let mut random = [0; 4];
    getrandom::fill(&mut random)?;
    let beside = path.with_extension(format!("{:08x}.tmp", u32::from_ne_bytes(random)));
    let written = fs::write(&beside, code).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _gone_or_never_there = fs::remove_file(&beside);
    }
    written
}
