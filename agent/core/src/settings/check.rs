//! Settings that parse and still make no sense, each named with its key and what to write instead.

use super::{
    AccountSettings, AudioBackend, AudioSettings, HotkeySettings, PasswordSource, Settings, same_address,
};
use crate::{
    number::known_country,
    pbx::BUILT_IN,
    plain::plain,
    text::{self, Phrase},
};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsProblem {
    /// `calls.lookup_ms`; `account[1].aor` for the second account.
    pub key: String,
    /// What is wrong and what to write, in the settings' language.
    pub text: String,
}

/// The most numbers that can be blocked: each is held against every call that comes in.
pub(crate) const MOST_BLOCKED: usize = 1000;

/// Collects problems in one language.
struct Checker<'a> {
    settings: &'a Settings,
    problems: Vec<SettingsProblem>,
}

impl Settings {
    /// Values that parse and still make no sense, in the order of the file; empty when all is well.
    pub fn check(&self) -> Vec<SettingsProblem> {
        let mut checker = Checker { settings: self, problems: Vec::new() };
        for (index, account) in self.accounts.iter().enumerate() {
            checker.account(index, account);
        }
        checker.audio(&self.audio);
        let calls = &self.calls;
        checker.range("calls.ring_seconds", calls.ring_seconds, 10, 600);
        checker.range("calls.forward_seconds", calls.forward_seconds, 5, 180);
        checker.range("calls.lookup_ms", calls.lookup_ms, 100, 10_000);
        checker.range("calls.most", calls.most, 1, 1000);
        checker.blocked(&calls.blocked);
        checker.hotkeys(&self.hotkeys);
        checker.numbers();
        checker.problems
    }
}

impl Checker<'_> {
    fn wrong(&mut self, key: &str, phrase: &Phrase, filled: &[&str]) {
        let text = phrase.say(self.settings.language, filled);
        self.problems.push(SettingsProblem { key: key.to_owned(), text });
    }

    fn range(&mut self, key: &str, value: u32, least: u32, most: u32) {
        if !(least..=most).contains(&value) {
            self.wrong(key, &text::SET_RANGE, &[&least.to_string(), &most.to_string(), &value.to_string()]);
        }
    }

    /// Whom the password is for, and under which name.
    fn credentials(&mut self, account: &AccountSettings, key: &dyn Fn(&str) -> String) {
        let bad = |realm: &String| {
            realm.trim().is_empty() || realm.len() > 255 || realm.chars().any(char::is_control)
        };
        if account.realms.len() > MOST_PROXIES || account.realms.iter().any(bad) {
            let most = MOST_PROXIES.to_string();
            self.wrong(&key("realms"), &text::settings::REALMS, &[&most]);
        }
        if account.username.as_deref().is_some_and(|u| u.is_empty() || u.chars().any(char::is_control)) {
            self.wrong(&key("username"), &text::SET_USERNAME, &[]);
        }
    }

    fn account(&mut self, index: usize, account: &AccountSettings) {
        let key = |name: &str| format!("account[{index}].{name}");
        if let Some(port) = bad_port(&account.aor) {
            self.wrong(&key("aor"), &text::SET_PORT, &[&plain(&account.aor), port]);
        } else if !address(&account.aor) {
            self.wrong(&key("aor"), &text::SET_AOR, &[&plain(&account.aor)]);
        } else if self.settings.accounts[..index].iter().any(|a| same_address(&a.aor, &account.aor)) {
            self.wrong(&key("aor"), &text::SET_AOR_TWICE, &[&account.aor]);
        }
        if let Some(registrar) = account.registrar.as_deref().filter(|r| !registrar_fits(r)) {
            match bad_port(registrar) {
                Some(port) => self.wrong(&key("registrar"), &text::SET_PORT, &[&plain(registrar), port]),
                None => self.wrong(&key("registrar"), &text::SET_REGISTRAR, &[&plain(registrar)]),
            }
        }
        if account.outbound_proxy.len() > MOST_PROXIES {
            let most = MOST_PROXIES.to_string();
            self.wrong(&key("outbound_proxy"), &text::settings::PROXIES, &[&most]);
        } else if let Some(proxy) =
            account.outbound_proxy.iter().find(|proxy| !registrar_fits(&strict(proxy)))
        {
            self.wrong(&key("outbound_proxy"), &text::settings::PROXY, &[&plain(proxy)]);
        }
        self.credentials(account, &key);
        for (name, list) in [("watch", &account.watch), ("presence", &account.presence)] {
            if list.len() > MOST_WATCHED {
                self.wrong(&key(name), &text::watch::TOO_MANY, &[&MOST_WATCHED.to_string()]);
            } else if let Some(target) = list.iter().find(|target| !watchable(target)) {
                self.wrong(&key(name), &text::watch::NO_TARGET, &[&plain(target)]);
            }
        }
        if let Some(ca) = account.ca.as_deref().filter(|ca| !std::path::Path::new(ca).is_absolute()) {
            self.wrong(&key("ca"), &text::secure::SET_CA, &[&plain(ca)]);
        }
        if !profile_fits(&account.profile) {
            let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            let filled = [&*plain(&account.profile), &known.join(", ")];
            self.wrong(&key("profile"), &text::pbx::SET_PROFILE, &filled);
        }
        if !path_fits(&account.websocket_path) {
            self.wrong(&key("websocket_path"), &text::secure::SET_PATH, &[&plain(&account.websocket_path)]);
        }
        let twice = |at: usize| account.identity[..at].contains(&account.identity[at]);
        if account.identity.is_empty() || (0..account.identity.len()).any(twice) {
            self.wrong(&key("identity"), &text::settings::IDENTITY, &[]);
        }
        if account.session_timer != 0 {
            self.range(&key("session_timer"), account.session_timer, 90, 86_400);
        }
        if let PasswordSource::Env(name) = &account.password {
            let word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !word || name.starts_with(|c: char| c.is_ascii_digit()) {
                self.wrong(&key("password"), &text::SET_VARIABLE, &[&plain(name)]);
            }
        }
    }

    fn audio(&mut self, audio: &AudioSettings) {
        let names =
            [("audio.input", &audio.input), ("audio.output", &audio.output), ("audio.ring", &audio.ring)];
        for (key, name) in names {
            match name {
                Some(name) if name.trim().is_empty() => self.wrong(key, &text::SET_EMPTY, &[]),
                None if audio.backend == AudioBackend::Wav && key != "audio.ring" => {
                    self.wrong(key, &text::SET_WAV, &[]);
                }
                _ => {}
            }
        }
    }

    fn blocked(&mut self, blocked: &[String]) {
        if let Some(wrong) = blocked.iter().find(|pattern| crate::number::Pattern::read(pattern).is_none()) {
            self.wrong("calls.blocked", &text::settings::BLOCKED, &[&plain(wrong)]);
        }
        if blocked.len() > MOST_BLOCKED {
            self.wrong("calls.blocked", &text::settings::BLOCKED_MANY, &[&MOST_BLOCKED.to_string()]);
        }
    }

    fn hotkeys(&mut self, hotkeys: &HotkeySettings) {
        let all = [
            ("hotkeys.answer", &hotkeys.answer),
            ("hotkeys.hang_up", &hotkeys.hang_up),
            ("hotkeys.dial_selection", &hotkeys.dial_selection),
        ];
        for (index, (key, hotkey)) in all.iter().enumerate() {
            if hotkey.is_empty() {
                continue;
            }
            let Some(canonical) = canonical_hotkey(hotkey) else {
                self.wrong(key, &text::SET_HOTKEY, &[&plain(hotkey)]);
                continue;
            };
            if all[..index].iter().any(|(_, other)| canonical_hotkey(other).as_ref() == Some(&canonical)) {
                self.wrong(key, &text::SET_HOTKEY_TWICE, &[&plain(hotkey)]);
            }
        }
    }

    fn numbers(&mut self) {
        let numbers = &self.settings.numbers;
        if !known_country(&numbers.country) {
            self.wrong("numbers.country", &text::SET_COUNTRY, &[&plain(&numbers.country)]);
        }
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !digits(&numbers.area) || numbers.area.len() > 6 || numbers.area.starts_with('0') {
            self.wrong("numbers.area", &text::SET_AREA, &[&plain(&numbers.area)]);
        }
        let prefix = &numbers.outside_prefix;
        if prefix.len() > 4 || !prefix.bytes().all(|b| b.is_ascii_digit() || b"*#".contains(&b)) {
            self.wrong("numbers.outside_prefix", &text::SET_PREFIX, &[&plain(prefix)]);
        }
        self.range("numbers.internal_digits", numbers.internal_digits, 2, 8);
    }
}

/// The name of a profile that comes along, or the whole path of one's own.
fn profile_fits(profile: &str) -> bool {
    matches!(profile, "auto" | "none")
        || BUILT_IN.iter().any(|(name, _)| *name == profile)
        || std::path::Path::new(profile).is_absolute()
}

/// The most lines and the most people an account watches.
const MOST_WATCHED: usize = 1000;

/// The most proxies on the way.
const MOST_PROXIES: usize = 4;

/// A proxy without `;lr`, which each has, written or not.
fn strict(proxy: &str) -> String {
    proxy.split(';').filter(|part| *part != "lr").collect::<Vec<_>>().join(";")
}

/// An extension or an address, with nothing that could break out of a header.
pub(crate) fn watchable(target: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "<>\"".contains(c);
    !target.is_empty() && target.len() <= 256 && !target.starts_with("sips:") && !target.chars().any(odd)
}

/// `sip:user@host[:port]` with nothing that could break out of a header.
fn address(aor: &str) -> bool {
    let Some((user, host)) = aor.strip_prefix("sip:").and_then(|rest| rest.split_once('@')) else {
        return false;
    };
    let odd = |c: char| c.is_control() || c.is_whitespace() || "<>\"@:;?".contains(c);
    !user.is_empty() && !user.chars().any(odd) && host_port(host)
}

fn host_port(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => {
            let hex = |b: u8| b.is_ascii_hexdigit() || b == b':' || b == b'.';
            if !host.bytes().all(hex) {
                return false;
            }
            (host, if rest.is_empty() { Some("") } else { rest.strip_prefix(':') })
        }
        None => {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
                return false;
            }
            (host, Some(port))
        }
    };
    let numbered = |port: &str| port.is_empty() || port.parse::<u16>().is_ok_and(|p| p > 0);
    !host.is_empty() && port.is_some_and(numbered) && !text.ends_with(':')
}

/// The number behind an address's last colon that is no port, if it is a number at all.
fn bad_port(address: &str) -> Option<&str> {
    let address = address.split(';').next().unwrap_or(address);
    let (_, port) = address.rsplit_once(':').filter(|_| !address.ends_with(']'))?;
    let number = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let host = address.contains('@') || address.matches(':').count() > 1;
    (number && host && port.parse::<u16>().map_or(true, |port| port == 0)).then_some(port)
}

fn registrar_fits(text: &str) -> bool {
    let secure = text.starts_with("sips:");
    let Some(rest) = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:")) else { return false };
    let (host, transport) = rest.split_once(';').unwrap_or((rest, "transport=tcp"));
    // What `sips:` asks for, datagrams cannot give.
    let known = match transport {
        "transport=udp" => !secure,
        "transport=tcp" | "transport=tls" | "transport=ws" | "transport=wss" => true,
        _ => false,
    };
    host_port(host) && known
}

/// The longest path of a WebSocket, bytes.
const LONGEST_PATH: usize = 256;

/// `/` and what may stand in the first line of an HTTP request behind it (RFC 3986 section 3.3), a query included.
fn path_fits(path: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/?".contains(&b);
    path.starts_with('/') && path.len() <= LONGEST_PATH && path.bytes().all(fits)
}

/// A hotkey with its modifiers in one order, or `None` when it is none: at least one modifier and one key.
fn canonical_hotkey(text: &str) -> Option<String> {
    let mut parts: Vec<String> = text.split('+').map(|part| part.trim().to_ascii_lowercase()).collect();
    let key = parts.pop().filter(|key| key_fits(key))?;
    let mut modifiers = Vec::new();
    for part in parts {
        modifiers.push(match part.as_str() {
            "ctrl" | "control" => "1ctrl",
            "alt" | "option" => "2alt",
            "shift" => "3shift",
            "super" | "win" | "meta" | "cmd" => "4super",
            _ => return None,
        });
    }
    modifiers.sort_unstable();
    modifiers.dedup();
    (!modifiers.is_empty()).then(|| format!("{}+{key}", modifiers.join("+")))
}

fn key_fits(key: &str) -> bool {
    let one = key.len() == 1 && key.bytes().all(|b| b.is_ascii_alphanumeric());
    let function =
        key.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()).is_some_and(|n| (1..=24).contains(&n));
    one || function
        || ["space", "enter", "tab", "home", "end", "insert", "delete", "pageup", "pagedown", "pause"]
            .contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Language;

    fn account(aor: &str) -> AccountSettings {
        AccountSettings { aor: aor.to_owned(), ..AccountSettings::default() }
    }

    fn keys(change: impl FnOnce(&mut Settings)) -> Vec<String> {
        let mut settings =
            Settings { accounts: vec![account("sip:1001@pbx.example")], ..Settings::default() };
        change(&mut settings);
        settings.check().into_iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn good_settings_have_no_problem() {
        assert_eq!(keys(|_| {}), Vec::<String>::new());
        assert_eq!(Settings::default().check(), vec![]);
        for aor in ["sip:1001@192.0.2.1:5070", "sip:a.b+c@[2001:db8::1]", "sip:1001@pbx"] {
            assert_eq!(keys(|s| s.accounts[0].aor = aor.to_owned()), Vec::<String>::new(), "{aor}");
        }
        for registrar in [
            "sip:pbx",
            "sip:pbx:5060;transport=tcp",
            "sip:[::1]:5060;transport=udp",
            "sip:pbx;transport=tls",
            "sips:pbx:5061",
            "sip:pbx:8088;transport=ws",
            "sip:pbx:8089;transport=wss",
            "sips:pbx;transport=ws",
        ] {
            assert_eq!(keys(|s| s.accounts[0].registrar = Some(registrar.to_owned())), Vec::<String>::new());
        }
    }

    #[test]
    fn an_address_that_is_none_is_named_with_its_key() {
        for aor in [
            "1001",
            "sip:1001",
            "sip:@pbx",
            "sip:a b@pbx",
            "sip:a@b@c",
            "sips:a@b",
            "sip:a@b:0",
            "sip:a@b\r\nX: y",
        ] {
            assert_eq!(keys(|s| s.accounts[0].aor = aor.to_owned()), ["account[0].aor"], "{aor}");
        }
        for registrar in [
            "pbx",
            "sip:",
            "sip:pbx;transport=sctp",
            "sips:pbx;transport=udp",
            "sip:pbx:x",
            "sip:pbx:",
            "sip:[::1]x",
        ] {
            assert_eq!(
                keys(|s| s.accounts[0].registrar = Some(registrar.to_owned())),
                ["account[0].registrar"]
            );
        }
    }

    #[test]
    fn proxies_are_written_as_registrars_are() {
        let proxies = |all: &[&str]| {
            keys(|s| s.accounts[0].outbound_proxy = all.iter().map(|it| (*it).to_owned()).collect())
        };
        for good in
            ["sip:proxy", "sip:proxy:5070;transport=tcp;lr", "sip:[::1];lr", "sips:proxy;lr;transport=tls"]
        {
            assert_eq!(proxies(&[good, "sip:second;lr"]), Vec::<String>::new(), "{good}");
        }
        for bad in [
            "",
            "proxy",
            "sip:proxy;transport=sctp",
            "sips:proxy;transport=udp",
            "sip:proxy>\r\nX: y",
            "sip:a@b",
            "<sip:proxy;lr>",
        ] {
            assert_eq!(proxies(&[bad]), ["account[0].outbound_proxy"], "{bad}");
        }
        assert_eq!(proxies(&["sip:proxy"; 5]), ["account[0].outbound_proxy"]);
    }

    #[test]
    fn each_problem_of_other_keys_names_its_own() {
        for twice in ["sip:1001@PBX.example", "sip:1001@pbx.example:5060"] {
            assert_eq!(keys(|s| s.accounts.push(account(twice))), ["account[1].aor"], "{twice}");
        }
        assert_eq!(keys(|s| s.accounts[0].username = Some(String::new())), ["account[0].username"]);
        for path in ["", "ws", "/w s", "/ws#x", "/\r\nX: y", "/ü", &"/".repeat(257)] {
            let set = |s: &mut Settings| s.accounts[0].websocket_path = path.to_owned();
            assert_eq!(keys(set), ["account[0].websocket_path"], "{path}");
        }
        for path in ["/", "/ws", "/pbx/sip?token=a%20b"] {
            assert_eq!(keys(|s| s.accounts[0].websocket_path = path.to_owned()), Vec::<String>::new());
        }
        assert_eq!(keys(|s| s.accounts[0].ca = Some("pbx.pem".to_owned())), ["account[0].ca"]);
        assert_eq!(
            keys(|s| s.accounts[0].password = PasswordSource::Env("A B".to_owned())),
            ["account[0].password"]
        );
        assert_eq!(keys(|s| s.audio.backend = AudioBackend::Wav), ["audio.input", "audio.output"]);
        assert_eq!(keys(|s| s.audio.ring = Some(" ".to_owned())), ["audio.ring"]);
        assert_eq!(keys(|s| s.calls.ring_seconds = 9), ["calls.ring_seconds"]);
        assert_eq!(keys(|s| s.calls.forward_seconds = 181), ["calls.forward_seconds"]);
        assert_eq!(keys(|s| s.accounts[0].realms = vec!["a\nb".to_owned()]), ["account[0].realms"]);
        assert_eq!(keys(|s| s.accounts[0].realms = vec!["a".to_owned(); 99]), ["account[0].realms"]);
        assert_eq!(keys(|s| s.calls.lookup_ms = 10_001), ["calls.lookup_ms"]);
        assert_eq!(keys(|s| s.calls.most = 0), ["calls.most"]);
        assert_eq!(keys(|s| s.numbers.country = "XX".to_owned()), ["numbers.country"]);
        assert_eq!(keys(|s| s.numbers.country = "Germany".to_owned()), ["numbers.country"]);
        assert_eq!(keys(|s| s.numbers.area = "030".to_owned()), ["numbers.area"]);
        assert_eq!(keys(|s| s.numbers.outside_prefix = "0w".to_owned()), ["numbers.outside_prefix"]);
        assert_eq!(keys(|s| s.numbers.internal_digits = 9), ["numbers.internal_digits"]);
        assert_eq!(keys(|s| s.hotkeys.answer = "A".to_owned()), ["hotkeys.answer"]);
        assert_eq!(keys(|s| s.hotkeys.answer = "Hyper+A".to_owned()), ["hotkeys.answer"]);
        assert_eq!(keys(|s| s.hotkeys.hang_up = "alt+ctrl+a".to_owned()), ["hotkeys.hang_up"]);
        assert_eq!(keys(|s| s.hotkeys.hang_up = String::new()), Vec::<String>::new());
    }

    #[test]
    fn lists_hold_what_makes_sense() {
        let twice = crate::settings::Identity::From;
        for wrong in [vec![], vec![twice, twice]] {
            assert_eq!(keys(|s| s.accounts[0].identity = wrong), ["account[0].identity"]);
        }
        for target in ["", "10 02", "<sip:1002@x>", "1002\r\nX: y", "sips:1002@x"] {
            assert_eq!(
                keys(|s| s.accounts[0].watch = vec![target.to_owned()]),
                ["account[0].watch"],
                "{target}"
            );
        }
        assert_eq!(keys(|s| s.accounts[0].presence = vec!["1".to_owned(); 1001]), ["account[0].presence"]);
        assert_eq!(
            keys(|s| s.accounts[0].watch = vec!["sip:1002@pbx:5070".to_owned()]),
            Vec::<String>::new()
        );
        for wrong in ["", "*", "0*", "abc", "+49*30", "12345678901234567890123456789012345678901"] {
            assert_eq!(keys(|s| s.calls.blocked = vec![wrong.to_owned()]), ["calls.blocked"], "{wrong}");
        }
        assert_eq!(keys(|s| s.calls.blocked = vec!["1".repeat(5); 1001]), ["calls.blocked"]);
    }

    #[test]
    fn a_profile_is_known_or_a_file() {
        for wrong in ["", "Asterisk", "pbx.toml", "../freepbx", "freepbx "] {
            assert_eq!(keys(|s| s.accounts[0].profile = wrong.to_owned()), ["account[0].profile"], "{wrong}");
        }
        let own = std::env::temp_dir().join("mine.toml").display().to_string();
        for right in ["auto", "none", "asterisk", "yeastar-s", &own] {
            assert_eq!(keys(|s| s.accounts[0].profile = right.to_owned()), Vec::<String>::new(), "{right}");
        }
    }

    #[test]
    fn a_session_lasts_for_a_while_or_has_no_timer() {
        for wrong in [1, 89, 86_401] {
            assert_eq!(keys(|s| s.accounts[0].session_timer = wrong), ["account[0].session_timer"]);
        }
        for right in [0, 90, 86_400] {
            assert_eq!(keys(|s| s.accounts[0].session_timer = right), Vec::<String>::new());
        }
    }

    #[test]
    fn a_port_that_is_none_is_named() {
        let said = |aor: &str, registrar: &str| {
            let mut account = account(aor);
            account.registrar = Some(registrar.to_owned());
            let settings = Settings { accounts: vec![account], ..Settings::default() };
            settings.check().into_iter().map(|problem| problem.text).collect::<Vec<_>>().join("\n")
        };
        assert!(said("sip:1@h:99999", "sip:h").contains("99999, which is no port"));
        assert!(said("sip:1@h:0", "sip:h").contains("0, which is no port"));
        assert!(said("sip:1@h", "sip:h:70000;transport=tcp").contains("70000, which is no port"));
        assert!(said("sip:1@[2001:db8::1]:65536", "sip:h").contains("65536, which is no port"));
        assert_eq!(said("sip:1@[2001:db8::0]:1", "sip:[::1]:65535"), "");
        assert!(said("1001", "sip:12").contains("is not an address"));
    }

    #[test]
    fn the_sentence_is_in_the_language_of_the_settings() {
        let mut settings = Settings { language: Language::De, ..Settings::default() };
        settings.calls.most = 2000;
        assert_eq!(settings.check()[0].text, "muss zwischen 1 und 1000 liegen, ist aber 2000");
    }
}
