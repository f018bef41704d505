//! The WebSocket handshake of a server (RFC 6455 section 4.2), then the chat on that connection.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use switchyard_proto::handshake::{Accept, Offer, RequestError};

use super::{Answer, Server, reply};
use crate::chat::{self, Room};
use crate::servers::Lifeline;

/// Answers the handshake and, once the 101 is out, starts the conversation as a task of its own.
pub(super) fn switch(
    mut request: Request<Incoming>,
    room: Room,
    server: &Arc<Server>,
    lifeline: Lifeline,
) -> Answer {
    if reply::is_foreign(&request) {
        return reply::text(StatusCode::FORBIDDEN, "not from another site's page");
    }
    let offer = match parse(&request) {
        Ok(offer) => offer,
        Err(error) => return refusal(error),
    };
    let upgraded = hyper::upgrade::on(&mut request);
    server
        .servers()
        .tasks()
        .spawn(talk(upgraded, room, Arc::clone(server), lifeline));
    switching(offer.key().accept())
}

fn parse<B>(request: &Request<B>) -> Result<Offer, RequestError> {
    let headers: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    Offer::parse(request.method().as_str(), headers.iter().copied())
}

async fn talk(upgraded: OnUpgrade, room: Room, server: Arc<Server>, mut lifeline: Lifeline) {
    let conversation = async {
        // The client left before the 101 was out.
        let Ok(io) = upgraded.await else { return };
        chat::converse(TokioIo::new(io), room, &server).await;
    };
    tokio::select! {
        _ = lifeline.cut() => {}
        () = conversation => {}
    }
}

fn switching(accept: Accept) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    answer.headers_mut().extend([
        (CONNECTION, HeaderValue::from_static("upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
    ]);
    if let Ok(accept) = HeaderValue::from_str(accept.as_str()) {
        answer.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    answer
}

fn refusal(error: RequestError) -> Answer {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut answer = reply::text(status, &error.to_string());
    if status == StatusCode::UPGRADE_REQUIRED {
        answer
            .headers_mut()
            .insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    answer
}
