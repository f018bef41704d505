//! The accept loop of one worker.
//!
//! It admits connections up to the listener's limit, starts a task for each and ends when the
//! worker drains. How a connection is served is not here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rustix::io::Errno;
use switchyard_drain::Phase;
use tokio::net::{TcpListener, TcpStream};
use tokio::time;

use crate::connection::{self, Connection};
use crate::io::{Seat, Seated};
use crate::listener::{Listener, Shared};
use crate::worker::Worker;

/// How long to wait for a descriptor or memory to be free again, at first.
const FIRST_BACKOFF: Duration = Duration::from_millis(10);

/// And at most.
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Accepts on `listener` until `worker` drains; then takes in what still waits in its queue, which
/// closing the socket would reset, and returns.
///
/// # Errors
/// The socket cannot be used with the runtime that this is called in.
pub async fn serve(listener: Listener, worker: Arc<Worker>) -> io::Result<()> {
    let socket = TcpListener::from_std(listener.socket)?;
    let shared = listener.shared;
    let draining = worker.watch.clone();
    tokio::select! {
        () = accept_forever(&socket, &shared, &worker) => {}
        () = draining.reached(Phase::Draining) => empty_queue(&socket, &shared, &worker),
    }
    Ok(())
}

async fn accept_forever(socket: &TcpListener, shared: &Arc<Shared>, worker: &Arc<Worker>) {
    let mut backoff = FIRST_BACKOFF;
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                backoff = FIRST_BACKOFF;
                admit(stream, peer, shared, worker);
            }
            Err(error) if is_shortage(&error) => {
                shared.metrics.rejected("shortage");
                tracing::warn!(listener = %shared.name, %error, "cannot accept, waiting");
                time::sleep(backoff).await;
                backoff = backoff.saturating_mul(2).min(LONGEST_BACKOFF);
            }
            // The connection was gone before it was accepted; the next one need not be.
            Err(error) => tracing::debug!(listener = %shared.name, %error, "accept failed"),
        }
    }
}

/// Accepts what can be accepted without waiting.
fn empty_queue(socket: &TcpListener, shared: &Arc<Shared>, worker: &Arc<Worker>) {
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Ok((stream, peer))) = socket.poll_accept(&mut cx) {
        admit(stream, peer, shared, worker);
    }
}

/// The process or the system is out of descriptors or memory. The connection stays in the queue,
/// so trying again at once would spin.
fn is_shortage(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    errno.is_some_and(|errno| shortages.contains(&errno))
}

fn admit(stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared>, worker: &Arc<Worker>) {
    let Ok(permit) = Arc::clone(&shared.room).try_acquire_owned() else {
        shared.metrics.rejected("max_connections");
        return;
    };
    let seat = Seat {
        _permit: permit,
        _open: shared.metrics.connection(),
    };
    let connection = Connection::new(Arc::clone(worker), Arc::clone(shared), peer.ip());
    worker
        .tasks
        .spawn(connection::serve(Seated::new(stream, seat), connection));
}
