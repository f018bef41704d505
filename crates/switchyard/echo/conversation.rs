//! What is said once the WebSocket is open: a message, its echo, a Close.

use std::fmt::Write as _;

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fastwebsockets::{Frame, OpCode, Payload, Role, WebSocket};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

use super::messages::Messages;
use super::{Deadline, Heard, shown};

/// Nothing more is wanted (RFC 6455 section 7.4.1).
const NORMAL: u16 = 1000;

/// What came that was no echo.
#[derive(Default)]
struct Others {
    count: usize,
    /// How the last one is shown.
    last: String,
}

/// Over a connection that has become a WebSocket.
pub(crate) async fn hold<S>(stream: S, deadline: Deadline) -> anyhow::Result<Heard>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    let socket = WebSocket::after_handshake(TokioIo::new(stream), Role::Client);
    let mut messages = Messages::new(socket);
    let message = message()?;
    let sent = Instant::now();
    let text = Frame::text(Payload::Borrowed(message.as_bytes()));
    let sending = deadline.within("room for the message", messages.socket().write_frame(text));
    sending.await?.context("the connection broke")?;
    let mut others = Others::default();
    let listening = timeout_at(deadline.at, listen(&mut messages, &message, &mut others));
    match listening.await {
        Err(_elapsed) => bail!("no echo within {:?}{others}", deadline.patience),
        Ok(Err(error)) => return Err(anyhow!("{error}{others}")),
        Ok(Ok(())) => {}
    }
    let after = sent.elapsed();
    let closed = timeout_at(deadline.at, close(&mut messages)).await;
    let is_closed = closed.is_ok();
    Ok(Heard { after, is_closed })
}

/// One that nobody sends by chance.
fn message() -> anyhow::Result<String> {
    let mut random = [0; 18];
    getrandom::fill(&mut random).context("the system has no random numbers")?;
    Ok(format!(
        "switchyard-probe {}",
        URL_SAFE_NO_PAD.encode(random)
    ))
}

/// Reads until the message has come back. Pings are answered on the way.
async fn listen<S>(
    messages: &mut Messages<S>,
    message: &str,
    others: &mut Others,
) -> anyhow::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let came = messages.next().await;
        let (opcode, payload) =
            came.map_err(|error| anyhow!("the WebSocket broke before the echo: {error}"))?;
        match opcode {
            OpCode::Text if payload == message.as_bytes() => return Ok(()),
            OpCode::Close => bail!("the other side closed before the echo{}", reason(&payload)),
            OpCode::Text | OpCode::Binary => others.add(&payload),
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}

/// Closes, and waits until the other side has done so, too: with a Close, or at once.
async fn close<S>(messages: &mut Messages<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let closing = Frame::close(NORMAL, b"");
    let sent = messages.socket().write_frame(closing).await;
    if sent.is_err() {
        return;
    }
    while let Ok((opcode, _)) = messages.next().await {
        if opcode == OpCode::Close {
            return;
        }
    }
}

fn reason(payload: &[u8]) -> String {
    let Some((code, text)) = payload.split_first_chunk::<2>() else {
        return String::new();
    };
    let mut told = format!(", with {}", u16::from_be_bytes(*code));
    if !text.is_empty() {
        let _ = write!(told, " {}", shown(text));
    }
    told
}

impl Others {
    fn add(&mut self, payload: &[u8]) {
        self.count = self.count.saturating_add(1);
        self.last = shown(payload);
    }
}

impl std::fmt::Display for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.count {
            0 => Ok(()),
            1 => write!(f, "; what came is {}", self.last),
            count => write!(
                f,
                "; what came are {count} messages, the last {}",
                self.last
            ),
        }
    }
}
