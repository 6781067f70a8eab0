//! The doors other programs knock at: the local API, and the system's wish that the agent ends.

use crate::{
    api::server::{self, Desk},
    funnel::Funnel,
};
use agent_core::{
    action::{Action, Notice},
    port::Event,
    vigil::Vigil,
};
use agent_shell::instance::Listener;
use std::{future::Future, io, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};

/// Keeps the doors open. Never ends by itself.
pub(crate) fn open(door: Arc<Listener>, desk: Desk, funnel: Funnel) -> impl Future<Output = ()> + Send {
    let accept = move || {
        let door = door.clone();
        async move { door.accept().await }
    };
    // Heard from now on, and not from when the task is first looked at.
    let signals = signals(funnel);
    async move {
        tokio::join!(serve(accept, desk), signals);
    }
}

/// Lets programs of the same user in, one after the other.
async fn serve<S, F>(accept: impl Fn() -> F, desk: Desk)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = io::Result<S>>,
{
    loop {
        match accept().await {
            Ok(stream) => {
                let (desk, hub) = (desk.clone(), desk.hub.clone());
                let vigil = Vigil::new(move || {
                    // The end of the agent ends those who still listen: that is no fault.
                    if !std::thread::panicking() {
                        return;
                    }
                    tracing::error!("a connection of the local API has broken down");
                    let text = "a connection of the local API broke down by a fault of Trayphone".to_owned();
                    hub.publish(&Notice::Error { text });
                });
                tokio::spawn(async move {
                    server::serve(stream, desk).await;
                    vigil.over();
                });
            }
            Err(error) => {
                tracing::warn!("the local API could not let somebody in: {error}");
                // Out of file descriptors, for example: trying again at once would only burn the processor.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// The system's wish to end is the user's: calls are ended and accounts de-registered first.
fn signals(funnel: Funnel) -> impl Future<Output = ()> {
    let asked = crate::platform::asked_to_end();
    async move {
        asked.await;
        funnel.tell(Event::User { request: None, action: Action::Quit });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::hub::Hub;
    use std::{
        collections::VecDeque,
        sync::{Mutex, mpsc},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
        sync::Semaphore,
    };

    /// What does not happen within this time does not happen.
    const SOON: Duration = Duration::from_secs(20);

    fn desk() -> Desk {
        Desk {
            place: String::new(),
            hub: Hub::new(),
            funnel: Funnel::default(),
            selection: Arc::new(|| Ok(String::new())),
            plugins: Arc::new(|_| panic!("a fault put in")),
            reload: Arc::new(|| Ok(Vec::new())),
            password: Arc::new(|_, _| Ok(())),
            trust: Arc::new(|_, _| Ok(())),
            places: Arc::new(Semaphore::new(4)),
        }
    }

    /// A connection in which something breaks is told to the listeners, and the next one is served.
    #[tokio::test]
    async fn a_connection_that_breaks_is_not_silent_and_not_the_end() {
        let desk = desk();
        let mut heard = desk.hub.listen();
        let (mut ours, theirs) = tokio::io::duplex(4096);
        let (mut next, served) = tokio::io::duplex(4096);
        let queue = Mutex::new(VecDeque::from([theirs, served]));
        let accept = || {
            let stream = queue.lock().unwrap().pop_front();
            async move {
                match stream {
                    Some(stream) => Ok::<DuplexStream, io::Error>(stream),
                    None => std::future::pending().await,
                }
            }
        };
        let talk = async {
            ours.write_all(b"{\"ask\":\"reload_plugins\"}\n").await.unwrap();
            let mut rest = [0; 16];
            let closed = tokio::time::timeout(SOON, ours.read(&mut rest)).await.expect("it stays open");
            assert_eq!(closed.unwrap(), 0, "the connection is closed");
            let told = tokio::time::timeout(SOON, heard.recv()).await.expect("nobody is told");
            assert!(told.unwrap().contains("broke down"));
            next.write_all(b"nonsense\n").await.unwrap();
            let answer = tokio::time::timeout(SOON, next.read(&mut rest)).await.expect("the next one waits");
            assert!(answer.unwrap() > 0, "the next one is served");
        };
        tokio::select! {
            () = serve(accept, desk.clone()) => panic!("serving never ends"),
            () = talk => {}
        }
    }

    #[tokio::test]
    async fn a_door_that_breaks_is_told() {
        let (tell, told) = mpsc::channel();
        let vigil = Vigil::new(move || tell.send(()).unwrap());
        let accept = || -> std::future::Pending<io::Result<DuplexStream>> { panic!("a fault put in") };
        let task = tokio::spawn(async move {
            serve(accept, desk()).await;
            vigil.over();
        });
        let ended = tokio::time::timeout(SOON, task).await.expect("the door stays open");
        assert!(ended.unwrap_err().is_panic());
        assert_eq!(told.recv_timeout(SOON), Ok(()));
    }
}
