//! The log: stderr, quiet by default; callers' numbers and names never above DEBUG, secrets never.

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Our own crates; what libraries say below WARN is not the user's business.
const OURS: [&str; 9] = [
    "trayphone",
    "agent_core",
    "agent_exchange",
    "agent_host",
    "agent_media",
    "agent_net",
    "agent_shell",
    "agent_sip",
    "agent_store",
];

/// Starts the log. `-v` shows what is going on (INFO), `-vv` everything of ours (DEBUG). `TRAYPHONE_LOG` overrides both
/// (`agent_sip=trace,warn`); when it cannot be read, that is said and the flags hold.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let by_flags =
        || Targets::new().with_default(LevelFilter::WARN).with_targets(OURS.map(|krate| (krate, level)));
    let filter = match std::env::var("TRAYPHONE_LOG").map(|text| text.parse::<Targets>()) {
        Ok(Ok(filter)) => filter,
        Ok(Err(error)) => {
            crate::commands::print::note(&format!(
                "TRAYPHONE_LOG is not understood ({error}); example: TRAYPHONE_LOG=agent_sip=debug,warn"
            ));
            by_flags()
        }
        Err(_) => by_flags(),
    };
    // A stderr that is closed or full is nobody's business here: to complain there would panic.
    let lines = fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    // A second start (tests) finds the subscriber set: the first one stands.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
