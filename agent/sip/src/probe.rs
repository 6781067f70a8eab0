//! What the fuzz targets hold the transport to: bytes of a server, through the code that reads them.

use crate::{
    message::{MAX_MESSAGE, StreamItem},
    transport::{Said, said, sentence, web_config},
};
use std::io::{self, Read, Write};
use tokio_tungstenite::tungstenite::{WebSocket, protocol::Role};

/// A server that says these bytes in pieces and then hangs up, and counts what it is answered.
struct Server<'a> {
    bytes: &'a [u8],
    step: usize,
    answered: usize,
}

impl Read for Server<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.step.min(buffer.len()).min(self.bytes.len());
        let (piece, rest) = self.bytes.split_at(length);
        buffer[..length].copy_from_slice(piece);
        self.bytes = rest;
        Ok(length)
    }
}

impl Write for Server<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.answered += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What an open WebSocket says, and how it ends.
fn items(bytes: &[u8], step: usize) -> (Vec<StreamItem>, String) {
    let server = Server { bytes, step, answered: 0 };
    let mut socket = WebSocket::from_raw_socket(server, Role::Client, Some(web_config()));
    let mut items = Vec::new();
    let end = loop {
        match socket.read() {
            Ok(frame) => {
                assert!(frame.len() <= MAX_MESSAGE, "a message beyond the cap");
                match said(frame) {
                    Said::Item(item) => items.push(*item),
                    Said::Nothing => {}
                    Said::Farewell(why) => break why,
                }
            }
            Err(error) => break sentence(&error),
        }
    };
    // A ping is answered with itself and a mask, and what takes two bytes to ask takes six to answer.
    assert!(socket.get_ref().answered <= 8 + 3 * bytes.len(), "it answers more than it was asked");
    (items, end)
}

/// A WebSocket's frames: cut anywhere, they say the same as in one piece. The first byte says how long the pieces are.
///
/// # Panics
/// When a promise is broken.
pub fn websocket(bytes: &[u8]) {
    let Some((&step, bytes)) = bytes.split_first() else { return };
    let whole = items(bytes, bytes.len().max(1));
    let pieces = items(bytes, usize::from(step).max(1));
    assert_eq!(whole, pieces, "how a WebSocket is cut changes what it says");
}
