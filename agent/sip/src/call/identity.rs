//! Who calls: P-Asserted-Identity (RFC 3325), Remote-Party-ID and From, in the order the account believes them, and
//! whether they wish not to be shown (RFC 3323).

use crate::message::{Headers, NameAddr, Text, Uri, name};
use agent_core::{party::Party, settings::Identity};

/// Whose word counts about who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Belief {
    /// What tells, the first that does.
    pub(crate) order: Vec<Identity>,
    /// The message came from the account's registrar: what it asserts is believed (RFC 3325 section 5).
    pub(crate) registrar: bool,
    /// It asks for the Contact that only the registrar was told, or belongs to a call of ours: whose address can be forged
    /// has to know that besides.
    pub(crate) told: bool,
    /// The registrar may answer and hold the call (`Event: talk`).
    pub(crate) obeys: bool,
}

/// The other party of a request that begins a call, or that is one by itself.
pub(crate) fn party(headers: &Headers, belief: &Belief) -> Party {
    let from = headers.from().ok();
    let asserted = belief.order.iter().find_map(|source| asserted(headers, *source, belief, true));
    let privacy = Privacy::of(headers);
    // Somebody who hides in From and says by `none` that he does not mean it is shown as the network knows him.
    let hidden = from.as_ref().is_some_and(is_anonymous) && !(privacy.none && asserted.is_some());
    if privacy.hides || hidden || asserted.as_ref().is_some_and(|known| known.hidden) {
        return withheld();
    }
    let named = asserted.as_ref().is_some_and(|known| known.nameless);
    let from_counts = belief.order.contains(&Identity::From);
    let best = asserted.map(|known| known.address).or_else(|| from.clone().filter(|_| from_counts));
    let Some(best) = best else { return Party::default() };
    let same = |from: &&NameAddr| from.uri.user_text() == best.uri.user_text();
    // A PBX that asserts the bare number often leaves the name in From.
    let display =
        best.display.as_ref().or_else(|| from.as_ref().filter(same).and_then(|from| from.display.as_ref()));
    shown(&best, display.filter(|_| !named))
}

/// Who the other side of a call is by now, where a message within it says so (RFC 4916; RFC 3325, Remote-Party-ID).
/// `known` is the address of the dialog's other side where From may change it: it says something new only when it is
/// another one.
pub(super) fn connected(headers: &Headers, belief: &Belief, known: Option<&Uri>) -> Option<Party> {
    let asserted = belief.order.iter().find_map(|source| asserted(headers, *source, belief, false));
    let privacy = Privacy::of(headers);
    if let Some(known) = asserted {
        if privacy.hides || known.hidden {
            return Some(withheld());
        }
        return Some(shown(&known.address, known.address.display.as_ref().filter(|_| !known.nameless)));
    }
    if !belief.order.contains(&Identity::From) {
        return None;
    }
    let (known, from) = (known?, headers.from().ok()?);
    if known.same(&from.uri) || known.user_text() == from.uri.user_text() {
        return None;
    }
    if privacy.hides || is_anonymous(&from) {
        return Some(withheld());
    }
    Some(shown(&from, from.display.as_ref()))
}

/// Whether the network says who it is, and not only From, in which anybody writes what they like.
pub(super) fn is_asserted(headers: &Headers, belief: &Belief, beginning: bool) -> bool {
    belief.order.iter().any(|source| asserted(headers, *source, belief, beginning).is_some())
}

/// An asserted identity.
struct Asserted {
    address: NameAddr,
    /// Not to be shown.
    hidden: bool,
    /// Its name is not to be shown.
    nameless: bool,
}

/// What `source` asserts. `beginning`: the message is the INVITE that begins a call, in which the party called is no news.
fn asserted(headers: &Headers, source: Identity, belief: &Belief, beginning: bool) -> Option<Asserted> {
    let name = match source {
        Identity::PAssertedIdentity => name::P_ASSERTED_IDENTITY,
        Identity::RemotePartyId => name::REMOTE_PARTY_ID,
        Identity::From => return None,
    };
    if !belief.registrar {
        return None;
    }
    let mut list = headers.addresses(name).unwrap_or_default();
    if source == Identity::RemotePartyId && beginning {
        list.retain(|address| {
            !address.params.value("party").is_some_and(|party| party.eq_ignore_case("called"))
        });
    }
    let at = list.iter().position(|address| address.uri.user_text().is_some()).unwrap_or(0);
    let address = (at < list.len()).then(|| list.swap_remove(at))?;
    let wants = |what: &[&str]| {
        let value = address.params.value("privacy").filter(|_| source == Identity::RemotePartyId);
        value.is_some_and(|value| {
            words(value).any(|word| what.iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes())))
        })
    };
    let hidden = wants(&["full", "uri"]) || is_anonymous(&address);
    let nameless = wants(&["name"]);
    Some(Asserted { address, hidden, nameless })
}

/// The words of a privacy value: `full`, `name;uri`, `full-network`.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|b| b";,- ".contains(b)).filter(|word| !word.is_empty())
}

/// Somebody who does not want to be shown.
pub(super) fn withheld() -> Party {
    Party { number: String::new(), name: None, uri: ANONYMOUS.to_owned(), withheld: true }
}

/// An address as a party; `display` is its name.
pub(super) fn shown(address: &NameAddr, display: Option<&Text>) -> Party {
    let number = number(&address.uri);
    let name = display.map(|name| name.to_display()).filter(|name| !name.is_empty() && *name != number);
    let (name, number) = (name.map(|name| cut(&name)), cut(&number));
    Party { number, name, uri: cut(&bare(&address.uri)), withheld: false }
}

/// A header field may hold 16 KB; nobody reads them, and the journal would keep them.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// The longest name and number of a caller, characters.
const LONGEST: usize = 256;

/// The user part of an address as a person would write it.
pub(super) fn number(uri: &Uri) -> String {
    if let Uri::Tel(tel) = uri {
        return tel.digits();
    }
    let user = uri.user_text().map(|user| user.to_display()).unwrap_or_default();
    // `+4930;phone-context=…@host`: parameters of a telephone number (RFC 3261 section 19.1.6).
    let end = user.find(';').unwrap_or(user.len());
    user[..end].to_owned()
}

const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

/// What Privacy asks for (RFC 3323 section 4.2, RFC 3325 section 9.3). `critical` and `session` hide nobody by
/// themselves, and `none` asks that nothing be hidden.
struct Privacy {
    hides: bool,
    none: bool,
}

impl Privacy {
    fn of(headers: &Headers) -> Self {
        let has = |words: &[&str]| {
            let lines = headers.all(name::PRIVACY).flat_map(|line| line.split(|&b| b == b';' || b == b','));
            let mut said = lines.map(<[u8]>::trim_ascii);
            said.any(|said| words.iter().any(|word| said.eq_ignore_ascii_case(word.as_bytes())))
        };
        Self { hides: has(&["id", "user", "header"]), none: has(&["none"]) }
    }
}

pub(super) fn is_anonymous(from: &NameAddr) -> bool {
    let Some(uri) = from.uri.as_sip() else { return false };
    let host = uri.host.to_plain().to_ascii_lowercase();
    let user = uri.user_text().map(|user| user.to_text().to_ascii_lowercase()).unwrap_or_default();
    host == "anonymous.invalid" || user == "anonymous" || user == "restricted"
}

/// The address without parameters that matter only on the wire.
fn bare(uri: &Uri) -> String {
    match uri {
        Uri::Sip(sip) => {
            let bare = crate::message::SipUri {
                params: Vec::new(),
                headers: Vec::new(),
                password: None,
                ..sip.clone()
            };
            bare.to_string()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in lines {
            headers.push(*name, *value);
        }
        headers
    }

    /// Of a message from somebody else than the registrar.
    fn apart() -> Belief {
        Belief { registrar: false, ..belief() }
    }

    fn belief() -> Belief {
        Belief {
            order: agent_core::settings::AccountSettings::default().identity,
            registrar: true,
            told: true,
            obeys: false,
        }
    }

    fn read(lines: &[(&'static str, &str)]) -> Party {
        party(&headers(lines), &belief())
    }

    const ALL: &[(&str, &str)] = &[
        ("From", "\"Somebody\" <sip:100@x>;tag=1"),
        ("Remote-Party-ID", "\"Bob\" <sip:200@x>;party=calling;screen=yes;privacy=off"),
        ("P-Asserted-Identity", "\"Alice\" <sip:300@x>"),
    ];

    #[test]
    fn the_account_says_whose_word_counts() {
        use Identity::{From, PAssertedIdentity, RemotePartyId};
        for (order, number) in [
            (&[PAssertedIdentity, RemotePartyId, From][..], "300"),
            (&[RemotePartyId, PAssertedIdentity, From], "200"),
            (&[From], "100"),
            (&[RemotePartyId], "200"),
        ] {
            let belief = Belief { order: order.to_vec(), registrar: true, told: false, obeys: false };
            assert_eq!(party(&headers(ALL), &belief).number, number, "{order:?}");
        }
        let only = Belief { order: vec![PAssertedIdentity], registrar: true, told: false, obeys: false };
        assert_eq!(party(&headers(&ALL[..2]), &only), Party::default());
    }

    #[test]
    fn what_a_stranger_asserts_is_not_believed() {
        assert_eq!(party(&headers(ALL), &apart()).number, "100");
        let hides = [("From", "<sip:100@x>"), ("Privacy", "id"), ("P-Asserted-Identity", "<sip:300@x>")];
        assert!(party(&headers(&hides), &apart()).withheld, "but who wants to be hidden is");
    }

    #[test]
    fn a_remote_party_id_hides_all_or_only_the_name() {
        let said = |params: &str| {
            read(&[("From", "<sip:9@x>"), ("Remote-Party-ID", &format!("\"Bob\" <sip:200@x>;{params}"))])
        };
        assert!(said("privacy=full;screen=yes").withheld && said("privacy=\"name;uri\"").withheld);
        assert!(said("privacy=full-network").withheld);
        let nameless = said("party=calling;privacy=name");
        assert_eq!((nameless.number.as_str(), nameless.name), ("200", None));
        assert_eq!(said("party=called").number, "9", "in an INVITE the one called is no news");
    }

    #[test]
    fn none_shows_who_hides_in_from_and_critical_hides_nobody() {
        let lines = [
            ("From", "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1"),
            ("P-Asserted-Identity", "<sip:300@x>"),
        ];
        assert!(read(&lines).withheld);
        assert_eq!(read(&[&lines[..], &[("Privacy", "none")]].concat()).number, "300");
        assert!(read(&[lines[0], ("Privacy", "none")]).withheld, "nobody else says who it is");
        assert_eq!(read(&[("From", "<sip:1@x>"), ("Privacy", "critical")]).number, "1");
        assert!(read(&[("From", "<sip:1@x>"), ("Privacy", "header;critical")]).withheld);
    }

    #[test]
    fn who_is_connected_is_told_only_when_it_is_news() {
        let known: Uri = "sip:600@x".parse().unwrap();
        let said = |lines: &[(&'static str, &str)], request: bool| {
            connected(&headers(lines), &belief(), request.then_some(&known))
        };
        let number = |party: Option<Party>| party.map(|party| party.number);
        assert_eq!(said(&[("From", "<sip:600@other>;tag=1")], true), None);
        assert_eq!(number(said(&[("From", "<sip:601@x>;tag=1")], true)), Some("601".to_owned()));
        assert_eq!(said(&[("From", "<sip:601@x>;tag=1")], false), None, "From of an answer is our own");
        let pai = ("P-Asserted-Identity", "\"Carol\" <sip:602@x>");
        assert_eq!(number(said(&[("From", "<sip:600@x>"), pai], false)), Some("602".to_owned()));
        assert!(said(&[("From", "<sip:600@x>"), pai, ("Privacy", "id")], true).unwrap().withheld);
        let rpid = ("Remote-Party-ID", "<sip:603@x>;party=called");
        assert_eq!(number(said(&[rpid], false)), Some("603".to_owned()));
        assert_eq!(connected(&headers(&[rpid]), &apart(), None), None);
    }

    #[test]
    fn the_asserted_identity_comes_first() {
        let party = read(&[
            ("From", "\"Somebody\" <sip:100@x>;tag=1"),
            ("P-Asserted-Identity", "\"Alice\" <sip:+4930%31@x;user=phone>, <tel:+49-30-1>"),
        ]);
        assert_eq!((party.number.as_str(), party.name.as_deref()), ("+49301", Some("Alice")));
        assert_eq!(party.uri, "sip:+4930%31@x");
        assert!(!party.withheld);
        let party = read(&[("From", "\"Bob\" <sip:100@x>"), ("P-Asserted-Identity", "<sip:100@y>")]);
        assert_eq!((party.number.as_str(), party.name.as_deref()), ("100", Some("Bob")));
        let party = read(&[("From", "<sip:100@x>"), ("P-Asserted-Identity", "<tel:+49-30-1>")]);
        assert_eq!(party.number, "+49301");
    }

    #[test]
    fn from_serves_where_nothing_is_asserted() {
        let party = read(&[("From", "\"100\" <sip:100;ext=5@x;transport=tcp>;tag=1")]);
        assert_eq!((party.number.as_str(), party.name, party.uri.as_str()), ("100", None, "sip:100;ext=5@x"));
    }

    #[test]
    fn what_nobody_reads_is_cut() {
        let long = "ü".repeat(5000);
        let party = read(&[("From", &format!("\"{long}\" <sip:{}@x>;tag=1", "1".repeat(5000)))]);
        assert_eq!(party.name.map(|name| name.chars().count()), Some(256));
        assert_eq!(party.number.len(), 256);
    }

    #[test]
    fn who_wants_to_stay_unknown_stays_so() {
        for lines in [
            &[("From", "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1")][..],
            &[("From", "<sip:100@x>"), ("P-Asserted-Identity", "<sip:100@x>"), ("Privacy", "critical; id")],
            &[("From", "<sip:100@x>"), ("Privacy", "user")],
        ] {
            let party = read(lines);
            assert!(party.withheld && party.number.is_empty() && party.name.is_none(), "{lines:?}");
            assert!(!party.uri.contains("100"));
        }
        assert!(!read(&[("From", "<sip:100@x>"), ("Privacy", "none")]).withheld);
    }
}
