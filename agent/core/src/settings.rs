//! What the user can set, with its defaults. The store reads and writes the file; the table below drives file, help and docs.

mod address;
pub mod check;
pub mod keys;
mod phone;

pub use address::same_address;
pub use phone::{AutoAnswer, BlockedHear, Identity, Keys, RemoteDial, Transfers, usual_identity};

use crate::certificate::CertificateRule;
use serde::{Deserialize, Serialize};

/// Everything in `trayphone.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `language = "auto" | "de" | "en" | "fr"`.
    pub language: Language,
    /// `[[account]]`, in the order of the file.
    #[serde(rename = "account", skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountSettings>,
    /// `[audio]`.
    pub audio: AudioSettings,
    /// `[calls]`.
    pub calls: CallSettings,
    /// `[screen-pop]`.
    #[serde(rename = "screen-pop")]
    pub screen_pop: ScreenPopSettings,
    /// `[hotkeys]`.
    pub hotkeys: HotkeySettings,
    /// `[numbers]`.
    pub numbers: NumberSettings,
}

/// The language of what the user reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// As the system says; the store resolves it before the core sees it.
    #[default]
    Auto,
    /// German.
    De,
    /// English.
    En,
    /// French.
    Fr,
}

/// `[[account]]`: one line at one PBX. The default names none, and is for what only some of the keys are said of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSettings {
    /// Address of record, `sip:1001@pbx.example`.
    pub aor: String,
    /// Where to register; the domain of the address when absent. `sip:host:port;transport=udp|tcp|tls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrar: Option<String>,
    /// Proxies that every request of the account goes through, the first of them first (RFC 3261 section 8.1.1.1); as a
    /// registrar is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outbound_proxy: Vec<String>,
    /// Realms besides those of the registrar and of the account's domain whose challenges the password answers: PBXs that
    /// challenge calls and never a registration have one of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub realms: Vec<String>,
    /// The digest user name; the user part of the address when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Where the password is: `keyring` or `env:NAME`. Never the password itself.
    #[serde(default)]
    pub password: PasswordSource,
    /// A PEM file of certificate authorities trusted for this account beside the system's; its whole path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// How the PBX proves who it is: `system` or `sha256:HEX`.
    #[serde(default)]
    pub certificate: CertificateRule,
    /// Under which path the PBX's WebSocket is asked for (`transport=ws` and `wss`), `/` and what follows.
    #[serde(default = "phone::usual_websocket_path")]
    pub websocket_path: String,
    /// What tells who calls, the first that does; asserted identities count from the registrar only.
    #[serde(default = "phone::usual_identity")]
    pub identity: Vec<Identity>,
    /// Lines whose calls are watched (`dialog`, RFC 4235): extensions or addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watch: Vec<String>,
    /// People whose presence is watched (RFC 3856): extensions or addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub presence: Vec<String>,
    /// The PBX is asked whether voice mail waits (RFC 3842); what it tells unasked is always heard.
    #[serde(default)]
    pub voice_mail: bool,
    /// The PBX is asked which other phones are registered for the address (RFC 3680).
    #[serde(default)]
    pub other_phones: bool,
    /// Our own presence is published (RFC 3903).
    #[serde(default)]
    pub publish: bool,
    /// A call whose other side gives no sign of life for so long is over (RFC 4028), seconds (90 to 86400); 0: only where
    /// the PBX asks for it.
    #[serde(default = "phone::usual_session_timer")]
    pub session_timer: u32,
    /// Callers who can are made to acknowledge that it rings here (RFC 3262), not only those who insist on it.
    #[serde(default)]
    pub reliable_ringing: bool,
    /// Which kind of PBX it is: `auto` (as the PBX calls itself), `none`, a profile's name, or the whole path of one's own.
    #[serde(default = "phone::usual_profile")]
    pub profile: String,
    /// Whether calls are answered by themselves when they ask to be.
    #[serde(default)]
    pub auto_answer: AutoAnswer,
    /// Where others may send us unasked.
    #[serde(default)]
    pub transfers: Transfers,
    /// What the PBX may have this phone dial by itself.
    #[serde(default)]
    pub remote_dial: RemoteDial,
    /// How keys are sent.
    #[serde(default)]
    pub dtmf: Keys,
    /// A second call is offered while another one is there; `[calls] waiting` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<bool>,
    /// Callers who hide their number are refused (433).
    #[serde(default)]
    pub reject_anonymous: bool,
}

impl AccountSettings {
    /// The user part of the address: one's own extension.
    pub fn user(&self) -> &str {
        let rest = self.aor.split_once(':').map_or(self.aor.as_str(), |(_, rest)| rest);
        rest.split('@').next().unwrap_or(rest)
    }

    /// What the PBX is called: the domain of the address, with a port that is not the usual one.
    pub fn domain(&self) -> String {
        address::domain(&self.aor)
    }
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            aor: String::new(),
            registrar: None,
            outbound_proxy: Vec::new(),
            realms: Vec::new(),
            username: None,
            password: PasswordSource::default(),
            ca: None,
            certificate: CertificateRule::default(),
            websocket_path: phone::usual_websocket_path(),
            identity: phone::usual_identity(),
            watch: Vec::new(),
            presence: Vec::new(),
            voice_mail: false,
            other_phones: false,
            publish: false,
            session_timer: phone::usual_session_timer(),
            reliable_ringing: false,
            profile: phone::usual_profile(),
            auto_answer: AutoAnswer::default(),
            transfers: Transfers::default(),
            remote_dial: RemoteDial::default(),
            dtmf: Keys::default(),
            waiting: None,
            reject_anonymous: false,
        }
    }
}

/// Where an account's password is kept. In the file: `"keyring"` or `"env:NAME"`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PasswordSource {
    /// The keyring of the operating system.
    #[default]
    Keyring,
    /// An environment variable of this name.
    Env(String),
}

impl TryFrom<String> for PasswordSource {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "keyring" {
            return Ok(Self::Keyring);
        }
        match text.strip_prefix("env:") {
            Some(name) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            _ => Err("a password does not belong in this file: write \"keyring\" and run \
                      `trayphone account password`, or write \"env:NAME\" to take it from an environment variable"
                .to_owned()),
        }
    }
}

impl From<PasswordSource> for String {
    fn from(source: PasswordSource) -> Self {
        match source {
            PasswordSource::Keyring => "keyring".to_owned(),
            PasswordSource::Env(name) => format!("env:{name}"),
        }
    }
}

/// `[audio]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AudioSettings {
    /// `backend = "device" | "wav" | "null"`.
    pub backend: AudioBackend,
    /// The microphone's name (or, for `wav`, the file to speak from); the system's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The ear's name (or, for `wav`, the file to write to).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The device that rings; the ear's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring: Option<String>,
}

/// What stands behind microphone and ear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudioBackend {
    /// Sound devices; silence, said aloud, when there are none.
    #[default]
    Device,
    /// Files: only with `--headless` or in the demo's script.
    Wav,
    /// Silence.
    Null,
}

/// `[calls]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallSettings {
    /// A call that rings longer is given up, seconds (10 to 600).
    pub ring_seconds: u32,
    /// How long a call rings here before it goes where unanswered calls are forwarded by this program, seconds.
    pub forward_seconds: u32,
    /// How long a lookup may take before the toast stays as it is, milliseconds (100 to 10000).
    pub lookup_ms: u32,
    /// A second call is offered while another one rings or is up; `false`: it gets 486 Busy Here.
    pub waiting: bool,
    /// The most calls at once (1 to 1000); more get 486.
    pub most: u32,
    /// From whom calls are taken; read at the start.
    pub from: CallsFrom,
    /// Numbers that never ring; a `*` at the end stands for whatever follows.
    pub blocked: Vec<String>,
    /// What a blocked caller hears.
    pub blocked_hear: BlockedHear,
}

/// From whom calls are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallsFrom {
    /// From an account's registrar: a stranger who reaches the port cannot ring with a name he made up.
    #[default]
    Registrar,
    /// From any address that names an account.
    Anyone,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            ring_seconds: 180,
            forward_seconds: 20,
            lookup_ms: 2000,
            waiting: true,
            most: 1000,
            from: CallsFrom::default(),
            blocked: Vec::new(),
            blocked_hear: BlockedHear::default(),
        }
    }
}

/// `[screen-pop]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScreenPopSettings {
    /// `open = "answer" | "ring" | "never"`.
    pub open: OpenRule,
}

/// When a caller's record is opened by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpenRule {
    /// When the call is answered.
    #[default]
    Answer,
    /// As soon as it rings and the record is known.
    Ring,
    /// Only on a click.
    Never,
}

/// `[hotkeys]`: `""` switches one off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HotkeySettings {
    /// Takes the ringing call, of several the one that has rung longest.
    pub answer: String,
    /// Ends the call.
    pub hang_up: String,
    /// Dials what is selected.
    pub dial_selection: String,
}

impl Default for HotkeySettings {
    fn default() -> Self {
        Self {
            answer: "Ctrl+Alt+A".to_owned(),
            hang_up: "Ctrl+Alt+H".to_owned(),
            dial_selection: "Ctrl+Alt+C".to_owned(),
        }
    }
}

/// `[numbers]`: how numbers are understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NumberSettings {
    /// Two-letter country of the PBX (ISO 3166), for numbers without a country code.
    pub country: String,
    /// The area code without its leading zero, for numbers without one; empty: none.
    pub area: String,
    /// What is dialled before an outside number; empty: nothing.
    pub outside_prefix: String,
    /// Numbers of at most this many digits are extensions of the PBX (2 to 8).
    pub internal_digits: u32,
}

impl Default for NumberSettings {
    fn default() -> Self {
        Self {
            country: "DE".to_owned(),
            area: String::new(),
            outside_prefix: String::new(),
            internal_digits: 4,
        }
    }
}
