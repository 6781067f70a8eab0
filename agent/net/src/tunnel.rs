//! A tunnel through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6).

use crate::{error::NetError, proxy::Proxy};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A proxy's answer is a few lines; more than this is no answer.
const MOST_BYTES: usize = 16 * 1024;

/// Asks the proxy at the other end of `stream` for a way to `host`, and hands the stream back once it is open.
pub(crate) async fn through<S>(mut stream: S, proxy: &Proxy, host: &str, port: u16) -> Result<S, NetError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let failed = |cause: String| NetError::Proxy {
        proxy: format!("{}:{}", proxy.host, proxy.port),
        host: host.to_owned(),
        cause,
    };
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(value) = &proxy.authorization {
        request.push_str(&format!("Proxy-Authorization: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| failed(error.to_string()))?;
    stream.flush().await.map_err(|error| failed(error.to_string()))?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        // One byte at a time: what follows the empty line belongs to whoever is at the far end.
        let byte = stream.read_u8().await.map_err(|error| failed(error.to_string()))?;
        answer.push(byte);
        if answer.len() > MOST_BYTES {
            return Err(failed("its answer does not end".to_owned()));
        }
    }
    let line =
        String::from_utf8_lossy(answer.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    let status = line.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok());
    match status {
        Some(200..=299) if line.starts_with("HTTP/1.") => Ok(stream),
        Some(407) => {
            Err(failed("it wants a user name and password: set them in the proxy's address".to_owned()))
        }
        _ => Err(failed(format!("it said {line:?}"))),
    }
}
