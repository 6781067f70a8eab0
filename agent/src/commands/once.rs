//! What the account commands have in common: finding an account, and registering it once to see how it goes.

use super::print;
use crate::{
    cli::Common,
    exit::{Exit, Failure},
    home, trust,
};
use agent_core::{
    id::AccountId,
    port::sip::{Registration, SipCommand, SipEvent},
    secret::Secret,
    settings::{AccountSettings, same_address},
};
use agent_net::Net;
use agent_store::{LedgerWriter, Profile, StoreError};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::timeout};

/// Longer than Timer F (32 s): whoever is silent has been silent for good.
const TEST_PATIENCE: Duration = Duration::from_secs(35);

/// The accounts that are meant, with their places.
pub(super) fn find(
    profile: &Profile,
    aor: Option<&str>,
) -> Result<Vec<(AccountId, AccountSettings)>, Failure> {
    let settings = home::settings(profile)?;
    let numbered = (0..).map(AccountId).zip(settings.accounts);
    let found: Vec<_> =
        numbered.filter(|(_, account)| aor.is_none_or(|aor| same_address(&account.aor, aor))).collect();
    if found.is_empty() {
        let text = match aor {
            Some(aor) => format!("there is no account {aor}: `trayphone account list` shows those there are"),
            None => "there is no account: add one with `trayphone account add sip:USER@PBX`".to_owned(),
        };
        return Err(Failure::new(Exit::Settings, text));
    }
    Ok(found)
}

/// What a test sends stands in the ledger as everything else does; where that cannot be written, the user is told.
pub(super) struct Ledger(Option<LedgerWriter>);

impl Ledger {
    pub(super) fn open(profile: &Profile) -> Self {
        Self(LedgerWriter::open(profile).inspect_err(Self::complain).ok())
    }

    pub(super) fn net(&self, profile: &Profile) -> Net {
        match &self.0 {
            Some(writer) => trust::net(profile, Arc::new(writer.sink())),
            None => trust::net(profile, Arc::new(|_| {})),
        }
    }

    pub(super) fn close(self) {
        if let Some(Err(error)) = self.0.map(LedgerWriter::close) {
            Self::complain(&error);
        }
    }

    fn complain(error: &StoreError) {
        print::note(&format!("this test leaves no row in the ledger: {error}"));
    }
}

/// Registers with a stack of its own, says how it went, and signs off again.
pub(super) async fn register_once(
    account: AccountId,
    settings: AccountSettings,
    password: Secret,
    net: Net,
) -> Registration {
    // Without a bound, for the teller must not wait: one account registers once, and SIP caps the calls that may come in.
    let (tell, mut hear) = mpsc::unbounded_channel();
    let told = Arc::new(move |event: SipEvent| {
        let _ = tell.send(event);
    });
    let sip = agent_sip::start(agent_sip::SipConfig::default(), net, told);
    sip.send(SipCommand::Register { account, settings, password });
    let outcome = async {
        while let Some(event) = hear.recv().await {
            if let SipEvent::Registration { state, .. } = event
                && matches!(state, Registration::Registered | Registration::Failed { .. })
            {
                return match state {
                    // There is one try in a test.
                    Registration::Failed { reason, .. } => Registration::Failed { reason, retry_ms: None },
                    other => other,
                };
            }
        }
        Registration::Unregistered
    };
    let state = timeout(TEST_PATIENCE, outcome).await.unwrap_or(Registration::Connecting);
    sip.send(SipCommand::Shutdown { within: Duration::from_secs(2) });
    let down = async { while hear.recv().await.is_some_and(|event| event != SipEvent::Down) {} };
    let _ = timeout(Duration::from_secs(3), down).await;
    state
}

/// What a program is told that asked for JSON; people have read their sentences by now.
pub(super) fn done(common: &Common) -> Exit {
    print::done(common);
    Exit::Ok
}

pub(super) fn say(common: &Common, text: &str) {
    if !common.json {
        print::line(&print::tame(text));
    }
}
