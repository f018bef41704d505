//! One client connection: HTTP/1.1 under limits, until it ends, drains or becomes a session.
//!
//! Every limit that hyper offers is set here and has its reason here; hyper calls its defaults
//! unstable. What a request is answered is not here.

use std::future::pending;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use switchyard_drain::Phase;
use tokio::time::{Instant, sleep_until};

use crate::forward::Scheme;
use crate::io::{Seated, Sightings, Transport, Watched};
use crate::listener::Shared;
use crate::service::Door;
use crate::worker::Worker;

/// Header fields of a request. Browsers send about 20; proxies before us add a few.
const MAX_HEADERS: usize = 64;

/// Bytes of a request's head. Two large cookies fit.
const MAX_HEAD: usize = 16 * 1024;

/// Bytes that are read ahead and not yet answered: a head, and as much again.
const MAX_BUFFER: usize = 32 * 1024;

/// What all requests of a connection share.
pub(crate) struct Connection {
    pub(crate) worker: Arc<Worker>,
    pub(crate) listener: Arc<Shared>,
    pub(crate) peer: IpAddr,
    pub(crate) scheme: Scheme,
    pub(crate) sightings: Arc<Sightings>,
    /// Whether a request has come in.
    used: AtomicBool,
}

impl Connection {
    pub(crate) fn new(
        worker: Arc<Worker>,
        listener: Arc<Shared>,
        peer: IpAddr,
        scheme: Scheme,
    ) -> Arc<Self> {
        Arc::new(Self {
            worker,
            listener,
            peer,
            scheme,
            sightings: Arc::default(),
            used: AtomicBool::new(false),
        })
    }

    /// A request has come in.
    pub(crate) fn note_request(&self) {
        self.used.store(true, Ordering::Relaxed);
    }

    fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }
}

/// Serves the requests of a connection until it ends.
///
/// When the worker drains, the request that is being answered is the last, and a connection between
/// two requests is closed. One that has not had its first yet may still send it, within its time:
/// its client has just been let in. When sessions are cut, so is this. A connection that became a
/// session is the relay's.
///
/// `first_due` is when the first head must be complete, where its time began before this is called.
pub(crate) async fn serve<T: Transport>(
    seated: Seated<T>,
    connection: Arc<Connection>,
    first_due: Option<Instant>,
) {
    let watch = connection.worker.watch.clone();
    let io = TokioIo::new(Watched::new(seated, Arc::clone(&connection.sightings)));
    let service = TowerToHyperService::new(Door::<T>::new(Arc::clone(&connection)));
    let builder = http(&connection);
    let mut serving = pin!(builder.serve_connection(io, service).with_upgrades());
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = overdue(&connection, first_due) => Ok(()),
        () = watch.reached(Phase::Draining) => {
            if connection.is_used() {
                serving.as_mut().graceful_shutdown();
            }
            tokio::select! {
                ended = serving.as_mut() => ended,
                () = watch.reached(Phase::Cut) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        note(&connection, &error);
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
        .header_read_timeout(connection.listener.handshake_timeout)
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
