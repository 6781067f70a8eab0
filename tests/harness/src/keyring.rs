//! A keyring of its own: gnome-keyring, open, on a session bus that nobody else uses.

use crate::{
    desktop::Desktop,
    proc::Proc,
    wait::{self, SOON},
};

/// The name everything of it is reached by.
const SERVICE: &str = "org.freedesktop.secrets";

/// A bus with a keyring that is open. Dropping it ends both.
pub struct Keyring {
    proc: Proc,
    desktop: Desktop,
}

impl Keyring {
    /// Starts it, empty, and waits until it answers.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start() -> Self {
        let mut desktop = Desktop::bare().expect("an X server");
        desktop.start_bus().expect("a bus");
        let mut command = desktop.command("gnome-keyring-daemon");
        command.args(["--foreground", "--unlock", "--components=secrets"]);
        let folder = desktop.folder().to_owned();
        let mut proc = Proc::start("keyring", &mut command, &folder);
        proc.type_line("test");
        proc.close_stdin();
        let keyring = Self { proc, desktop };
        let there = wait::until(SOON, || keyring.search().ok());
        assert!(there.is_some(), "no keyring: {:?}\n{}", keyring.search(), keyring.proc);
        keyring
    }

    /// What a program's environment must say to find it: name and value.
    pub fn environment(&self) -> (String, String) {
        ("DBUS_SESSION_BUS_ADDRESS".to_owned(), self.desktop.bus_address())
    }

    fn search(&self) -> Result<String, String> {
        let call = ["--session", "--print-reply", &format!("--dest={SERVICE}"), "/org/freedesktop/secrets"];
        let all = ["org.freedesktop.Secret.Service.SearchItems", "dict:string:string:"];
        self.desktop.run("dbus-send", &[&call[..], &all[..]].concat())
    }

    /// Names and attributes of everything that is kept, a text each.
    ///
    /// # Panics
    /// When the keyring does not answer.
    pub fn kept(&self) -> Vec<String> {
        let found = self.search().expect("the keyring answers");
        let paths = found.split('"').filter(|piece| piece.starts_with("/org/freedesktop/secrets/"));
        let ask = |path: &str| {
            let call = ["--session", "--print-reply", &format!("--dest={SERVICE}"), path];
            let all = ["org.freedesktop.DBus.Properties.GetAll", "string:org.freedesktop.Secret.Item"];
            self.desktop.run("dbus-send", &[&call[..], &all[..]].concat()).expect("the keyring answers")
        };
        paths.map(ask).collect()
    }
}
