//! WebSocket (RFC 6455) as SIP uses it (RFC 7118): asked for with the sub-protocol `sip`, one message in each of its own.

use super::{
    patience::Patience,
    pipe::{Duplex, StreamNews},
    road::{Failure, Identity},
};
use crate::{
    flow::Flow,
    message::{MAX_MESSAGE, Message, StreamItem},
    ways::Obstacle,
};
use agent_core::port::sip::{NoWebSocket, WebFault};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    time::{timeout, timeout_at},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message as Frame,
        error::{CapacityError, ProtocolError, SubProtocolError},
        handshake::client::{Request, Response, generate_key},
        http,
        protocol::WebSocketConfig,
    },
};

/// How long the last word of a WebSocket may take to leave.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes read at once; what is larger is put together.
const PIECE: usize = 4096;
/// Characters of a redirection's target that are told.
const MOST_TARGET: usize = 256;
/// What is asked to be spoken (RFC 7118 section 4).
const PROTOCOL: &str = "sip";
/// The keep-alive of a stream (RFC 5626 section 4.4.1); here a ping frame takes its place.
const LINE_ENDS: &[u8] = b"\r\n\r\n";

/// An open one.
pub(super) type Socket = WebSocketStream<Box<dyn Duplex>>;
/// Its sending half.
pub(super) type Sending = SplitSink<Socket, Frame>;

/// The caps: no message is longer than one over any other stream, whole or in fragments.
pub(crate) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(PIECE)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
}

/// Asks for a WebSocket over a connection to whom `identity` names, who may take so long to answer.
pub(super) async fn open(
    limit: Duration,
    stream: Box<dyn Duplex>,
    identity: &Identity,
) -> Result<Socket, Failure> {
    let request = request(identity).map_err(|error| Failure::Said(error.to_string()))?;
    let none = |fault| {
        let (host, path) = (identity.host.clone(), identity.path().to_owned());
        Failure::Met(Obstacle::NoWebSocket(NoWebSocket { host, path, fault }))
    };
    let asking = client_async_with_config(request, stream, Some(config()));
    let (socket, answer) = match timeout(limit, asking).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(Error::Io(error))) => return Err(Failure::Said(error.to_string())),
        Ok(Err(error)) => return Err(none(fault(error))),
        Err(_) => {
            let detail = format!("{} opened no WebSocket within {} ms", identity.host, limit.as_millis());
            return Err(Failure::Said(detail));
        }
    };
    if answer.headers().contains_key(http::header::SEC_WEBSOCKET_EXTENSIONS) {
        // None was offered: what it says from here on would be in a tongue nobody agreed on (RFC 6455 section 4.1).
        let detail = "it wants an extension nobody offered".to_owned();
        return Err(none(WebFault::Garbled { detail }));
    }
    Ok(socket)
}

fn request(identity: &Identity) -> Result<Request, http::Error> {
    // A zone means something on this computer only.
    let bare = identity.host.split('%').next().unwrap_or_default();
    let host = match bare.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
        _ => bare.to_owned(),
    };
    let port = identity.port;
    let named = if port == identity.transport.default_port() { host } else { format!("{host}:{port}") };
    Request::builder()
        .uri(format!("{}://{named}{}", identity.transport.uri_name(), identity.path()))
        .header("Host", named)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key())
        .header("Sec-WebSocket-Protocol", PROTOCOL)
        .body(())
}

/// What is wrong with the answer to our request.
fn fault(error: Error) -> WebFault {
    match error {
        Error::Http(answer) => by_status(&answer),
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(
            SubProtocolError::NoSubProtocol | SubProtocolError::InvalidSubProtocol,
        )) => WebFault::NoSip,
        other => WebFault::Garbled { detail: sentence(&other) },
    }
}

fn by_status(answer: &Response) -> WebFault {
    let status = answer.status().as_u16();
    if !answer.status().is_redirection() {
        return WebFault::Status { status };
    }
    let target = answer.headers().get(http::header::LOCATION).map(http::HeaderValue::as_bytes);
    let to = String::from_utf8_lossy(target.unwrap_or_default()).chars().take(MOST_TARGET).collect();
    WebFault::Redirected { status, to }
}

/// What ended an open one.
pub(crate) fn sentence(error: &Error) -> String {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => "the peer closed it".to_owned(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => "the peer closed it".to_owned(),
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            format!("a message of more than {MAX_MESSAGE} bytes came over it")
        }
        other => other.to_string(),
    }
}

/// What a WebSocket's message means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// Something of SIP's.
    Item(Box<StreamItem>),
    /// Nothing: a ping, which was answered where it was read.
    Nothing,
    /// It closes the connection, and says why.
    Farewell(String),
}

/// Reads one message (RFC 7118 section 5): text and binary are the same, and line ends alone keep the connection alive.
pub(crate) fn said(frame: Frame) -> Said {
    let bytes = match frame {
        Frame::Text(text) => bytes::Bytes::from(text),
        Frame::Binary(bytes) => bytes,
        Frame::Pong(_) => return Said::Item(Box::new(StreamItem::Pong)),
        Frame::Ping(_) | Frame::Frame(_) => return Said::Nothing,
        Frame::Close(None) => return Said::Farewell("the peer closed it".to_owned()),
        Frame::Close(Some(close)) => {
            let (code, reason) = (u16::from(close.code), close.reason);
            return Said::Farewell(format!("the peer closed it: {code} {}", reason.as_str()));
        }
    };
    if bytes.is_empty() {
        return Said::Nothing;
    }
    let item = if bytes.iter().all(|byte| b"\r\n".contains(byte)) {
        // One line end answers, two ask.
        if bytes.len() > 2 { StreamItem::Ping } else { StreamItem::Pong }
    } else {
        Message::parse_datagram(&bytes).map_or_else(StreamItem::Malformed, StreamItem::Message)
    };
    Said::Item(Box::new(item))
}

/// How these bytes are said: a keep-alive by a ping frame, which servers answer whatever they make of SIP; what is no UTF-8
/// as binary, since text must be (RFC 6455 section 8.1).
fn frame(bytes: &bytes::Bytes) -> Frame {
    if bytes == LINE_ENDS {
        return Frame::Ping(bytes::Bytes::new());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Frame::text(text),
        Err(_) => Frame::Binary(bytes.clone()),
    }
}

/// Sends.
pub(super) async fn write(socket: &mut Sending, bytes: &bytes::Bytes) -> Result<(), String> {
    socket.send(frame(bytes)).await.map_err(|error| sentence(&error))
}

/// Says that nothing more comes.
pub(super) async fn close(socket: &mut Sending) {
    // Who is gone need not be told.
    let _ = timeout(FAREWELL, socket.close()).await;
}

/// Reads until it ends.
pub(super) async fn read(
    mut socket: SplitStream<Socket>,
    flow: Flow,
    mut patience: Patience,
    news: mpsc::Sender<StreamNews>,
) {
    let why = loop {
        match timeout_at(patience.ends().into(), socket.next()).await {
            Err(_) => break "nothing came over it for too long".to_owned(),
            Ok(None) => break "the peer closed it".to_owned(),
            Ok(Some(Err(error))) => break sentence(&error),
            Ok(Some(Ok(frame))) => {
                patience.read(Instant::now(), true, false);
                match said(frame) {
                    Said::Nothing => {}
                    Said::Item(item) => {
                        if news.send(StreamNews::Item(flow, item)).await.is_err() {
                            return;
                        }
                    }
                    Said::Farewell(why) => {
                        // Reading on is what sends the answer to it.
                        let _ = timeout(FAREWELL, socket.next()).await;
                        break why;
                    }
                }
            }
        }
    };
    // The loop's end has nobody to tell any more when its owner is gone.
    let _ = news.send(StreamNews::Closed(flow, why)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Transport, Trust};
    use agent_core::certificate::CertificateRule;
    use std::sync::Arc;

    fn identity(transport: Transport, host: &str, port: u16, path: Option<&str>) -> Identity {
        let trust = Trust {
            name: host.to_owned(),
            authorities: None,
            rule: CertificateRule::System,
            path: path.map(str::to_owned),
        };
        Identity { transport, host: host.to_owned(), port, trust: Some(Arc::new(trust)) }
    }

    #[test]
    fn the_request_names_the_machine_as_the_user_did() {
        for (transport, host, port, path, wanted) in [
            (Transport::Wss, "pbx.example", 8089, Some("/ws"), "wss://pbx.example:8089/ws"),
            (Transport::Wss, "pbx.example", 443, Some("/"), "wss://pbx.example/"),
            (Transport::Ws, "192.0.2.1", 80, Some("/a?b=c"), "ws://192.0.2.1/a?b=c"),
            (Transport::Ws, "2001:db8::1", 8088, None, "ws://[2001:db8::1]:8088/"),
            (Transport::Ws, "fe80::1%eth0", 8088, None, "ws://[fe80::1]:8088/"),
        ] {
            let request = request(&identity(transport, host, port, path)).unwrap();
            assert_eq!(request.uri().to_string(), wanted);
            let host = wanted.split('/').nth(2).unwrap();
            assert_eq!(request.headers()["host"], host);
            assert_eq!(request.headers()["sec-websocket-protocol"], "sip");
        }
        assert!(request(&identity(Transport::Ws, "a b", 80, None)).is_err());
    }

    #[test]
    fn what_is_no_text_goes_as_binary_and_a_keep_alive_as_a_ping() {
        let frame = |bytes: &'static [u8]| frame(&bytes::Bytes::from_static(bytes));
        assert_eq!(frame(b"\r\n\r\n"), Frame::Ping(bytes::Bytes::new()));
        assert_eq!(frame(b"\r\n"), Frame::text("\r\n"));
        assert!(frame("SIP/2.0 200 Grüße\r\n\r\n".as_bytes()).is_text());
        assert!(frame(b"SIP/2.0 200 Gr\xfc\xdfe\r\n\r\n").is_binary());
    }

    #[test]
    fn line_ends_keep_alive_and_all_else_is_a_message() {
        let item = |frame| match said(frame) {
            Said::Item(item) => *item,
            other => panic!("{other:?}"),
        };
        assert_eq!(item(Frame::text("\r\n\r\n")), StreamItem::Ping);
        assert_eq!(item(Frame::text("\r\n")), StreamItem::Pong);
        assert_eq!(item(Frame::Pong(bytes::Bytes::new())), StreamItem::Pong);
        assert!(matches!(item(Frame::text("no SIP")), StreamItem::Malformed(_)));
        // Without Content-Length the end of the WebSocket's message is the end (RFC 7118 section 5).
        let bytes = "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\nFrom: <sip:c@b>;tag=1\r\n\
                     To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n\r\nbody";
        let StreamItem::Message(message) = item(Frame::binary(bytes.as_bytes())) else { panic!() };
        assert_eq!(message.body(), b"body".as_slice());
        assert_eq!(said(Frame::text("")), Said::Nothing);
        assert_eq!(said(Frame::Ping(bytes::Bytes::new())), Said::Nothing);
    }
}
