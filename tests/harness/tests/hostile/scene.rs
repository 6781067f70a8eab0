//! What these tests begin and end with: an exchange, an agent registered there, and a normal call that is served.

use agent_exchange::{CallerCall, Exchange, ExchangeConfig, Ring, User};
use harness::{
    agent::{Account, Agent, Start},
    sipp::Transport,
    wait::{self, SOON},
};
use std::net::SocketAddr;

/// Who calls normally.
pub(crate) const NUMBER: &str = "+4930123456";

/// An exchange and an agent that is registered there as user 1001.
pub(crate) struct Scene {
    pub(crate) agent: Agent,
    pub(crate) exchange: Exchange,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// Starts both.
    pub(crate) fn new() -> Self {
        Self::with(&["1001"], |_| ())
    }

    /// Starts both, with an account for each of these users and another change to how the agent starts.
    pub(crate) fn with(users: &[&str], change: impl FnOnce(&mut Start)) -> Self {
        let scene = Self::started(users, change);
        scene.all_are_registered(users.len());
        scene
    }

    fn started(users: &[&str], change: impl FnOnce(&mut Start)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let known = users.iter().map(|user| User::new(user, "secret")).collect();
        let config = ExchangeConfig { users: known, ..ExchangeConfig::default() };
        let exchange = Exchange::start(config).expect("the exchange starts");
        let port = exchange.address().port();
        let mut start = Account::at(port, Transport::Udp, "secret").start();
        // Strangers are let in here: what they say is what is tested. `callers.rs` tests that they are kept out.
        start.settings.push_str("\n[calls]\nfrom = \"anyone\"\n");
        for user in &users[1..] {
            let password = &start.environment[0].0;
            let account = format!(
                "\n[[account]]\naor = \"sip:{user}@127.0.0.1:{port}\"\npassword = \"env:{password}\"\n"
            );
            start.settings.push_str(&account);
        }
        change(&mut start);
        let agent = Agent::start(folder.path(), "agent", start);
        Self { agent, exchange, _folder: folder }
    }

    /// Starts both, with an account at each of these registrars besides; waits only for the one at the exchange.
    pub(crate) fn with_neighbours(registrars: impl Iterator<Item = SocketAddr>) -> Self {
        let scene = Self::started(&["1001"], |start| {
            let password = start.environment[0].0.clone();
            for address in registrars {
                start.settings.push_str(&format!(
                    "\n[[account]]\naor = \"sip:1001@{address}\"\npassword = \"env:{password}\"\n"
                ));
            }
        });
        scene.agent.wait_until_registered();
        scene
    }

    /// Waits until so many accounts are registered, and no other is there.
    pub(crate) fn all_are_registered(&self, accounts: usize) {
        let mut last = serde_json::Value::Null;
        let registered = wait::until(SOON, || {
            last = self.agent.ask(&["status"]).pop()?;
            let told = last["accounts"].as_array()?;
            let all = told.iter().all(|account| account["registration"]["state"] == "registered");
            (all && told.len() == accounts).then_some(())
        });
        assert!(registered.is_some(), "not every account is registered: {last}\n{}", self.agent.proc);
    }

    /// The exchange rings the agent.
    pub(crate) fn ring(&self) -> CallerCall {
        self.exchange.ring(&Ring::new("1001", NUMBER)).expect("the phone is registered")
    }

    /// A call of the normal kind: it rings, is answered, and ends.
    pub(crate) fn a_call_is_served(&self) {
        let seen = self.agent.events().len();
        let call = self.ring();
        let ours = |event: &serde_json::Value| event["type"] == "call" && event["party"]["number"] == NUMBER;
        let incoming = |event: &serde_json::Value| ours(event) && event["state"] == "incoming";
        let (event, seen) = self.agent.wait_for("a normal call", seen, SOON, incoming);
        self.agent.ask(&["answer", &event["call"].to_string()]);
        let is =
            |state: &'static str| move |event: &serde_json::Value| ours(event) && event["state"] == state;
        let (_, seen) = self.agent.wait_for("its answer", seen, SOON, is("established"));
        call.hang_up();
        self.agent.wait_for("its end", seen, SOON, is("terminated"));
    }
}
