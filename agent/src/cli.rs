//! The command line: what can be asked for, and how it explains itself.

mod watch;

pub(crate) use message::MessageArgs;
pub(crate) use watch::{PresenceArgs, WatchArgs};
mod features;
pub(crate) mod handover;
mod message;

use crate::exit::Exit;
use agent_core::certificate::Fingerprint;
use clap::{Args, Parser, Subcommand};
use features::SwitchCommand;
use handover::HandoverCommand;
use std::{ffi::OsString, path::PathBuf};

/// A desktop agent for people whose phone is a PBX extension.
#[derive(Debug, Parser)]
#[command(
    name = "trayphone",
    version,
    about = "A desktop agent for people whose phone is a PBX extension",
    long_about = "Trayphone sits in the tray, holds the PBX session and a softphone, shows who is calling before the \
                  second ring, answers on a click, and dials the number selected in any program.\n\nWithout a command \
                  it starts the agent in the tray (or hands over to the one that runs); a link in a command's place \
                  (trayphone tel:+4930123456) is dialled as by `open`.\n\nExamples:\n  trayphone\n  \
                  trayphone account add sip:1001@pbx.example\n  trayphone dial 600",
    after_long_help = exit_table(),
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    /// What is common to all commands.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// The folder with settings, journal and plugins [default: the user's own, on Linux ~/.config/trayphone]
    #[arg(long, global = true, value_name = "DIR")]
    pub profile: Option<PathBuf>,
    /// Answer in JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on stderr: -v registrations, calls, lookups (without numbers and names), -vv everything (numbers masked, but for what plugins log)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the agent
    #[command(after_help = "Example: trayphone run --profile ~/office --headless")]
    Run(RunArgs),
    /// Play the whole story on this computer: an exchange, a caller, a CRM, the agent
    #[command(
        after_help = "Examples:\n  trayphone demo\n  trayphone demo --script\n  trayphone demo --script --fault crm-down"
    )]
    Demo(DemoArgs),
    /// End the running agent: calls are ended, accounts de-registered
    #[command(after_help = "Example: trayphone quit")]
    Quit,
    /// Show the running agent, or say where it shows; missed calls count as seen from then on
    #[command(after_help = "Example: trayphone show")]
    Show,
    /// Dial a link (tel:, sip:, callto:); for the desktop's link handler
    #[command(after_help = "Example: trayphone open -- tel:+4930123456")]
    Open {
        /// The link
        #[arg(value_name = "URI")]
        uri: String,
    },
    /// Accounts: add, password, test, list, remove
    #[command(
        subcommand,
        visible_alias = "accounts",
        after_help = "Example: trayphone account add sip:1001@pbx.example"
    )]
    Account(AccountCommand),
    /// Plugins: install, list, remove
    #[command(
        subcommand,
        after_help = "Example: trayphone plugin install ./my-crm --set base_url=https://crm.example"
    )]
    Plugin(PluginCommand),
    /// What the agent is doing
    #[command(after_help = "Example: trayphone status --json")]
    Status,
    /// Calls and what to do with them
    #[command(flatten)]
    Call(CallCommand),
    /// Write to somebody, or show the latest messages
    #[command(
        after_help = "Examples:\n  trayphone message 1002 'back in a minute'\n  date | trayphone message 1002 -\n  trayphone message"
    )]
    Message(MessageArgs),
    /// The calls that were
    #[command(after_help = "Examples:\n  trayphone journal\n  trayphone journal --limit 5 --json")]
    Journal {
        /// At most so many, newest first
        #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// What left this computer, to whom and why
    #[command(after_help = "Example: trayphone ledger --limit 50")]
    Ledger {
        /// At most so many, newest first
        #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Everything that happens, one JSON object a line
    #[command(after_help = "Example: trayphone events --json | jq 'select(.type == \"call\")'")]
    Events,
    /// The sound devices of this computer, as `[audio]` in the settings names them
    #[command(after_help = "Example: trayphone devices")]
    Devices,
    /// The kinds of PBX that are known, or the codes of one and how sure they are
    #[command(
        after_help = "Examples:\n  trayphone profiles\n  trayphone profiles freepbx\n  trayphone profiles /etc/pbx.toml"
    )]
    Profiles {
        /// Which: a name, or the whole path of a file
        name: Option<String>,
    },
    /// Check the settings file, have the running agent take it over, or show all settings with their defaults
    #[command(
        after_help = "Examples:\n  trayphone settings\n  trayphone settings --apply\n  trayphone settings --defaults > trayphone.toml"
    )]
    Settings {
        /// When the file is in order, have the running agent take it over
        #[arg(long, conflicts_with = "defaults")]
        apply: bool,
        /// Print the default file with a comment on every setting
        #[arg(long)]
        defaults: bool,
    },
}

/// Commands that act on calls.
#[derive(Debug, Subcommand)]
pub(crate) enum CallCommand {
    /// Call a number
    #[command(
        after_help = "Examples:\n  trayphone dial 600\n  trayphone dial '+49 30 123456'\n  trayphone dial --selection"
    )]
    Dial(DialArgs),
    /// Call the number again that was called last
    #[command(after_help = "Example: trayphone redial")]
    Redial {
        /// Over which account: its place in the settings, from 0 [default: the one it went over]
        #[arg(long, value_name = "N")]
        account: Option<u32>,
    },
    /// Watch a line, or what somebody says of himself, for as long as the agent runs; `status` and `events` tell
    #[command(
        visible_alias = "blf",
        after_help = "Examples:\n  trayphone watch 1002\n  trayphone watch --presence sip:anna@pbx.example\n  trayphone watch 1002 --off"
    )]
    Watch(WatchArgs),
    /// Say how you are to be shown, by accounts with `publish = true`
    #[command(after_help = "Example: trayphone presence away 'back at three'")]
    Presence(PresenceArgs),
    /// What is switched on and off
    #[command(flatten)]
    Switch(SwitchCommand),
    /// Take a ringing call
    #[command(after_help = "Examples:\n  trayphone answer\n  trayphone answer 3")]
    Answer(CallArg),
    /// Refuse a ringing call
    #[command(after_help = "Example: trayphone decline")]
    Decline(CallArg),
    /// End a call
    #[command(after_help = "Example: trayphone hangup")]
    Hangup(CallArg),
    /// Put a call on hold
    #[command(after_help = "Example: trayphone hold")]
    Hold(CallArg),
    /// Take a call off hold
    #[command(after_help = "Example: trayphone resume 3")]
    Resume(CallArg),
    /// Mute the microphone, or unmute it
    #[command(after_help = "Examples:\n  trayphone mute        (the other way round)\n  trayphone mute on")]
    Mute {
        /// `on` or `off`; without it, the other way round
        #[arg(value_parser = ["on", "off"])]
        state: Option<String>,
    },
    /// Calls that change hands
    #[command(flatten)]
    Handover(HandoverCommand),
    /// Send keys in a call
    #[command(after_help = "Example: trayphone dtmf 42#")]
    Dtmf {
        /// 0-9, *, #, A-D
        digits: String,
        /// Which call [default: the one that has the microphone]
        #[arg(long)]
        call: Option<u64>,
    },
    /// Answer a question the agent asked (which number, really dial?)
    #[command(after_help = "Example: trayphone choose 1 1        (the first choice of question 1)")]
    Choose {
        /// The question's id
        question: u64,
        /// The choice, from 1; without it: none of them
        choice: Option<usize>,
    },
}

/// One call, or the obvious one.
#[derive(Debug, Args)]
pub(crate) struct CallArg {
    /// Which call, by its number in `trayphone status` [default: the only one that fits]
    pub call: Option<u64>,
}

/// Arguments of `run`.
#[derive(Debug, Default, Args)]
pub(crate) struct RunArgs {
    /// No tray, no toasts, no hotkeys, and no pages opened (`events` tells each as a screen_pop): only the command line
    /// and the local API
    #[arg(long)]
    pub headless: bool,
    /// Part of `trayphone demo`: ends when its stdin does
    #[arg(long, hide = true)]
    pub demo: bool,
    /// Part of `trayphone demo --script`: files may stand in for microphone and ear, with a desktop, too
    #[arg(long, hide = true)]
    pub files: bool,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Play everything without a person, check every step with other programs' eyes, print a timeline
    #[arg(long)]
    pub script: bool,
    /// With --script: break one thing and see the step named
    #[arg(long, value_name = "FAULT", requires = "script")]
    pub fault: Option<crate::demo::Fault>,
    /// Stay in the terminal even where there is a desktop
    #[arg(long)]
    pub terminal: bool,
}

/// Arguments of `dial`.
#[derive(Debug, Args)]
pub(crate) struct DialArgs {
    /// The number, extension, feature code or sip: address
    #[arg(required_unless_present = "selection", conflicts_with = "selection")]
    pub number: Option<String>,
    /// Dial what is selected in whichever program has the selection
    #[arg(long)]
    pub selection: bool,
    /// Over which account: its place in the settings, from 0 [default: the first that is registered]
    #[arg(long, value_name = "N")]
    pub account: Option<u32>,
    /// Without showing our number
    #[arg(long, conflicts_with = "selection")]
    pub withhold: bool,
}

/// Commands on accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Write an account to the settings and its password to the keyring
    #[command(
        after_help = "Examples:\n  trayphone account add sip:1001@pbx.example\n  printf '%s' \"$PW\" | trayphone account add sip:1001@pbx.example --registrar 'sip:pbx.example;transport=tcp'\n  trayphone account add sip:1001@pbx.example --password-env PBX_PASSWORD"
    )]
    Add(AddArgs),
    /// Change an account's password (asked for without echo, or read from stdin)
    #[command(after_help = "Example: trayphone account password sip:1001@pbx.example")]
    Password {
        /// The account's address
        aor: String,
    },
    /// Register once and say how it went
    #[command(after_help = "Example: trayphone account test sip:1001@pbx.example")]
    Test {
        /// The account's address [default: all]
        aor: Option<String>,
    },
    /// Believe another key than the PBX showed at its first use, after seeing both (certificate = "first-use")
    #[command(after_help = "Example: trayphone account trust sip:1001@pbx.example")]
    Trust {
        /// The account's address
        aor: String,
        /// The key you compared with the one at the PBX; asked for at the terminal if absent
        #[arg(long, value_name = "sha256:HEX", value_parser = fingerprint)]
        key: Option<Fingerprint>,
    },
    /// The accounts in the settings
    #[command(after_help = "Example: trayphone account list")]
    List,
    /// Take an account out of the settings and its password out of the keyring
    #[command(after_help = "Example: trayphone account remove sip:1001@pbx.example")]
    Remove {
        /// The account's address
        aor: String,
    },
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    Fingerprint::try_from(text.to_owned()).map_err(str::to_owned)
}

/// Arguments of `account add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The address of record, sip:USER@DOMAIN
    pub aor: String,
    /// Where to register, when the domain is not the place: sip:HOST[:PORT][;transport=udp|tcp|tls]
    #[arg(long, value_name = "URI")]
    pub registrar: Option<String>,
    /// The digest user name, when it is not the address's user
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Take the password from this environment variable at each start instead of the keyring
    #[arg(long, value_name = "NAME")]
    pub password_env: Option<String>,
}

/// Commands on plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Install a plugin: shows which hosts it may reach and what it may send them, and asks first
    #[command(after_help = "Example: trayphone plugin install ./my-crm --set base_url=https://crm.example")]
    Install {
        /// The plugin's folder (plugin.toml and plugin.wasm)
        path: PathBuf,
        /// A setting of the plugin, KEY=VALUE
        #[arg(long = "set", value_name = "KEY=VALUE")]
        settings: Vec<String>,
        /// Agree to what is shown without being asked
        #[arg(long)]
        yes: bool,
    },
    /// The installed plugins, their grants and how they fare
    #[command(after_help = "Example: trayphone plugin list")]
    List,
    /// Remove a plugin and everything it kept
    #[command(after_help = "Example: trayphone plugin remove org.example.crm")]
    Remove {
        /// The plugin's id
        id: String,
    },
}

/// What links begin with that may stand in a command's place, as a desktop's launcher puts them there.
const LINKS: [&str; 4] = ["tel:", "sip:", "sips:", "callto:"];

/// The arguments as they are to be understood: a link in a command's place is an `open -- LINK`.
pub(crate) fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut given: Vec<OsString> = given.collect();
    let is_link = |text: &OsString| {
        let text = text.to_string_lossy().to_ascii_lowercase();
        LINKS.iter().any(|link| text.starts_with(link))
    };
    let mut place = 1;
    while let Some(option) =
        given.get(place).and_then(|text| text.to_str()).filter(|text| text.starts_with('-'))
    {
        place += match option {
            "--" => break,
            "--profile" => 2,
            _ => 1,
        };
    }
    let bare = given.get(place).is_some_and(is_link);
    let fenced =
        given.get(place).is_some_and(|text| text == "--") && given.get(place + 1).is_some_and(is_link);
    if bare {
        given.splice(place..place, ["open".into(), "--".into()]);
    } else if fenced {
        given.insert(place, "open".into());
    }
    given
}

/// The table of exit codes under `--help`.
fn exit_table() -> String {
    let mut text = String::from("Exit codes:\n");
    for (exit, meaning) in Exit::TABLE {
        text.push_str(&format!("  {:>2}  {meaning}\n", exit as u8));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_link_in_a_commands_place_is_opened() {
        for (given, meant) in [
            ("trayphone tel:+49301", "trayphone open -- tel:+49301"),
            ("trayphone -- TEL:1", "trayphone open -- TEL:1"),
            ("trayphone --profile p --json -vv sip:1@x", "trayphone --profile p --json -vv open -- sip:1@x"),
            ("trayphone --profile=p callto:1", "trayphone --profile=p open -- callto:1"),
            ("trayphone", "trayphone"),
            ("trayphone --", "trayphone --"),
            ("trayphone --profile tel:x", "trayphone --profile tel:x"),
            ("trayphone open -- tel:1", "trayphone open -- tel:1"),
            ("trayphone account add sip:1@x", "trayphone account add sip:1@x"),
            ("trayphone dial tel:1", "trayphone dial tel:1"),
        ] {
            let understood = arguments(given.split(' ').map(OsString::from));
            assert_eq!(understood, meant.split(' ').map(OsString::from).collect::<Vec<_>>());
        }
        let cli =
            Cli::try_parse_from(arguments(["trayphone", "--", "tel:1"].map(OsString::from).into_iter()));
        assert!(matches!(cli.expect("understood").command, Some(Command::Open { uri }) if uri == "tel:1"));
        let cli = Cli::try_parse_from(arguments(["trayphone", "--"].map(OsString::from).into_iter()));
        assert!(cli.expect("an empty %u").command.is_none());
    }

    #[test]
    fn the_command_line_is_sound_and_every_command_carries_an_example() {
        let command = Cli::command();
        command.clone().debug_assert();
        fn walk(command: &clap::Command) {
            for sub in command.get_subcommands() {
                let text = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(text.contains("Example"), "`{}` explains itself without an example", sub.get_name());
                walk(sub);
            }
        }
        walk(&command);
    }
}
