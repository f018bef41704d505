//! One connection to one endpoint: TCP, and TLS on it where the cluster has it.
//!
//! Not here: which endpoint, how often, and what is written on the connection behind its preface.

use std::io;
use std::time::Duration;

use switchyard_tls::Application;
use tokio::net::TcpStream;
use tokio::time::{self, Instant};

use crate::endpoint::Endpoint;
use crate::error::DialError;
use crate::nursery::Nursery;
use crate::socket::Socket;
use crate::tcp::Told;
use crate::tls::NoTls;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// One session: its handshake follows at once, and [`Socket::has_begun`] after it.
    Session,
    /// Requests by HTTP/1.1.
    Http1,
    /// Requests by HTTP/2.
    Http2,
}

impl Purpose {
    fn application(self) -> Application {
        match self {
            Self::Session | Self::Http1 => Application::Http1,
            Self::Http2 => Application::Http2,
        }
    }

    fn told(self, endpoint: &Endpoint) -> Told {
        match self {
            Self::Session if !endpoint.is_secured() => Told::WithFirstBytes,
            Self::Session | Self::Http1 | Self::Http2 => Told::AtOnce,
        }
    }
}

/// Connects to `endpoint` within `timeout`, and says `preface`, if there is any; then the handshake of TLS,
/// by which the application's protocol is agreed on. Nothing comes before the preface, whatever the connection carries.
///
/// Small frames are not held back (`TCP_NODELAY`), and a vanished endpoint is noticed (keep-alive,
/// once the connection has grown out of `nursery`).
pub(crate) async fn connect(
    nursery: &Nursery,
    endpoint: &Endpoint,
    timeout: Duration,
    purpose: Purpose,
    preface: &[u8],
) -> Result<Socket, DialError> {
    let started = Instant::now();
    let due = started + timeout;
    let connecting = endpoint
        .sources()
        .connect(endpoint.address(), purpose.told(endpoint));
    let Ok(connected) = time::timeout_at(due, connecting).await else {
        return Err(DialError::ConnectTimeout {
            endpoint: endpoint.name().clone(),
            after: timeout,
        });
    };
    let tcp = connected
        .and_then(|tcp| introduce(tcp, preface))
        .and_then(prepare)
        .map_err(|error| DialError::connect(endpoint.name().clone(), error))?;
    let connection = endpoint.metrics().connected(started.elapsed());
    let securing = endpoint.secure(tcp, due, purpose.application());
    let stream = securing
        .await
        .map_err(|error| no_tls(endpoint, error, timeout))?;
    Ok(Socket::new(stream, nursery.enter(), connection))
}

fn no_tls(endpoint: &Endpoint, error: NoTls, timeout: Duration) -> DialError {
    let endpoint = endpoint.name().clone();
    match error {
        NoTls::Late => DialError::TlsTimeout {
            endpoint,
            after: timeout,
        },
        NoTls::Failed(error) => DialError::tls(endpoint, error),
        NoTls::NoHttp2 => DialError::NoHttp2 { endpoint },
    }
}

/// Says whose the connection is, where the endpoint is to know. Nothing waits to be sent yet, so the system
/// takes all of it at once.
pub(crate) fn introduce(stream: TcpStream, preface: &[u8]) -> io::Result<TcpStream> {
    if preface.is_empty() || stream.try_write(preface)? == preface.len() {
        Ok(stream)
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

/// Every option is a system call for each session: only what a session cannot begin without.
fn prepare(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}
