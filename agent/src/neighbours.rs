//! Starts every neighbour of the core, at first and after a fault, and keeps watch over it.
//!
//! Each carries a [`Vigil`]: when its thread or task ends by a panic or without being asked to, the core hears
//! [`Event::Broken`], decides what ended with it and when it begins anew, and asks for that here.

use crate::{
    api::server::Desk,
    doors,
    exit::{Exit, Failure},
    funnel::Funnel,
    home,
    passwords::Passwords,
    trust,
};
use agent_core::{
    id::CallId,
    port::{Event, Neighbour, sip::SipEvent},
    settings::{CallsFrom, Settings},
    vigil::Vigil,
};
use agent_host::HostHandle;
use agent_media::{MediaConfig, MediaHandle};
use agent_net::{LedgerSink, Net};
use agent_shell::instance::Listener;
use agent_sip::{Device, SipConfig, SipHandle, config::Callers};
use agent_store::{Profile, StoreHandle};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
    mpsc,
};
use tokio::{sync::oneshot, task::JoinHandle};

/// The handle of a neighbour as it is now; clones see the same one, also after a new start.
#[derive(Debug)]
pub(crate) struct Current<T>(Arc<Mutex<T>>);

impl<T> Clone for Current<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone> Current<T> {
    /// This one from now on.
    pub(crate) fn new(handle: T) -> Self {
        Self(Arc::new(Mutex::new(handle)))
    }

    /// The one there is.
    pub(crate) fn get(&self) -> T {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another one from now on.
    pub(crate) fn set(&self, handle: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = handle;
    }
}

/// The task that keeps the doors open.
#[derive(Debug)]
pub(crate) struct Serving {
    close: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Closes the doors. Whoever was let in stays.
    pub(crate) async fn end(self) {
        drop(self.close);
        // A fault of its own was told already.
        let _ = self.task.await;
    }
}

/// Everything a new start needs.
pub(crate) struct Starter {
    profile: Profile,
    funnel: Funnel,
    passwords: Passwords,
    net: Net,
    ledger: LedgerSink,
    door: Arc<Listener>,
    /// Lets the main thread begin the desktop anew.
    shell: mpsc::Sender<()>,
    /// The last id of a call that came in, over all sessions: a new session must not give it again.
    last_call: Arc<AtomicU64>,
}

impl Starter {
    /// Starts the store, which everything else leaves its records with.
    pub(crate) fn new(
        profile: Profile,
        funnel: Funnel,
        door: Listener,
        shell: mpsc::Sender<()>,
    ) -> Result<(Self, Current<StoreHandle>), Failure> {
        let passwords = Passwords::new(funnel.clone(), true);
        let store = Current::new(store(&profile, &funnel, &passwords)?);
        let rows = store.clone();
        let ledger: LedgerSink = Arc::new(move |row| rows.get().ledger(row));
        let net = trust::net(&profile, ledger.clone());
        let door = Arc::new(door);
        let last_call = Arc::default();
        Ok((Self { profile, funnel, passwords, net, ledger, door, shell, last_call }, store))
    }

    /// The passwords given for this run.
    pub(crate) fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Where it all lies.
    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The inbox.
    pub(crate) fn funnel(&self) -> &Funnel {
        &self.funnel
    }

    /// The store.
    pub(crate) fn store(&self) -> Result<StoreHandle, Failure> {
        store(&self.profile, &self.funnel, &self.passwords)
    }

    /// The PBX session.
    pub(crate) fn sip(&self, settings: &Settings) -> SipHandle {
        let callers = match settings.calls.from {
            CallsFrom::Registrar => Callers::Registrar,
            CallsFrom::Anyone => Callers::Anyone,
        };
        let mut config = SipConfig { callers, ..SipConfig::default() };
        config.endpoint.device = agent_store::device_secret(&self.profile).map(Device::new);
        match self.last_call.load(Ordering::Relaxed) {
            0 => {}
            last => config.endpoint.first_call = CallId(last).next(),
        }
        let (funnel, last_call) = (self.funnel.clone(), self.last_call.clone());
        let tell = Arc::new(move |event| {
            fault_put_in(Neighbour::Sip);
            if let SipEvent::Incoming { call, .. } = &event {
                last_call.fetch_max(call.0, Ordering::Relaxed);
            }
            funnel.tell(Event::Sip(judged(event)));
        });
        agent_sip::start_watched(config, self.net.clone(), tell, vigil(&self.funnel, Neighbour::Sip))
    }

    /// The audio.
    pub(crate) fn media(&self, settings: &Settings) -> Result<MediaHandle, Failure> {
        let config = MediaConfig {
            audio: settings.audio.clone(),
            net: self.net.clone(),
            country: settings.numbers.country.clone(),
        };
        let vigil = vigil(&self.funnel, Neighbour::Media);
        agent_media::start_watched(config, self.funnel.door(Event::Media), vigil)
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))
    }

    /// The plugins.
    pub(crate) fn host(&self) -> Result<HostHandle, Failure> {
        let config = home::plugins(&self.profile)?;
        let funnel = self.funnel.clone();
        let tell = Arc::new(move |event| {
            fault_put_in(Neighbour::Host);
            funnel.tell(Event::Host(event));
        });
        let vigil = vigil(&self.funnel, Neighbour::Host);
        Ok(agent_host::start_watched(config, self.ledger.clone(), tell, vigil))
    }

    /// The local API and the system's signals.
    pub(crate) fn api(&self, desk: Desk) -> Serving {
        let vigil = vigil(&self.funnel, Neighbour::Api);
        let open = doors::open(self.door.clone(), desk, self.funnel.clone());
        let (close, closed) = oneshot::channel();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = open => {}
                // Also when the other end is dropped.
                _ = closed => vigil.over(),
            }
        });
        Serving { close, task }
    }

    /// The desktop, on the main thread.
    pub(crate) fn shell(&self) -> Result<(), Failure> {
        self.shell.send(()).map_err(|_| Failure::new(Exit::Failed, "the desktop has ended"))
    }
}

/// An offer that can never be taken is told as such, so that nobody is rung for it. It is looked at here and not by a
/// question to the audio, which would delay every 180 by its answer, and have none when the audio is down.
fn judged(mut event: SipEvent) -> SipEvent {
    if let SipEvent::Incoming { offer: Some(offer), local, unfit, .. } = &mut event {
        *unfit = agent_media::unfit(offer, *local);
        if let Some(why) = unfit {
            tracing::info!("a call was refused before it rang: there is no sound for it");
            // The formats it offers are the caller's own words.
            tracing::debug!(?why, "what it lacks");
        }
    }
    event
}

fn store(profile: &Profile, funnel: &Funnel, passwords: &Passwords) -> Result<StoreHandle, Failure> {
    let overhear = passwords.clone();
    let tell = Arc::new(move |event| {
        fault_put_in(Neighbour::Store);
        overhear.overhear(event);
    });
    agent_store::start_watched(profile.clone(), tell, vigil(funnel, Neighbour::Store))
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}

/// Nothing, but in the test of the faults.
#[cfg(not(test))]
fn fault_put_in(_: Neighbour) {}

/// Panics on the neighbour's own thread, once, where the test asked for it.
#[cfg(test)]
fn fault_put_in(who: Neighbour) {
    let asked = tests::FAULTS.lock().unwrap_or_else(PoisonError::into_inner).remove(&who);
    assert!(!asked, "a fault put in");
}

/// Watches over a neighbour: the core hears of its end.
pub(crate) fn vigil(funnel: &Funnel, who: Neighbour) -> Vigil {
    let funnel = funnel.clone();
    Vigil::new(move || funnel.tell(Event::Broken(who)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{
            client::Client,
            protocol::{Answer, Request},
        },
        desktop::Desktop,
        run::Parts,
    };
    use agent_core::{
        action::{Action, Reply, Status},
        id::AccountId,
        party::{Party, Sdp},
        port::{
            media::SoundProblem,
            sip::{Registration, RegistrationProblem},
        },
    };
    use std::{collections::BTreeSet, fs, path::Path, time::Duration};

    /// Who is to break at the next word it says.
    pub(super) static FAULTS: Mutex<BTreeSet<Neighbour>> = Mutex::new(BTreeSet::new());

    #[test]
    fn an_offer_is_judged_before_the_core_sees_it() {
        let incoming = |offer: Option<&str>| SipEvent::Incoming {
            call: CallId(1),
            account: AccountId(0),
            party: Party::default(),
            called: String::new(),
            local: "192.0.2.10".parse().unwrap(),
            offer: offer.map(|line| {
                Sdp(format!("v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 {line}\r\n").into_bytes())
            }),
            with: Box::default(),
            unfit: None,
        };
        let said = |offer| match judged(incoming(offer)) {
            SipEvent::Incoming { unfit, .. } => unfit,
            other => panic!("{other:?}"),
        };
        assert_eq!((said(Some("RTP/AVP 8")), said(None)), (None, None), "no offer is ours to make");
        let encrypted = SoundProblem::Encrypted { profile: "RTP/SAVP".to_owned() };
        assert_eq!(said(Some("RTP/SAVP 8")), Some(encrypted));
    }

    async fn status(profile: &Path) -> Option<Status> {
        let mut client = Client::to(profile).await.ok()?;
        match client.ask(&Request::Action(Action::Status)).await {
            Ok(Answer::Done { reply: Reply::Status(status), .. }) => Some(*status),
            _ => None,
        }
    }

    /// Asks until the state is as wanted.
    async fn until(profile: &Path, what: &str, wanted: impl Fn(&Status) -> bool) {
        let mut seen = None;
        let asked = async {
            loop {
                seen = status(profile).await;
                if seen.as_ref().is_some_and(&wanted) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(60), asked).await;
        assert!(came.is_ok(), "{what} was never seen, at last {seen:?}");
    }

    /// A whole agent without a desktop, whose store, plugins and PBX session each break at their first word.
    #[tokio::test]
    async fn what_breaks_is_told_and_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(dir.path())).unwrap();
        // Nobody answers there, which is no fault of ours.
        let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let text = format!(
            "[audio]\nbackend = \"null\"\n[[account]]\naor = \"sip:1001@127.0.0.1\"\nregistrar = \"sip:{}\"\n\
             password = \"env:PATH\"\n",
            silent.local_addr().unwrap()
        );
        fs::write(dir.path().join("trayphone.toml"), text).unwrap();
        *FAULTS.lock().unwrap() = BTreeSet::from([Neighbour::Store, Neighbour::Host, Neighbour::Sip]);
        let (again, _begin_anew) = mpsc::channel();
        let funnel = Funnel::default();
        let settings = Settings::default();
        let parts = Parts { profile, funnel, desktop: Desktop::Headless, files: true, settings, again };
        let agent = std::thread::spawn(move || parts.live(&mpsc::channel().0).is_ok());
        let state = |status: &Status| status.accounts.first().map(|account| account.registration.clone());
        until(dir.path(), "a store and plugins that broke", |status| {
            status.faults.contains(&Neighbour::Store) && status.faults.contains(&Neighbour::Host)
        })
        .await;
        until(dir.path(), "a PBX session that broke", |status| {
            let fault = matches!(
                state(status),
                Some(Registration::Failed { reason: RegistrationProblem::Fault, retry_ms: Some(_) })
            );
            fault && status.faults.contains(&Neighbour::Sip)
        })
        .await;
        until(dir.path(), "an agent that is whole again", |status| {
            status.faults.is_empty() && state(status) == Some(Registration::Connecting)
        })
        .await;
        let mut client = Client::to(dir.path()).await.map_err(|failure| failure.text).unwrap();
        client.ask(&Request::Action(Action::Quit)).await.map_err(|failure| failure.text).unwrap();
        let ended = tokio::task::spawn_blocking(move || agent.join()).await.unwrap();
        assert!(ended.unwrap(), "it ended as asked");
    }
}
