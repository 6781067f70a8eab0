//! Runs the program that compiles plugins: a child process with bounded time and output.

#[cfg(target_os = "windows")]
mod windows;

use crate::{error::HostError, seal::MAX_CODE_BYTES};
use agent_core::plain;
use std::{
    env,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// The program's name, without the system's suffix.
pub const COMPILER: &str = "trayphone-compile";

/// A plugin of the largest size compiles in a few seconds; this is for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much of what it complains about is read.
const MAX_COMPLAINT: u64 = 4096;

/// Compiles `wasm`. Blocks; `progress` is told about once a second what is going on.
pub(crate) fn compile(
    program: Option<&Path>,
    wasm: &[u8],
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, HostError> {
    let path = match program {
        Some(path) => path.to_owned(),
        None => beside_us()?,
    };
    if !path.is_file() {
        return Err(HostError::NoCompiler(path));
    }
    progress("compiling the plugin");
    let mut command = Command::new(&path);
    command.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(target_os = "windows")]
    windows::without_window(&mut command);
    let child = command
        .spawn()
        .map_err(|error| HostError::Compile(format!("{} could not be started: {error}", path.display())))?;
    converse(Running(child), wasm, progress)
}

/// Next to the program that is running.
fn beside_us() -> Result<PathBuf, HostError> {
    let us = env::current_exe().map_err(|error| HostError::file("this program's own path", error))?;
    Ok(us.with_file_name(format!("{COMPILER}{}", env::consts::EXE_SUFFIX)))
}

/// A child that does not outlive us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _already_over = self.0.kill();
        let _status = self.0.wait();
    }
}

fn converse(mut child: Running, wasm: &[u8], progress: &mut dyn FnMut(&str)) -> Result<Vec<u8>, HostError> {
    let no_pipe = || HostError::Compile("its pipes could not be opened".to_owned());
    let stdin = child.0.stdin.take().ok_or_else(no_pipe)?;
    let stdout = child.0.stdout.take().ok_or_else(no_pipe)?;
    let stderr = child.0.stderr.take().ok_or_else(no_pipe)?;
    let (done, wait) = mpsc::channel();
    let said = thread::scope(|scope| {
        scope.spawn(|| feed(stdin, wasm));
        let complaint = scope.spawn(|| complaint(stderr));
        scope.spawn(move || done.send(take(stdout)));
        let code = patiently(&wait, progress);
        if code.is_err() {
            // Ends the pipes, and with them the threads this scope waits for.
            let _already_over = child.0.kill();
        }
        code.map(|code| (code, complaint.join().unwrap_or_default()))
    });
    let (code, complaint) = said?;
    let status = child.0.wait().map_err(|error| HostError::Compile(error.to_string()))?;
    if !status.success() {
        let complaint = plain::line(&complaint, 400);
        let what = if complaint.is_empty() { format!("{COMPILER} ended with {status}") } else { complaint };
        return Err(HostError::Compile(what));
    }
    code.map_err(|error| HostError::Compile(error.to_string()))
}

/// Waits for the code, or until patience ends.
fn patiently(
    wait: &mpsc::Receiver<io::Result<Vec<u8>>>,
    progress: &mut dyn FnMut(&str),
) -> Result<io::Result<Vec<u8>>, HostError> {
    let begun = Instant::now();
    loop {
        match wait.recv_timeout(Duration::from_secs(1)) {
            Ok(code) => return Ok(code),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(HostError::Compile(format!("{COMPILER} broke off")));
            }
            Err(mpsc::RecvTimeoutError::Timeout) if begun.elapsed() >= PATIENCE => {
                return Err(HostError::Compile(format!("it took longer than {} s", PATIENCE.as_secs())));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                progress(&format!("compiling the plugin, {} s", begun.elapsed().as_secs()));
            }
        }
    }
}

fn feed(mut stdin: ChildStdin, wasm: &[u8]) {
    // A child that reads no further has ended, and its status says why.
    let _broken_pipe = stdin.write_all(wasm);
}

fn complaint(stderr: ChildStderr) -> String {
    let mut text = Vec::new();
    let mut limited = stderr.take(MAX_COMPLAINT);
    let _as_far_as_it_came = limited.read_to_end(&mut text);
    // The rest is read too, or the child would wait for us.
    let _dropped = io::copy(&mut limited.into_inner(), &mut io::sink());
    String::from_utf8_lossy(&text).into_owned()
}

fn take(stdout: ChildStdout) -> io::Result<Vec<u8>> {
    let mut code = Vec::new();
    stdout.take(MAX_CODE_BYTES as u64 + 1).read_to_end(&mut code)?;
    if code.len() > MAX_CODE_BYTES {
        return Err(io::Error::other(format!("the code is larger than {} MiB", MAX_CODE_BYTES >> 20)));
    }
    Ok(code)
}
