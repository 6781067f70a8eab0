//! A PBX whose certificate nobody vouches for (`certificate = "first-use"`): its key is kept, another one is refused, and
//! the user alone can believe it.

use harness::{
    agent::{Account, Agent},
    certificate::Certificate,
    kamailio::{Kamailio, Options},
    port,
    sipp::Transport,
    wait::{self, SOON},
};
use std::{path::Path, process::Output};

const AOR: &str = "sip:1001@localhost";

fn kamailio(folder: &Path, certificate: &Certificate, (sip, tls): (u16, u16)) -> Kamailio {
    let options = Options {
        port: Some(sip),
        tls_port: Some(tls),
        certificate: Some(certificate),
        ..Options::default()
    };
    Kamailio::start_with(folder, &options)
}

fn trust(agent: &Agent, key: Option<&str>) -> (Option<i32>, String) {
    let key = key.map(|key| format!("--key={key}"));
    let mut arguments = vec!["account", "trust", AOR];
    arguments.extend(key.as_deref());
    let Output { status, stdout, stderr } = agent.command(&arguments);
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn a_key_that_changes_is_refused_until_the_user_believes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let [first, second] = ["first", "second"].map(|name| Certificate::make(folder, name, &["localhost"]));
    let ports = (port::free(), port::free());
    let pbx = kamailio(folder, &first, ports);
    let mut account = Account::at(ports.1, Transport::Tls, &Kamailio::password("1001"));
    account.aor = AOR.to_owned();
    account.registrar = format!("sip:localhost:{};transport=tls", ports.1);
    let mut start = account.start();
    start.settings = start.settings.replace("password = ", "certificate = \"first-use\"\npassword = ");
    let agent = Agent::start(folder, "agent", start);
    agent.wait_until_registered();
    let (code, said) = trust(&agent, None);
    assert!(
        code == Some(0) && said.contains("\"kept\":\"sha256:"),
        "there is nothing to decide: {code:?} {said}"
    );

    drop(pbx);
    let pbx = kamailio(folder, &second, ports);
    let trouble = wait::until(SOON * 3, || {
        let status = agent.ask(&["status"]).pop()?;
        let refused = status["accounts"][0]["registration"]["reason"]["problem"] == "certificate";
        let troubles = status["troubles"].to_string();
        (refused && troubles.contains("showed another key than at its first use")).then_some(troubles)
    });
    let trouble = trouble.unwrap_or_else(|| panic!("the other key was not refused\n{}", agent.proc));
    assert!(trouble.contains("account trust"), "it says what to do: {trouble}");

    // Whoever is not at a terminal is told both keys, and has to name the one that was compared.
    let (code, said) = trust(&agent, None);
    assert_eq!(code, Some(8), "{said}\n{}", pbx.proc);
    let shown = said.split("--key ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("the key");
    let other = format!("sha256:{}", "0".repeat(64));
    assert_eq!(trust(&agent, Some(&other)).0, Some(8), "another key than the one that is shown");
    let (code, said) = trust(&agent, Some(shown));
    assert_eq!(code, Some(0), "{said}");
    agent.wait_until_registered();
    assert!(
        agent.ask(&["status"]).pop().expect("a status")["troubles"].as_array().is_some_and(Vec::is_empty)
    );
}
