//! login1: the word before the computer sleeps, and the one when it is awake again.

use crate::watch::word::{Teller, Word};
use futures_util::StreamExt;
use zbus::{Connection, MatchRule, MessageStream, connection, message::Type};

/// Sleeps wait in no queue; two would be many.
const MOST_QUEUED: usize = 4;

/// Listens until the bus is gone.
pub(super) async fn listen(teller: &Teller) -> zbus::Result<()> {
    // Driven here: a thread of its own would be there for two words a day.
    let bus = connection::Builder::system()?.internal_executor(false).build().await?;
    hear(&bus, teller).await
}

async fn hear(bus: &Connection, teller: &Teller) -> zbus::Result<()> {
    let driving = async {
        loop {
            bus.executor().tick().await;
        }
    };
    let listening = async {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender("org.freedesktop.login1")?
            .interface("org.freedesktop.login1.Manager")?
            .member("PrepareForSleep")?
            .build();
        let mut signals = MessageStream::for_match_rule(rule, bus, Some(MOST_QUEUED)).await?;
        while let Some(signal) = signals.next().await {
            let begins: bool = signal?.body().deserialize()?;
            teller.tell(if begins { Word::Sleeping } else { Word::Awake });
        }
        Ok(())
    };
    tokio::select! {
        () = driving => Ok(()),
        result = listening => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader},
        process::{Child, Command, Stdio},
        time::Duration,
    };

    struct Bus(Child);

    impl Drop for Bus {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[tokio::test]
    async fn a_word_of_login1_is_heard_and_one_of_anybody_else_is_not() {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let _bus = Bus(daemon);
        let connect = || connection::Builder::address(address.trim()).unwrap();
        let ours = connect().internal_executor(false).build().await.unwrap();
        let (sender, mut words) = tokio::sync::mpsc::channel(8);
        let teller = Teller::new(sender);
        let hearing = tokio::spawn(async move { hear(&ours, &teller).await });
        let stranger = connect().build().await.unwrap();
        let login = connect().name("org.freedesktop.login1").unwrap().build().await.unwrap();
        let say = |from: Connection, begins: bool| async move {
            let (path, interface) = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager");
            from.emit_signal(None::<&str>, path, interface, "PrepareForSleep", &begins).await.unwrap();
        };
        // Until we are listening it may be said to nobody.
        let heard = async {
            loop {
                say(stranger.clone(), false).await;
                say(login.clone(), true).await;
                if let Ok(word) = tokio::time::timeout(Duration::from_millis(100), words.recv()).await {
                    return word;
                }
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(10), heard).await.expect("it is heard");
        assert_eq!(heard, Some(Word::Sleeping), "the stranger said otherwise first");
        say(login.clone(), false).await;
        while words.recv().await != Some(Word::Awake) {}
        hearing.abort();
    }
}
