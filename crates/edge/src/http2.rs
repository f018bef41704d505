//! HTTP/2 with a client: requests and sessions as streams of one connection (RFC 9113, RFC 8441).
//!
//! Every limit that hyper offers is set here and has its reason here; hyper calls its defaults
//! unstable. How a stream's request looks to the rest of the gateway is `translate`'s, how a session
//! reads and writes it is `stream`'s, and what keeps a connection from being idle is
//! `streams`'.

mod ending;
mod stream;
mod streams;
mod translate;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use switchyard_drain::Tasks;
use switchyard_relay::Leg;
use switchyard_telemetry::labels;
use switchyard_upstream::Body;
use tokio::time::timeout;

use crate::connection::{Connection, End, attend};
use crate::io::{Seated, Transport};
use crate::listener::Http2Settings;
use crate::protocol::Protocol;
use crate::random::Random;
use crate::service::Door;

use stream::Stream;
use streams::Open;

/// Bytes of a request's header fields, counted as RFC 9113 section 6.5.2 has it. As over HTTP/1.1.
const MAX_HEAD: u32 = 16 * 1024;

/// Bytes that a client may send on one stream before they are taken: what a session that cannot write to
/// its endpoint holds at most.
const STREAM_WINDOW: u32 = 32 * 1024;

/// Bytes of window that a connection has for each of its streams. The library ends a connection on
/// which too many small DATA frames wait to be taken, and its budget for them is half of the
/// connection's window: with windows of this size even all streams but one may stand still. No memory
/// is set aside for it; the streams' windows are the bound.
const CONNECTION_WINDOW_PER_STREAM: u32 = 640 * 1024;

/// The largest window there is (RFC 9113 section 6.9.1).
const LARGEST_WINDOW: u32 = (1 << 31) - 1;

/// The largest frame that is taken: the least that must be (RFC 9113 section 6.5.2).
const MAX_FRAME: u32 = 16 * 1024;

/// Bytes of an answer's body that wait for a client to take them, for each stream.
const MAX_SEND_BUFFER: usize = 64 * 1024;

/// Streams that a client has opened and reset before they were looked at; with more the connection is
/// ended (CVE-2023-44487).
const MAX_RESET_BEFORE_ACCEPT: usize = 20;

/// Streams that were reset because of what the client did; with more the connection is ended.
const MAX_RESET_FOR_CAUSE: usize = 256;

/// A client is asked for a sign of life this often. Over HTTP/2 its silence is not seen otherwise: it
/// may have stopped in the middle of a head, where no deadline for heads would end it.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// And has this long for it.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// HTTP/2; a session has a stream.
pub(crate) struct Http2;

impl Protocol for Http2 {
    const LABEL: labels::Protocol = labels::Protocol::Http2;

    type Io = Stream;

    type Stay = Open;

    fn stay(connection: &Arc<Connection>) -> Self::Stay {
        Open::on(connection)
    }

    fn request<B>(request: Request<B>, random: &Random) -> Request<B> {
        translate::request(request, || random.next_wide())
    }

    /// A session begins with any success (RFC 9110 section 9.3.6).
    fn may_decline(status: StatusCode) -> bool {
        !status.is_success()
    }

    fn response(response: Response<Body>, stay: Self::Stay) -> Response<Body> {
        let response = translate::response(response);
        response.map(|body| stay.through(body).boxed_unsync())
    }

    /// The connection goes on meanwhile.
    fn go_on_with(connection: &Connection, sequel: impl Future<Output = ()> + Send + 'static) {
        connection.worker.tasks.spawn(sequel);
    }

    fn take(upgraded: Upgraded, stay: Self::Stay) -> Option<Leg<Self::Io>> {
        Some(Leg {
            io: Stream::new(upgraded, stay),
            early: bytes::Bytes::new(),
        })
    }
}

/// Serves the streams of a connection until it ends. One that has had none for as long as a head may
/// take is told to go, and then closed.
pub(crate) async fn serve<T: Transport>(
    seated: Seated<T>,
    connection: Arc<Connection>,
    settings: Http2Settings,
) {
    let io = TokioIo::new(seated);
    let service = TowerToHyperService::new(Door::<Http2>::new(Arc::clone(&connection)));
    let builder = http(settings, &connection.worker.tasks);
    let patience = connection.settings.handshake_timeout;
    let mut serving = pin!(builder.serve_connection(io, service));
    let end = attend(
        serving.as_mut(),
        &connection,
        http2::Connection::graceful_shutdown,
        connection.streams.nobody_for(patience),
    );
    let reason = match end.await {
        End::Own(result) => ending::reason(&connection, result),
        End::GivenUp => {
            serving.as_mut().graceful_shutdown();
            // What it says then is no news.
            let _ = timeout(patience, serving).await;
            ending::IDLE
        }
        End::Cut => ending::CUT,
    };
    connection.listener.metrics.http2_ended(reason);
}

fn http(settings: Http2Settings, tasks: &Tasks) -> http2::Builder<Spawner> {
    let mut http = http2::Builder::new(Spawner(tasks.clone()));
    let streams = settings.max_concurrent_streams;
    let window = CONNECTION_WINDOW_PER_STREAM
        .saturating_mul(streams)
        .min(LARGEST_WINDOW);
    http.timer(TokioTimer::new())
        .max_concurrent_streams(streams)
        .max_header_list_size(MAX_HEAD)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(window)
        .max_frame_size(MAX_FRAME)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_RESET_BEFORE_ACCEPT)
        .max_local_error_reset_streams(MAX_RESET_FOR_CAUSE)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    if settings.extended_connect {
        http.enable_connect_protocol();
    }
    http
}

/// Runs the streams of a connection on its worker.
#[derive(Clone)]
struct Spawner(Tasks);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, stream: F) {
        self.0.spawn(stream);
    }
}

#[cfg(test)]
mod tests;
