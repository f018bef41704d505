//! The control API that every server offers: list the servers, kill one, revive one.
//!
//! `GET /control/servers`, `POST /control/servers/{name}/kill`, `POST /control/servers/{name}/revive`.
//! Each answers with the list as it is afterwards. Only pages of the same origin may command.

use hyper::{Request, StatusCode};
use serde_json::json;

use super::{Answer, Server, reply};
use crate::error::Error;
use crate::servers::{ConnectionId, Mercy};

pub(super) fn list(server: &Server) -> Answer {
    let body = json!({ "answered_by": server.identity().name, "servers": server.servers().list() });
    reply::reply(StatusCode::OK, "application/json", body.to_string())
}

pub(super) async fn command<B>(
    request: &Request<B>,
    server: &Server,
    caller: ConnectionId,
) -> Answer {
    if reply::is_foreign(request) {
        return reply::text(StatusCode::FORBIDDEN, "not from another site's page");
    }
    let path = request.uri().path();
    let words = path
        .strip_prefix("/control/servers/")
        .and_then(|rest| rest.split_once('/'));
    let done = match words {
        Some((name, "kill")) => {
            server
                .servers()
                .kill_with(name, mercy(name, server, caller))
                .await
        }
        Some((name, "revive")) => server.servers().revive(name).await,
        _ => return reply::text(StatusCode::NOT_FOUND, "nothing here"),
    };
    match done {
        Ok(()) => list(server),
        Err(error) => reply::text(status(&error), &error.to_string()),
    }
}

/// A server that is asked to kill itself still says that it does.
fn mercy(name: &str, server: &Server, caller: ConnectionId) -> Mercy {
    if name == server.identity().name {
        Mercy::For(caller)
    } else {
        Mercy::None
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::Unknown(_) => StatusCode::NOT_FOUND,
        Error::Dead(_) | Error::Live(_) => StatusCode::CONFLICT,
        Error::Count { .. } | Error::Listen { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
