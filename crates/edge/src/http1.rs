//! HTTP/1.1 with a client.
//!
//! Every limit that hyper offers is set here and has its reason here; hyper calls its defaults
//! unstable.

use std::future::pending;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::server::conn::http1;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use switchyard_relay::Leg;
use switchyard_telemetry::labels;
use switchyard_upstream::Body;
use tokio::time::{Instant, sleep_until};

use crate::connection::{Connection, End, attend};
use crate::io::{Seated, Transport, Watched};
use crate::protocol::Protocol;
use crate::random::Random;
use crate::service::Door;

/// Header fields of a request. Browsers send about 20; proxies before us add a few.
const MAX_HEADERS: usize = 64;

/// Bytes of a request's head. Two large cookies fit.
const MAX_HEAD: usize = 16 * 1024;

/// Bytes that are read ahead and not yet answered: a head, and as much again.
const MAX_BUFFER: usize = 32 * 1024;

/// HTTP/1.1 over `T`, which becomes the session's when a request is upgraded.
pub(crate) struct Http1<T>(PhantomData<fn() -> T>);

impl<T: Transport> Protocol for Http1<T> {
    const LABEL: labels::Protocol = labels::Protocol::Http1;

    type Io = Seated<T>;

    type Stay = ();

    fn stay(_connection: &Arc<Connection>) -> Self::Stay {}

    fn request<B>(request: Request<B>, _random: &Random) -> Request<B> {
        request
    }

    /// A session begins with a 101 alone.
    fn may_decline(_status: StatusCode) -> bool {
        true
    }

    fn response(response: Response<Body>, (): Self::Stay) -> Response<Body> {
        response
    }

    /// The connection's own task does it, once hyper has let go: the answer is the last on it, and another task would
    /// only wait for this one.
    fn go_on_with(connection: &Connection, sequel: impl Future<Output = ()> + Send + 'static) {
        connection.go_on_with(Box::pin(sequel));
    }

    fn take(upgraded: Upgraded, (): Self::Stay) -> Option<Leg<Self::Io>> {
        let parts = upgraded.downcast::<TokioIo<Watched<T>>>().ok()?;
        Some(Leg {
            io: parts.io.into_inner().into_inner(),
            early: owned(&parts.read_buf),
        })
    }
}

/// A copy of its own: the original would keep hyper's buffer of 8 KiB alive, even when empty.
fn owned(early: &Bytes) -> Bytes {
    Bytes::copy_from_slice(early)
}

/// Serves the requests of a connection until it ends. One that became a session is given to the relay.
///
/// `first_due` is when the first head must be complete, where its time began before this is called.
pub(crate) async fn serve<T: Transport>(
    seated: Seated<T>,
    connection: Arc<Connection>,
    first_due: Option<Instant>,
) {
    exchange(seated, &connection, first_due).await;
    if let Some(sequel) = connection.take_sequel() {
        drop(connection);
        sequel.await;
    }
}

/// Lets hyper serve the requests; nothing of hyper is left behind.
async fn exchange<T: Transport>(
    seated: Seated<T>,
    connection: &Arc<Connection>,
    first_due: Option<Instant>,
) {
    let io = TokioIo::new(Watched::new(seated, Arc::clone(&connection.sightings)));
    let service = TowerToHyperService::new(Door::<Http1<T>>::new(Arc::clone(connection)));
    let builder = http(connection);
    let mut serving = pin!(builder.serve_connection(io, service).with_upgrades());
    let end = attend(
        serving.as_mut(),
        connection,
        http1::UpgradeableConnection::graceful_shutdown,
        overdue(connection, first_due),
    );
    if let End::Own(Err(error)) = end.await {
        note(connection, &error);
    }
}

/// Returns when the first head is due and has not come, if ever.
async fn overdue(connection: &Connection, first_due: Option<Instant>) {
    if let Some(due) = first_due {
        sleep_until(due).await;
        if !connection.is_used() {
            return tracing::debug!(client = %connection.peer, "no request in time");
        }
    }
    pending::<()>().await;
}

/// The deadline for a head runs from the moment that one may come: it bounds a connection that
/// sends nothing, one that sends slowly, and one that is kept alive without use.
fn http(connection: &Connection) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(connection.settings.handshake_timeout)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_BUFFER)
        .preserve_header_case(connection.worker.snapshot.load().keeps_header_case());
    http
}

/// hyper has answered what it could not parse; the client's going away is no news.
fn note(connection: &Connection, error: &hyper::Error) {
    if error.is_parse() {
        connection.listener.metrics.rejected("malformed");
    }
    tracing::debug!(client = %connection.peer, %error, "connection failed");
}
