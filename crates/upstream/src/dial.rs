//! One TCP connection to one endpoint.
//!
//! Not here: which endpoint, how often, and what is written on the connection.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time;

use crate::endpoint::Endpoint;
use crate::error::DialError;

/// A session may be silent for hours; an endpoint that vanished without a FIN is found after
/// `IDLE + PROBES * INTERVAL` = 60 s of silence.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
/// Between two unanswered keep-alive probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// Unanswered probes that end the connection.
const KEEPALIVE_PROBES: u32 = 3;

/// Connects to `endpoint` within `timeout`.
///
/// Small frames are not held back (`TCP_NODELAY`), and a vanished endpoint is noticed (keep-alive).
pub(crate) async fn connect(
    endpoint: &Endpoint,
    timeout: Duration,
) -> Result<TcpStream, DialError> {
    let started = Instant::now();
    let connecting = time::timeout(timeout, TcpStream::connect(endpoint.address())).await;
    let Ok(connected) = connecting else {
        return Err(DialError::ConnectTimeout {
            endpoint: Arc::clone(endpoint.name()),
            after: timeout,
        });
    };
    let stream = connected
        .and_then(prepare)
        .map_err(|error| DialError::connect(Arc::clone(endpoint.name()), error))?;
    endpoint.metrics().connected(started.elapsed());
    Ok(stream)
}

fn prepare(stream: TcpStream) -> io::Result<TcpStream> {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}
