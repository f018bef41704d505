//! One application server's HTTP side: accept, read a request, answer it or hand it to the chat.

mod control;
mod handshake;
mod page;
mod reply;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::chat::{Room, Rooms};
use crate::identity::Identity;
use crate::servers::{ConnectionId, Lifeline, Mercy, Servers};

/// A request head must be complete by then.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// The most a request head may take.
const HEAD_BYTES: usize = 16 * 1024;
/// The most header fields a request may have.
const HEAD_FIELDS: usize = 64;
/// How long the connection that asked for its own server's end has to take the answer.
const LAST_ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Pause after a failed accept, which is mostly a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type Answer = Response<Full<Bytes>>;

/// What every connection of one server shares.
#[derive(Debug)]
pub(crate) struct Server {
    identity: Identity,
    rooms: Arc<Rooms>,
    servers: Servers,
    connections: AtomicU64,
}

impl Server {
    pub(crate) fn new(identity: Identity, servers: Servers) -> Self {
        let rooms = Arc::new(Rooms::new(servers.changes().clone()));
        Self {
            identity,
            rooms,
            servers,
            connections: AtomicU64::new(0),
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    pub(crate) fn rooms(&self) -> &Arc<Rooms> {
        &self.rooms
    }

    pub(crate) fn servers(&self) -> &Servers {
        &self.servers
    }

    fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.connections.fetch_add(1, Ordering::Relaxed))
    }
}

/// Accepts until the server is killed.
pub(crate) async fn accept(listener: TcpListener, server: Arc<Server>, mut lifeline: Lifeline) {
    let connections = lifeline.clone();
    tokio::select! {
        _ = lifeline.cut() => {}
        () = accept_forever(&listener, &server, &connections) => {}
    }
}

async fn accept_forever(listener: &TcpListener, server: &Arc<Server>, lifeline: &Lifeline) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = serve(stream, Arc::clone(server), lifeline.clone());
                server.servers.tasks().spawn(connection);
            }
            Err(error) => {
                tracing::warn!(server = server.identity.name, %error, "accept failed");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, server: Arc<Server>, mut lifeline: Lifeline) {
    // A chat message should not wait for a fuller packet; without it the demo is only slower.
    stream.set_nodelay(true).ok();
    let id = server.next_connection();
    let for_chat = lifeline.clone();
    let service = service_fn(|request| {
        let caller = Caller {
            id,
            lifeline: for_chat.clone(),
        };
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(answer(request, &server, caller).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEAD_FIELDS)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let mercy = tokio::select! {
        mercy = lifeline.cut() => mercy,
        // How a peer left is of no interest here.
        _ = connection.as_mut() => return,
    };
    if mercy == Mercy::For(id) {
        connection.as_mut().graceful_shutdown();
        timeout(LAST_ANSWER_WITHIN, connection).await.ok();
    }
}

/// The connection that a request came on.
struct Caller {
    id: ConnectionId,
    lifeline: Lifeline,
}

async fn answer(request: Request<Incoming>, server: &Arc<Server>, caller: Caller) -> Answer {
    let path = request.uri().path().to_owned();
    let mut answer = match (request.method(), path.as_str()) {
        (&Method::GET, "/") => page::page(server.identity),
        (&Method::GET, "/control/servers") => control::list(server),
        (&Method::POST, path) if path.starts_with("/control/") => {
            control::command(&request, server, caller.id).await
        }
        (_, path) => match path.strip_prefix("/rooms/") {
            Some(room) => enter(request, room, server, caller),
            None => reply::text(StatusCode::NOT_FOUND, "nothing here"),
        },
    };
    answer
        .headers_mut()
        .extend([reply::served_by(server.identity)]);
    answer
}

fn enter(request: Request<Incoming>, room: &str, server: &Arc<Server>, caller: Caller) -> Answer {
    match Room::parse(room) {
        Some(room) => handshake::switch(request, room, server, caller.lifeline),
        None => reply::text(
            StatusCode::BAD_REQUEST,
            "a room is 1 to 32 letters, digits, hyphens or underscores",
        ),
    }
}

#[cfg(test)]
mod tests;
