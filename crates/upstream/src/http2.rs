//! HTTP/2 on one connection to an endpoint: limits, and what the endpoint says of itself (RFC 9113).
//!
//! Not here: which connection a stream is opened on (`connections`), and how a handshake looks
//! (`translate`).

pub(crate) mod connections;
mod settings;
pub(crate) mod streamed;
pub(crate) mod translate;

use std::time::Duration;

use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use switchyard_drain::Tasks;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use crate::body::Body;
use crate::http1::MAX_HEAD;
use settings::{Listening, Settings};

/// Bytes that an endpoint may send on one stream before they are taken: what a session holds whose
/// client does not read.
const STREAM_WINDOW: u32 = 32 * 1024;

/// Bytes of window that a connection has for each of its streams. The library ends a connection on
/// which too many small DATA frames wait to be taken, and its budget for them is half of the
/// connection's window: with windows of this size even all streams but one may stand still.
const CONNECTION_WINDOW_PER_STREAM: u32 = 640 * 1024;

/// The largest window there is (RFC 9113 section 6.9.1).
const LARGEST_WINDOW: u32 = (1 << 31) - 1;

/// Bytes of a request's body that wait for an endpoint to take them, for each stream.
const MAX_SEND_BUFFER: usize = 64 * 1024;

/// An endpoint with sessions is asked for a sign of life this often; keep-alive of TCP would find that
/// its machine lives, and not whether it does.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// And has this long for it.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// hyper's half of a connection that reads and writes it.
pub(crate) type Driver<I> = Connection<TokioIo<Listening<I>>, Body, Spawner>;

/// A connection whose endpoint has not said anything yet.
pub(crate) struct Begun {
    sender: SendRequest<Body>,
    said: oneshot::Receiver<Settings>,
}

/// A connection on which streams may be opened.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) sender: SendRequest<Body>,
    pub(crate) settings: Settings,
}

/// Puts HTTP/2 on a connection, with at most `streams` at a time; the driver must be run.
pub(crate) async fn on<I>(io: I, streams: u32, tasks: &Tasks) -> hyper::Result<(Begun, Driver<I>)>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (io, said) = Listening::to(io);
    let window = CONNECTION_WINDOW_PER_STREAM
        .saturating_mul(streams)
        .min(LARGEST_WINDOW);
    let head = u32::try_from(MAX_HEAD).unwrap_or(u32::MAX);
    let (sender, driver) = Builder::new(Spawner(tasks.clone()))
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(window)
        .max_header_list_size(head)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .handshake(TokioIo::new(io))
        .await?;
    Ok((Begun { sender, said }, driver))
}

impl Begun {
    /// Waits for the endpoint's settings, which are the first that it says; `None` where it says something
    /// else, or goes.
    pub(crate) async fn ready(self) -> Option<Ready> {
        let settings = self.said.await.ok()?;
        Some(Ready {
            sender: self.sender,
            settings,
        })
    }
}

/// Runs the streams of a connection on its worker.
#[derive(Debug, Clone)]
pub(crate) struct Spawner(Tasks);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, stream: F) {
        self.0.spawn(stream);
    }
}
