//! The accept loop of one worker.
//!
//! It admits connections up to the listener's limit, starts a task for each, here or at another
//! worker, and ends when the worker drains. How a connection is served is not here.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use switchyard_drain::Phase;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::Receiver;
use tokio::time::{self, Instant};

use crate::connection::Connection;
use crate::handover::{Accepted, Colleague, Inbox};
use crate::http1;
use crate::http2;
use crate::io::Seated;
use crate::listener::{Http2Settings, Listener, Shared};
use crate::origin::Origin;
use crate::prefixed::{self, Beginning};
use crate::seat::Seat;
use crate::tls;
use crate::worker::Worker;

/// How long to wait after accepting failed, at first.
const FIRST_BACKOFF: Duration = Duration::from_millis(10);

/// And at most.
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Accepts on `listener`, once this process may, until `worker` drains or the listener is closed; then takes in
/// what still waits in its queue, which closing the socket would reset, and returns. Where another process
/// accepts in place of this one, the queue is its.
///
/// # Errors
/// The socket cannot be used with the runtime that this is called in.
pub async fn serve(listener: Listener, worker: Arc<Worker>) -> io::Result<()> {
    let socket = TcpListener::from_std(listener.socket)?;
    let shared = listener.shared;
    let watch = &shared.watch;
    watch.posted().await;
    tokio::select! {
        biased;
        () = watch.relieved() => return Ok(()),
        () = watch.reached(Phase::Draining) => {}
        () = accept_forever(&socket, &shared, &worker) => {}
    }
    empty_queue(&socket.into_std()?, &shared, &worker)
}

/// Serves what other workers hand over, until `worker` drains and the last of it has arrived: who gave
/// a connection away relies on it.
pub async fn take_over(inbox: Inbox, worker: Arc<Worker>) {
    let mut accepted = inbox.accepted;
    tokio::select! {
        biased;
        () = worker.watch.reached(Phase::Draining) => {}
        () = receive_all(&mut accepted, &worker) => {}
    }
    accepted.close();
    receive_all(&mut accepted, &worker).await;
}

async fn receive_all(accepted: &mut Receiver<Accepted>, worker: &Arc<Worker>) {
    while let Some(accepted) = accepted.recv().await {
        receive(accepted, worker);
    }
}

/// A connection that is gone before it is accepted is no reason to wait for the next. Anything else
/// is: out of descriptors or memory, the connection stays in the queue, and trying again at once
/// would spin.
async fn accept_forever(socket: &TcpListener, shared: &Arc<Shared>, worker: &Arc<Worker>) {
    let mut backoff = FIRST_BACKOFF;
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                backoff = FIRST_BACKOFF;
                admit(stream, peer, shared, worker);
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                shared.metrics.rejected("accept_failed");
                tracing::warn!(listener = %shared.name, %error, "cannot accept, waiting");
                time::sleep(backoff).await;
                backoff = backoff.saturating_mul(2).min(LONGEST_BACKOFF);
            }
        }
    }
}

/// Accepts what is there. It asks the system itself: the runtime knows only of connections that
/// it has been told of.
fn empty_queue(
    socket: &std::net::TcpListener,
    shared: &Arc<Shared>,
    worker: &Arc<Worker>,
) -> io::Result<()> {
    while let Ok((stream, peer)) = socket.accept() {
        stream.set_nonblocking(true)?;
        admit(TcpStream::from_std(stream)?, peer, shared, worker);
    }
    Ok(())
}

/// Serves a connection here, or has a worker do so that has clearly fewer.
fn admit(stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared>, worker: &Arc<Worker>) {
    let Some(seat) = Seat::take(shared, worker.handover.own()) else {
        shared.metrics.rejected("max_connections");
        return;
    };
    match worker.handover.relief() {
        None => start(stream, peer, seat, worker),
        Some(relief) => hand_over(stream, peer, seat, relief, worker),
    }
}

/// Takes a connection out of this worker's runtime and sends it on. Where that cannot be, it stays.
fn hand_over(
    stream: TcpStream,
    peer: SocketAddr,
    seat: Seat,
    relief: &Colleague,
    worker: &Arc<Worker>,
) {
    let stream = match stream.into_std() {
        Ok(stream) => stream,
        Err(error) => return lost(peer, &error),
    };
    let seat = seat.moved(&relief.load);
    let accepted = Accepted { stream, peer, seat };
    if let Err(kept) = worker.handover.give(relief, accepted) {
        let seat = kept.seat.moved(worker.handover.own());
        receive(Accepted { seat, ..kept }, worker);
    }
}

/// Serves a connection that this worker's runtime does not know yet.
fn receive(accepted: Accepted, worker: &Arc<Worker>) {
    let Accepted { stream, peer, seat } = accepted;
    match TcpStream::from_std(stream) {
        Ok(stream) => start(stream, peer, seat, worker),
        Err(error) => lost(peer, &error),
    }
}

/// Serves a connection, after what a proxy before it has to say where that is expected.
fn start(stream: TcpStream, peer: SocketAddr, seat: Seat, worker: &Arc<Worker>) {
    let settings = seat.listener().settings.load();
    if let Some(proxy_protocol) = settings.proxy_protocol.clone() {
        let worker_too = Arc::clone(worker);
        let hearing = proxy_protocol.serve(stream, peer, seat, worker_too);
        worker.tasks.spawn(hearing);
    } else {
        let origin = Origin::of(&stream, peer, worker);
        welcome(stream, origin, None, seat, worker);
    }
}

/// Serves what comes on a connection from here on. `due` is when the first head must be complete, where
/// its time has begun.
pub(crate) fn welcome(
    stream: TcpStream,
    origin: Origin,
    due: Option<Instant>,
    seat: Seat,
    worker: &Arc<Worker>,
) {
    let listener = Arc::clone(seat.listener());
    let connection = Connection::new(Arc::clone(worker), listener, origin);
    // Boxed, whatever it is: it takes 2 KiB and more, which the runtime would move five times to begin with it and
    // three times to end it.
    let serving: Pin<Box<dyn Future<Output = ()> + Send>> =
        match (connection.settings.tls.clone(), connection.settings.http2) {
            (Some(tls), _) => Box::pin(tls::serve(stream, seat, tls, connection, due)),
            (None, Some(http2)) => Box::pin(either(stream, seat, connection, http2, due)),
            (None, None) => Box::pin(http1::serve(Seated::new(stream, seat), connection, due)),
        };
    worker.tasks.spawn(serving);
}

/// Serves what the client begins to speak. The time for a first head runs meanwhile.
async fn either(
    stream: TcpStream,
    seat: Seat,
    connection: Arc<Connection>,
    http2: Http2Settings,
    due: Option<Instant>,
) {
    let due = due.unwrap_or_else(|| Instant::now() + connection.settings.handshake_timeout);
    let looked = tokio::select! {
        looked = time::timeout_at(due, prefixed::look(stream)) => looked,
        () = connection.watch().reached(Phase::Cut) => return,
    };
    let Ok(Ok((stream, beginning))) = looked else {
        return tracing::debug!(client = %connection.peer, "no request in time");
    };
    let seated = Seated::new(stream, seat);
    match beginning {
        Beginning::Http1 => http1::serve(seated, connection, Some(due)).await,
        Beginning::Http2 => http2::serve(seated, connection, http2).await,
    }
}

fn lost(peer: SocketAddr, error: &io::Error) {
    tracing::debug!(client = %peer.ip(), %error, "an accepted connection cannot be used");
}
