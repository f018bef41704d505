//! One request to the API server on a connection of its own. Not here: what is asked, and what the
//! answer means.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::error::Error;
use crate::kubernetes::access::{Target, unclear};
use crate::kubernetes::exchange::Exchange;

/// How long a connection may take, with its TLS.
const DIAL: Duration = Duration::from_secs(10);

/// How long the head of an answer may take.
const HEAD: Duration = Duration::from_secs(30);

/// A watch may be silent for minutes; that its server is still there is asked after 30 s of silence,
/// and given up 30 s later.
const SILENCE: Duration = Duration::from_secs(30);
const PROBE: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;

/// What a request goes over.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Asks for `path`, which begins behind the target's base, and gives the answer with its body to come.
pub(super) async fn get(target: &Target, path: &str) -> Result<Exchange, Error> {
    let request = request(target, path)?;
    let stream = timeout(DIAL, dial(target))
        .await
        .or(Err(Error::ApiSilent))??;
    timeout(HEAD, ask(stream, request))
        .await
        .or(Err(Error::ApiSilent))?
}

fn request(target: &Target, path: &str) -> Result<Request<Empty<Bytes>>, Error> {
    let host = if target.host.contains(':') {
        format!("[{}]:{}", target.host, target.port)
    } else {
        format!("{}:{}", target.host, target.port)
    };
    let mut request = Request::get(format!("{}{path}", target.base))
        .header(HOST, host)
        .header(ACCEPT, "application/json")
        .header(
            USER_AGENT,
            concat!("switchyard/", env!("CARGO_PKG_VERSION")),
        );
    if let Some(value) = &target.authorization {
        request = request.header(AUTHORIZATION, value);
    }
    request
        .body(Empty::new())
        .map_err(|error| unclear(&format!("there is no such request: {error}")))
}

async fn dial(target: &Target) -> Result<Box<dyn Io>, Error> {
    let stream = TcpStream::connect((target.host.as_str(), target.port))
        .await
        .map_err(Error::ApiUnreachable)?;
    let keepalive = TcpKeepalive::new()
        .with_time(SILENCE)
        .with_interval(PROBE)
        .with_retries(PROBES);
    SockRef::from(&stream)
        .set_tcp_keepalive(&keepalive)
        .map_err(Error::ApiUnreachable)?;
    let Some((config, name)) = &target.tls else {
        return Ok(Box::new(stream));
    };
    let tls = TlsConnector::from(Arc::clone(config)).connect(name.clone(), stream);
    Ok(Box::new(tls.await.map_err(Error::ApiUnreachable)?))
}

async fn ask(stream: Box<dyn Io>, request: Request<Empty<Bytes>>) -> Result<Exchange, Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(Error::ApiBroken)?;
    let mut connection = Box::pin(connection);
    let mut answer = Box::pin(sender.send_request(request));
    // What a connection ends with is seen by whoever waits for the answer, and then for its body.
    let mut is_open = true;
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut answer => break answer.map_err(Error::ApiBroken)?,
            _ = &mut connection, if is_open => is_open = false,
        }
    };
    let connection = Box::pin(async move {
        let _ = connection.await;
    });
    Ok(Exchange::new(answer, is_open.then_some(connection)))
}
