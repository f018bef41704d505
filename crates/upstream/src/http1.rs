//! HTTP/1.1 on one connection to an endpoint: limits, and one request with its answer's head.
//!
//! Informational answers other than 101 are read and dropped on the way.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Version};
use hyper::body::{Body, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, Parts, SendRequest};
use hyper_util::rt::TokioIo;
use switchyard_config::HeaderCase;

use crate::body::BoxError;
use crate::cluster::Cluster;
use crate::dial;
use crate::endpoint::Endpoint;
use crate::error::DialError;
use crate::nursery::Nursery;
use crate::socket::Socket;

/// Fields in the head of an answer. Up to 100 hyper parses without an allocation.
const MAX_FIELDS: usize = 100;

/// The head of an answer, in bytes; also what is read ahead of a slow client. Four times what Node
/// accepts.
const MAX_HEAD: usize = 64 * 1024;

/// hyper's half of a connection that reads and writes it.
pub(crate) type Driver<B> = Connection<TokioIo<Socket>, B>;

/// Connects to `endpoint` and puts HTTP/1.1 on the connection; nothing is sent yet.
pub(crate) async fn connect<B>(
    nursery: &Nursery,
    cluster: &Cluster,
    endpoint: &Endpoint,
) -> Result<(SendRequest<B>, Driver<B>), DialError>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let stream = dial::connect(nursery, endpoint, cluster.connect_timeout()).await?;
    Builder::new()
        .max_headers(MAX_FIELDS)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_HEAD)
        .preserve_header_case(cluster.header_case() == HeaderCase::Preserve)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| DialError::exchange(Arc::clone(endpoint.name()), error))
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

/// The connection, once an answer's head has been read off it.
pub(crate) enum Wire<B: Body + 'static> {
    /// HTTP goes on: the driver must run for the answer's body to arrive.
    Running(Box<Driver<B>>),
    /// HTTP is over: the socket, and what was read past the end of it.
    Over(Parts<TokioIo<Socket>>),
}

/// Sends `request` and drives the connection in the same future until the head of the answer is here.
///
/// The connection comes back with the answer, because what happens to it next depends on the answer.
pub(crate) async fn exchange<B>(
    mut sender: SendRequest<B>,
    mut driver: Driver<B>,
    request: Request<B>,
) -> Result<(Response<Incoming>, Wire<B>), TrySendError<Request<B>>>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let mut answer = pin!(sender.try_send_request(request));
    tokio::select! {
        biased;
        // How it ended is told through the answer, or the body.
        _ = poll_fn(|cx| driver.poll_without_shutdown(cx)) => {}
        answer = &mut answer => return Ok((answer?, Wire::Running(Box::new(driver)))),
    }
    // Taken apart, the driver gives back a request that it never began.
    let parts = driver.into_parts();
    Ok((answer.await?, Wire::Over(parts)))
}

impl<B: Body + 'static> Wire<B>
where
    B::Error: Into<BoxError>,
{
    /// The socket, and what was read past the end of HTTP in an allocation of its own: hyper's read
    /// buffer is 8 KiB or more however little of it is left.
    pub(crate) fn into_socket(self) -> (Socket, Bytes) {
        let parts = match self {
            Self::Running(driver) => driver.into_parts(),
            Self::Over(parts) => parts,
        };
        let early = match parts.read_buf.as_ref() {
            [] => Bytes::new(),
            early => Bytes::copy_from_slice(early),
        };
        (parts.io.into_inner(), early)
    }
}
