//! The tray through other programs' eyes: what the status item says on the session bus, and a click in its menu as a panel makes it.

use agent_core::{settings::Language, text::Phrase};
use std::{
    process::{Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const GET: &str = "org.freedesktop.DBus.Properties.Get";
/// How long a panel may take until its tray answers.
const PANEL: Duration = Duration::from_secs(3);
/// How often the tray is looked at.
const EVERY: Duration = Duration::from_millis(20);

/// The status item that names an account, asked with `dbus-send` as any program could.
pub(crate) struct TrayWatch {
    account: String,
    /// Who has put up the item, once it was seen: its tooltip names another thing than the account while it rings.
    owner: OnceLock<String>,
}

impl TrayWatch {
    /// Gets ready to look for the item of the agent whose account this is; an error says why no tray can be looked at.
    pub(crate) async fn begin(account: &str) -> Result<Self, String> {
        let deadline = Instant::now() + PANEL;
        while items().is_none() {
            if let Err(error) = Command::new("dbus-send").stdin(Stdio::null()).output() {
                return Err(format!("dbus-send cannot be started ({error}); it is in the package dbus-bin"));
            }
            if Instant::now() >= deadline {
                return Err(format!(
                    "this desktop has no tray ({WATCHER} does not answer on the session bus): start a panel with a \
                     tray, or tell the story without a desktop (`--terminal`)"
                ));
            }
            tokio::time::sleep(EVERY).await;
        }
        Ok(Self { account: account.to_owned(), owner: OnceLock::new() })
    }

    /// Waits until the item's tooltip is this sentence about the account; gives the sentence.
    pub(crate) async fn wait(&self, phrase: &Phrase, within: Duration) -> Option<String> {
        let deadline = Instant::now() + within;
        loop {
            if let Some((owner, said)) = self.find().filter(|(_, said)| fills(phrase, said)) {
                self.owner.get_or_init(|| owner);
                return Some(said);
            }
            if Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Clicks on the entry that this phrase makes; gives its words. The item must have been waited for before.
    pub(crate) fn click(&self, phrase: &Phrase) -> Result<String, String> {
        let owner = self.owner.get().ok_or("the tray was not looked at yet")?;
        // As a panel does: the menu is said to be opened, read, and clicked.
        send(owner, "/MenuBar", "com.canonical.dbusmenu.AboutToShow", &["int32:0"])
            .ok_or("the tray's menu does not open")?;
        let asked = ["int32:0", "int32:-1", "array:string:label"];
        let layout = send(owner, "/MenuBar", "com.canonical.dbusmenu.GetLayout", &asked)
            .ok_or("the tray's menu does not say what is in it")?;
        let (id, words) = entries(&layout)
            .into_iter()
            .find(|(_, words)| fills(phrase, words))
            .ok_or("the tray's menu has no entry to answer with")?;
        let id = format!("int32:{id}");
        let event = [id.as_str(), "string:clicked", "variant:int32:0", "uint32:0"];
        send(owner, "/MenuBar", "com.canonical.dbusmenu.Event", &event)
            .ok_or("the tray's menu does not take a click")?;
        Ok(words)
    }

    /// Our item's owner, and what its tooltip says.
    fn find(&self) -> Option<(String, String)> {
        items()?.into_iter().find_map(|(owner, path)| {
            let said = strings(&send(&owner, &path, GET, &[&text(ITEM), &text("ToolTip")])?).pop()?;
            said.contains(&self.account).then_some((owner, said))
        })
    }
}

/// The items in the tray, each by its owner and path; `None` without a tray.
fn items() -> Option<Vec<(String, String)>> {
    let asked = [text(WATCHER), text("RegisteredStatusNotifierItems")];
    let said = send(WATCHER, "/StatusNotifierWatcher", GET, &[&asked[0], &asked[1]])?;
    let place = |item: String| match item.find('/') {
        Some(at) => (item[..at].to_owned(), item[at..].to_owned()),
        None => (item, "/StatusNotifierItem".to_owned()),
    };
    Some(strings(&said).into_iter().map(place).collect())
}

fn text(words: &str) -> String {
    format!("string:{words}")
}

/// Calls a method; what came back, as `dbus-send` prints it.
fn send(owner: &str, path: &str, method: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new("dbus-send")
        .args(["--session", "--print-reply", "--reply-timeout=1000"])
        .arg(format!("--dest={owner}"))
        .args([path, method])
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Every string in what `dbus-send` prints; one may go over several lines.
fn strings(printed: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    for line in printed.lines() {
        let rest = if open {
            if let Some(last) = found.last_mut() {
                last.push('\n');
            }
            line
        } else if let Some((_, rest)) = line.split_once("string \"") {
            found.push(String::new());
            rest
        } else {
            continue;
        };
        open = !rest.ends_with('"');
        if let Some(last) = found.last_mut() {
            last.push_str(rest.strip_suffix('"').unwrap_or(rest));
        }
    }
    found
}

/// The lines of a menu that have words: the number that stands before a label is the line's.
fn entries(printed: &str) -> Vec<(i32, String)> {
    let mut id = None;
    let mut entries = Vec::new();
    for line in printed.lines() {
        if let Some((_, number)) = line.split_once("int32 ") {
            id = number.trim().parse().ok();
        } else if let (Some((_, words)), Some(id)) =
            (line.split_once("variant ").and_then(|(_, rest)| rest.split_once("string \"")), id)
        {
            entries.push((id, words.trim_end_matches('"').replace("__", "_")));
        }
    }
    entries
}

/// Whether these are the phrase's words in one of the languages, whatever is filled in.
fn fills(phrase: &Phrase, said: &str) -> bool {
    [Language::En, Language::De, Language::Fr].into_iter().any(|language| {
        let pattern = phrase.say(language, &["\0"]);
        let (before, after) = pattern.split_once('\0').unwrap_or((&pattern, ""));
        said.starts_with(before) && said.ends_with(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::text;

    #[test]
    fn what_dbus_send_prints_is_read() {
        let tooltip = "method return time=1.0\n   variant       struct {\n         string \"\"\n         array [\n         ]\n         string \"Trayphone\"\n         string \"Ready: sip:1001@127.0.0.1\n1 missed call\"\n      }";
        assert_eq!(strings(tooltip), ["", "Trayphone", "Ready: sip:1001@127.0.0.1\n1 missed call"]);
        let menu = "   uint32 7\n   struct {\n      int32 0\n      array [\n         dict entry(\n            string \"children-display\"\n            variant                string \"submenu\"\n         )\n      ]\n      array [\n         variant             struct {\n               int32 4\n               array [\n                  dict entry(\n                     string \"label\"\n                     variant                         string \"Answer \"Ali\" (A__B)\"\n                  )\n               ]\n";
        assert_eq!(entries(menu), [(0, "submenu".to_owned()), (4, "Answer \"Ali\" (A_B)".to_owned())]);
    }

    #[test]
    fn a_phrase_is_known_in_every_language() {
        assert!(fills(&text::ANSWER_WHO, "Answer Alice"));
        assert!(fills(&text::ANSWER_WHO, "Annehmen: Alice"));
        assert!(!fills(&text::ANSWER_WHO, "Decline Alice"));
        assert!(fills(&text::STATE_READY, "Bereit: sip:1001@127.0.0.1"));
    }
}
