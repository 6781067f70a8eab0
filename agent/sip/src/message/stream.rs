//! Cutting a byte stream (TCP, TLS) into messages (RFC 3261 section 18.3, RFC 5626 section 4.4.1).

use crate::message::{
    decode::{Head, Malformed, ParseError, head_length},
    limits::MAX_MESSAGE,
    model::Message,
};
use bytes::{Buf, BytesMut};

/// What a stream brought.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "messages are what mostly comes, and each is moved once")]
pub enum StreamItem {
    /// A message.
    Message(Message),
    /// Two line ends between messages: answer with one (`\r\n`).
    Ping,
    /// One line end between messages: the answer to our ping (or the first half of theirs).
    Pong,
    /// A message that cannot be read; the stream goes on behind it.
    Malformed(ParseError),
    /// Nobody knows where the next message begins: answer if the error says how, then close. Nothing follows.
    Fatal(ParseError),
}

/// Takes pieces of a stream and gives messages. Never holds more than one message of [`MAX_MESSAGE`] and a piece.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    buffer: BytesMut,
    /// How far the buffer was searched for the end of the header fields.
    searched: usize,
    /// How long the message at the front is, once that is known.
    wanted: usize,
    /// The line end before was the first half of a ping.
    half_ping: bool,
    dead: bool,
}

impl StreamDecoder {
    /// At the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was received. Drain [`StreamDecoder::next_item`] before the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        if !self.dead {
            self.buffer.extend_from_slice(piece);
        }
    }

    /// Nothing came for a while: a line end before it and one behind it are no ping, but two answers to ours.
    pub fn paused(&mut self) {
        self.half_ping = false;
    }

    /// Bytes of a message that has not come to its end: when the stream ends or stalls here, it was cut.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// The next item, if it is all there.
    pub fn next_item(&mut self) -> Option<StreamItem> {
        if self.dead || self.buffer.len() < self.wanted {
            return None;
        }
        self.wanted = 0;
        if let Some(item) = self.line_end()? {
            return Some(item);
        }
        self.half_ping = false;
        let Some(head_len) = head_length(&self.buffer, self.searched) else {
            // The end may straddle what is here and what is to come: look again from a little before.
            self.searched = self.buffer.len().saturating_sub(3);
            return (self.buffer.len() > MAX_MESSAGE).then(|| self.die(MAX_MESSAGE, Malformed::TooLarge));
        };
        if head_len > MAX_MESSAGE {
            return Some(self.die(MAX_MESSAGE, Malformed::TooLarge));
        }
        let head = Head::parse(&self.buffer[..head_len].to_vec().into());
        match head.length {
            Err(what) => Some(self.die_with(head.fail(what))),
            Ok(None) => Some(self.die_with(head.fail(Malformed::NoContentLength))),
            Ok(Some(length)) if length > MAX_MESSAGE - head_len => {
                Some(self.die_with(head.fail(Malformed::TooLarge)))
            }
            Ok(Some(length)) if head_len + length > self.buffer.len() => {
                // Only the body is missing; the head is parsed again then, which costs less than keeping it.
                self.searched = head_len.saturating_sub(4);
                self.wanted = head_len + length;
                None
            }
            Ok(Some(length)) => {
                self.buffer.advance(head_len);
                let body = self.buffer.split_to(length).freeze();
                self.searched = 0;
                // A body shorter than its buffer must not keep the whole of it alive.
                Some(
                    head.finish(body.to_vec().into()).map_or_else(StreamItem::Malformed, StreamItem::Message),
                )
            }
        }
    }

    /// Takes one line end off the front: `Some(Some(item))` when there was one, `None` when more bytes are needed.
    fn line_end(&mut self) -> Option<Option<StreamItem>> {
        let len = match self.buffer.first()? {
            b'\n' => 1,
            b'\r' => match self.buffer.get(1)? {
                b'\n' => 2,
                _ => 1,
            },
            _ => return Some(None),
        };
        self.buffer.advance(len);
        self.searched = 0;
        let item = if self.half_ping { StreamItem::Ping } else { StreamItem::Pong };
        self.half_ping = !self.half_ping;
        Some(Some(item))
    }

    /// Ends with what can be read of the header fields so far.
    fn die(&mut self, len: usize, what: Malformed) -> StreamItem {
        let head = Head::parse(&self.buffer[..len.min(self.buffer.len())].to_vec().into());
        let error = head.fail(what);
        self.die_with(error)
    }

    fn die_with(&mut self, error: ParseError) -> StreamItem {
        self.dead = true;
        self.buffer = BytesMut::new();
        StreamItem::Fatal(error)
    }
}

#[cfg(test)]
mod tests;
