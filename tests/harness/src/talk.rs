//! Talks between the agent and other phones through kamailio: who says what, and who hears whom.

use std::path::{Path, PathBuf};

use agent_media::measure;

use crate::{
    agent::{Account, Agent},
    certificate::Certificate,
    kamailio::{Kamailio, REALM},
    peer::Peer,
    recording,
    sipp::Transport,
};

/// What the caller says, Hz.
pub const CALLER_HZ: f64 = 1000.0;
/// What the called one says, Hz.
pub const CALLED_HZ: f64 = 1500.0;
/// What a third one says, Hz.
pub const THIRD_HZ: f64 = 650.0;
/// Two seconds of talk, in frames of 20 ms.
pub const TALK: usize = 100;

/// A minute of a tone in a file.
///
/// # Panics
/// When it cannot be written.
pub fn tone(folder: &Path, hz: f64) -> PathBuf {
    let path = folder.join(format!("{hz}.wav"));
    measure::write_wav(&path, 8000, &measure::sine(8000, hz, -20.0, 60.0)).expect("a file");
    path
}

/// A phone hears the other one, and nothing of itself. (One whose recording comes when all is over began to hear no later
/// than the other one, give or take the time an answer takes.)
///
/// # Panics
/// When it does not.
pub fn hears(phone: &dyn Peer, hz: f64, own: f64) {
    let frames = if phone.records_as_it_hears() { TALK } else { TALK / 2 };
    let (samples, rate) = phone.wait_until_it_hears(hz, frames);
    assert!(measure::tone(&samples, rate, own).share() < 0.1, "{}", phone.log());
}

/// An agent registered at this kamailio as 1001, speaking and hearing through files (`agent-hears.wav` in `folder`). Its
/// trust is what the environment says.
///
/// # Panics
/// When it does not come up or is not registered.
pub fn agent(folder: &Path, kamailio: &Kamailio, transport: Transport, certificate: &Certificate) -> Agent {
    let port = kamailio.port_for(transport);
    let mut account = Account::at(port, transport, &Kamailio::password("1001"));
    account.aor = format!("sip:1001@{REALM}");
    account.registrar = format!("sip:{}:{port};transport={}", kamailio.host, transport.parameter());
    if let Transport::Tls | Transport::Wss = transport {
        account.registrar = format!("sip:localhost:{port};transport={}", transport.parameter());
    }
    let (says, hears) = (tone(folder, CALLER_HZ), folder.join("agent-hears.wav"));
    let mut start = account.with_files(&says, &hears).start();
    let authority = certificate.authority.display().to_string();
    start.environment.push(("SSL_CERT_FILE".to_owned(), authority));
    let agent = Agent::start(folder, "agent", start);
    agent.wait_until_registered();
    agent
}

/// The agent hears this tone for so many frames (of 20 ms) in all.
///
/// # Panics
/// When it does not in time.
pub fn agent_hears(agent: &Agent, folder: &Path, hz: f64, frames: usize) {
    let heard = recording::wait_for_tone(&folder.join("agent-hears.wav"), hz, frames, crate::wait::SOON);
    assert!(heard.is_some(), "the agent hears nothing of {hz} Hz\n{}", agent.proc);
}
