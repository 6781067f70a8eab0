//! Real peers as processes: baresip, sipp, kamailio, an X session with panel and toast server, a null-sink sound server.
//!
//! Nothing here is a mock: what is started is the program users and PBXs run, on loopback, on free ports, in a folder
//! of its own, and it ends with the value that holds it. A test waits for conditions ([`wait`]), never for a time; where
//! the condition does not come, the panic shows what the program had to say.

pub mod agent;
pub mod baresip;
pub mod certificate;
pub mod desk;
pub mod desktop;
pub mod kamailio;
pub mod keyring;
pub mod linphone;
pub mod network;
pub mod peer;
pub mod pjsua;
pub mod port;
pub mod proc;
pub mod pty;
pub mod pulse;
pub mod recording;
pub mod sipp;
pub mod stranger;
pub mod talk;
pub mod wait;
pub mod web;
