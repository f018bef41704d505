//! The WebSocket probe: a whole handshake, a Ping, its Pong, a Close.
//!
//! An endpoint whose HTTP works and whose WebSockets hang is found by nothing less.

use std::io::Cursor;

use fastwebsockets::{Frame, OpCode, Payload, Role, WebSocket};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderValue, Request};
use switchyard_config::{HeaderCase, WebSocketProbe};
use switchyard_proto::handshake::{Key, Offer};
use switchyard_telemetry::labels::ProbeResult;
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{self, Instant};

use super::fetch;
use crate::endpoint::Endpoint;
use crate::shake::{self, Answer};
use crate::stream::Stream;

/// The largest frame of an endpoint that a probe reads past while it waits for the Pong.
const MAX_FRAME: usize = 64 * 1024;

/// How many of them.
const MAX_FRAMES: usize = 64;

/// The code of the Close: nothing more is wanted (RFC 6455 section 7.4.1).
const NORMAL: u16 = 1000;

/// Has a verified 101 by `deadline`, and then the Pong in time.
pub(super) async fn ask(
    mut stream: Stream,
    probe: &WebSocketProbe,
    endpoint: &Endpoint,
    deadline: Instant,
) -> Result<(), ProbeResult> {
    let request = handshake(probe, endpoint)?;
    let shaking = shake_hands(&mut stream, request);
    let early = time::timeout_at(deadline, shaking)
        .await
        .map_err(|_elapsed| ProbeResult::Timeout)??;
    let (reader, writer) = io::split(stream);
    let stream = io::join(Cursor::new(early).chain(reader), writer);
    match time::timeout(probe.pong_within, ping(stream)).await {
        Ok(pong) => pong,
        Err(_elapsed) => Err(ProbeResult::Pong),
    }
}

/// What came behind the 101.
async fn shake_hands(
    stream: &mut Stream,
    request: Request<()>,
) -> Result<bytes::Bytes, ProbeResult> {
    let offer = offer(&request)?;
    let head = shake::encode(request, HeaderCase::Lower).await;
    let sent = shake::send(stream, &head).await;
    sent.map_err(|_unwritten| ProbeResult::Closed)?;
    match shake::answer(stream, &offer).await {
        Ok(Answer::Switched(accepted)) => Ok(accepted.early),
        Ok(Answer::Other(_)) => Err(ProbeResult::Status),
        Err(shake::NoAnswer::Ended(_)) => Err(ProbeResult::Closed),
        Err(shake::NoAnswer::Faulty(_)) => Err(ProbeResult::Handshake),
    }
}

pub(super) fn handshake(
    probe: &WebSocketProbe,
    endpoint: &Endpoint,
) -> Result<Request<()>, ProbeResult> {
    let mut request = Request::new(());
    fetch::head(&mut request, &probe.path, probe.host.as_ref(), endpoint)?;
    let headers = request.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_none| ProbeResult::Handshake)?;
    let key = Key::from_bytes(nonce);
    let text = |text: &str| HeaderValue::from_str(text).map_err(|_invalid| ProbeResult::Handshake);
    headers.insert(SEC_WEBSOCKET_KEY, text(key.as_str())?);
    if let Some(subprotocol) = &probe.subprotocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, text(subprotocol)?);
    }
    Ok(request)
}

fn offer(request: &Request<()>) -> Result<Offer, ProbeResult> {
    let fields: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    Offer::parse("GET", fields.iter().copied()).map_err(|_invalid| ProbeResult::Handshake)
}

/// Sends a Ping and reads until its Pong; whatever else comes is let go.
pub(super) async fn ping<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<(), ProbeResult> {
    let mut socket = WebSocket::after_handshake(stream, Role::Client);
    socket.set_max_message_size(MAX_FRAME);
    socket.set_auto_close(false);
    let payload = *b"switchyard";
    let ping = Frame::new(true, OpCode::Ping, None, Payload::Borrowed(&payload));
    let sent = socket.write_frame(ping).await;
    sent.map_err(|_broken| ProbeResult::Closed)?;
    for _ in 0..MAX_FRAMES {
        let frame = socket.read_frame().await;
        let frame = frame.map_err(|_broken| ProbeResult::Closed)?;
        match frame.opcode {
            OpCode::Pong if *frame.payload == payload => {
                // It has shown that it works; how it takes the Close does not matter.
                drop(socket.write_frame(Frame::close(NORMAL, b"")).await);
                return Ok(());
            }
            OpCode::Close => return Err(ProbeResult::Closed),
            OpCode::Continuation | OpCode::Text | OpCode::Binary | OpCode::Ping | OpCode::Pong => {}
        }
    }
    Err(ProbeResult::Pong)
}
