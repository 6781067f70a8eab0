//! The table of settings: it drives the file that is written for the user, the help and the documentation.

/// One key of `trayphone.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// `calls.lookup_ms`; keys of an account are `account.aor` and so on.
    pub path: &'static str,
    /// The default as TOML; `None` for a key that is absent until the user sets it.
    pub default: Option<&'static str>,
    /// One line of help.
    pub help: &'static str,
}

const fn key(path: &'static str, default: &'static str, help: &'static str) -> Key {
    Key { path, default: Some(default), help }
}

const fn absent(path: &'static str, help: &'static str) -> Key {
    Key { path, default: None, help }
}

/// Every key there is, in the order of the file.
pub const KEYS: &[Key] = &[
    key(
        "language",
        "\"auto\"",
        "Language of what you read: \"auto\" (as the system), \"de\", \"en\" or \"fr\".",
    ),
    absent("account.aor", "Address at the PBX, \"sip:1001@pbx.example\"; one [[account]] block for each."),
    absent(
        "account.registrar",
        "Where to register, \"sip:pbx.example:5060;transport=tcp\"; the address's domain if absent.",
    ),
    absent(
        "account.outbound_proxy",
        "Proxies every request goes through, [\"sip:proxy.example;transport=tcp\"]; none if absent.",
    ),
    absent(
        "account.realms",
        "Realms the password is for besides the PBX's own, [\"asterisk\"]; none if absent.",
    ),
    absent("account.username", "Digest user name; the user part of the address if absent."),
    key(
        "account.password",
        "\"keyring\"",
        "Where the password is: \"keyring\" or \"env:NAME\"; never the password itself.",
    ),
    absent("account.ca", "A PEM file of authorities trusted beside the system's, its whole path."),
    key(
        "account.certificate",
        "\"system\"",
        "What proves the PBX over TLS: \"system\" (authorities and name), \"first-use\", or its key, \"sha256:HEX\".",
    ),
    key(
        "account.websocket_path",
        "\"/ws\"",
        "The path of the PBX's WebSocket, for transport=ws and wss: Asterisk has /ws, FreeSWITCH takes /.",
    ),
    key(
        "account.identity",
        "[\"p-asserted-identity\", \"remote-party-id\", \"from\"]",
        "What tells who calls, the first that does; the first two count from the registrar only.",
    ),
    absent(
        "account.watch",
        "Lines whose calls are shown, [\"1002\", \"sip:1003@pbx.example\"]; none if absent.",
    ),
    absent("account.presence", "People whose presence is shown, as in watch; none if absent."),
    key(
        "account.voice_mail",
        "false",
        "Ask the PBX whether voice mail waits; what it tells unasked is shown in any case.",
    ),
    key("account.other_phones", "false", "Ask the PBX which other phones are registered for the address."),
    key("account.publish", "false", "Tell the PBX your presence: in a call, and what you set."),
    key(
        "account.session_timer",
        "1800",
        "Seconds without a sign of life that end a call (90 to 86400); 0: only where the PBX asks for it.",
    ),
    key(
        "account.reliable_ringing",
        "false",
        "Have every caller who can acknowledge that it rings here, not only who insists.",
    ),
    key(
        "account.profile",
        "\"auto\"",
        "The kind of PBX, for its codes: \"auto\" (as it calls itself), a name, an own file's whole path, \"none\".",
    ),
    key(
        "account.auto_answer",
        "\"never\"",
        "Calls that ask to be answered by themselves: \"never\", or where the \"registrar\" asks.",
    ),
    key(
        "account.transfers",
        "\"internal\"",
        "Where others may send you unasked: \"never\", \"ask\", \"internal\" extensions, or \"follow\" any number.",
    ),
    key(
        "account.remote_dial",
        "\"ask\"",
        "What the PBX may have this phone dial: \"never\" anything, what you say yes to (\"ask\"), or \"follow\" plain numbers.",
    ),
    key("account.dtmf", "\"auto\"", "How keys are sent: \"auto\", \"rfc4733\", \"info-relay\" or \"info\"."),
    absent("account.waiting", "Offer a second call on this account; as in [calls] if absent."),
    key("account.reject_anonymous", "false", "Refuse callers who hide their number."),
    key(
        "audio.backend",
        "\"device\"",
        "\"device\" (sound devices), \"null\" (silence) or \"wav\" (files; only headless).",
    ),
    absent(
        "audio.input",
        "The microphone's name, or with \"wav\" the file to speak from; the system's default if absent.",
    ),
    absent("audio.output", "The name of what you listen with, or with \"wav\" the file to write to."),
    absent("audio.ring", "The device that rings; the one you listen with if absent."),
    key("calls.ring_seconds", "180", "A call that rings longer is given up, in seconds (10 to 600)."),
    key(
        "calls.forward_seconds",
        "20",
        "A call that rings longer goes where unanswered calls are forwarded here, in seconds (5 to 180).",
    ),
    key(
        "calls.lookup_ms",
        "2000",
        "How long the toast waits for a caller's name, in milliseconds (100 to 10000).",
    ),
    key(
        "calls.waiting",
        "true",
        "Offer a second call while one rings or is up; false answers it with \"busy\".",
    ),
    key("calls.most", "1000", "The most calls at once (1 to 1000); more are answered with \"busy\"."),
    key(
        "calls.from",
        "\"registrar\"",
        "Who may ring: \"registrar\" (the PBX only) or \"anyone\" who reaches this computer's port.",
    ),
    key(
        "calls.blocked",
        "[]",
        "Numbers that never ring, \"+49 30 1234\"; a * at the end stands for whatever follows.",
    ),
    key(
        "calls.blocked_hear",
        "\"busy\"",
        "What a blocked caller hears: \"busy\" (486) or \"declined\" (603).",
    ),
    key(
        "screen-pop.open",
        "\"answer\"",
        "When a caller's record opens: \"answer\", \"ring\" or \"never\" (only on a click).",
    ),
    key(
        "hotkeys.answer",
        "\"Ctrl+Alt+A\"",
        "Takes the call that rings, of several the oldest; \"\" switches the hotkey off.",
    ),
    key("hotkeys.hang_up", "\"Ctrl+Alt+H\"", "Ends the call."),
    key("hotkeys.dial_selection", "\"Ctrl+Alt+C\"", "Dials the number that is selected in any program."),
    key("numbers.country", "\"DE\"", "Two-letter country of the PBX, for numbers without a country code."),
    key(
        "numbers.area",
        "\"\"",
        "Area code without its leading zero, for numbers without one; \"\" for none.",
    ),
    key("numbers.outside_prefix", "\"\"", "What is dialled before an outside number; \"\" for nothing."),
    key(
        "numbers.internal_digits",
        "4",
        "Numbers of at most this many digits are extensions of the PBX (2 to 8).",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{AccountSettings, AudioSettings, PasswordSource, Settings};
    use std::collections::BTreeMap;

    fn flatten(prefix: &str, value: &toml::Value, out: &mut BTreeMap<String, String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    flatten(&path, value, out);
                }
            }
            toml::Value::Array(blocks) if blocks.iter().any(toml::Value::is_table) => {
                blocks.iter().for_each(|block| flatten(prefix, block, out))
            }
            value => {
                out.insert(prefix.to_owned(), value.to_string());
            }
        }
    }

    fn flat(settings: &Settings) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        flatten("", &toml::Value::try_from(settings).unwrap(), &mut out);
        out
    }

    #[test]
    fn the_table_is_the_settings() {
        let defaults = flat(&Settings::default());
        for key in KEYS.iter().filter(|key| !key.path.starts_with("account.")) {
            assert_eq!(defaults.get(key.path).map(String::as_str), key.default, "{}", key.path);
            assert!(key.help.ends_with('.') && key.help.len() < 110, "{}", key.path);
        }
        let full = Settings {
            accounts: vec![AccountSettings {
                aor: String::new(),
                registrar: Some(String::new()),
                username: Some(String::new()),
                password: PasswordSource::default(),
                ca: Some(String::new()),
                watch: vec![String::new()],
                outbound_proxy: vec![String::new()],
                realms: vec![String::new()],
                presence: vec![String::new()],
                waiting: Some(true),
                ..AccountSettings::default()
            }],
            audio: AudioSettings {
                input: Some(String::new()),
                output: Some(String::new()),
                ring: Some(String::new()),
                ..AudioSettings::default()
            },
            ..Settings::default()
        };
        let full = flat(&full);
        let known: Vec<&str> = KEYS.iter().map(|key| key.path).collect();
        for path in full.keys() {
            assert!(known.contains(&path.as_str()), "{path} has no row");
        }
        for path in &known {
            assert!(full.contains_key(*path), "{path} is no setting");
        }
        assert_eq!(full.get("account.password").map(String::as_str), Some("\"keyring\""));
    }
}
