//! HTTP/1.1 on one connection to an endpoint: limits, and one request with its answer's head.
//!
//! Informational answers other than 101 are read and dropped on the way.

use std::pin::pin;

use http::{Request, Response, Version};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use switchyard_config::HeaderCase;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::body::BoxError;
use crate::cluster::Cluster;
use crate::dial::{self, Purpose};
use crate::endpoint::Endpoint;
use crate::error::DialError;
use crate::nursery::Nursery;
use crate::socket::Socket;

/// Fields in the head of an answer. Up to 100 hyper parses without an allocation.
pub(crate) const MAX_FIELDS: usize = 100;

/// The head of an answer, in bytes; also what is read ahead of a slow client. Four times what Node
/// accepts.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// hyper's half of a connection that reads and writes it.
pub(crate) type Driver<B, I = Socket> = Connection<TokioIo<I>, B>;

/// Connects to `endpoint` and puts HTTP/1.1 on the connection; nothing but `preface` is sent yet.
pub(crate) async fn connect<B>(
    nursery: &Nursery,
    cluster: &Cluster,
    endpoint: &Endpoint,
    preface: &[u8],
) -> Result<(SendRequest<B>, Driver<B>), DialError>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let (timeout, purpose) = (cluster.connect_timeout(), Purpose::Http1);
    let socket = dial::connect(nursery, endpoint, timeout, purpose, preface).await?;
    on(socket, cluster.header_case())
        .await
        .map_err(|error| DialError::exchange(endpoint.name().clone(), error))
}

/// Puts HTTP/1.1 on a connection; nothing is sent yet.
pub(crate) async fn on<I, B>(
    io: I,
    case: HeaderCase,
) -> hyper::Result<(SendRequest<B>, Driver<B, I>)>
where
    I: AsyncRead + AsyncWrite + Unpin,
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    Builder::new()
        .max_headers(MAX_FIELDS)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_HEAD)
        .preserve_header_case(case == HeaderCase::Preserve)
        .handshake(TokioIo::new(io))
        .await
}

/// Makes `request` one that hyper writes as this cluster wants it.
///
/// hyper finds the case of the field names in the extensions, and obeys it unasked.
pub(crate) fn prepare<B>(request: &mut Request<B>, cluster: &Cluster) {
    *request.version_mut() = Version::HTTP_11;
    match cluster.header_case() {
        HeaderCase::Preserve => {}
        HeaderCase::Lower => request.extensions_mut().clear(),
    }
}

/// Sends `request` and drives the connection in the same future until the head of the answer is here.
///
/// The driver comes back with the answer, where it is needed for the answer's body to arrive.
pub(crate) async fn exchange<B, I>(
    mut sender: SendRequest<B>,
    mut driver: Driver<B, I>,
    request: Request<B>,
) -> hyper::Result<(Response<Incoming>, Option<Driver<B, I>>)>
where
    I: AsyncRead + AsyncWrite + Unpin,
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let mut answer = pin!(sender.send_request(request));
    tokio::select! {
        biased;
        // How it ended is told through the answer, or the body.
        _ = &mut driver => {}
        answer = &mut answer => return Ok((answer?, Some(driver))),
    }
    Ok((answer.await?, None))
}
