//! One person's conversation: hello, then messages both ways, then a Close.
//!
//! Every wait on the person has a deadline, but for the one where they may think.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use fastwebsockets::{Frame, Payload, Role, WebSocketWrite, after_handshake_split};
use switchyard_proto::close::{Close, CloseCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::message::{FromPage, ToPage, tidy_nickname};
use super::reader::{Heard, read};
use super::room::{Room, Seat};
use super::{MAX_FRAME, MAX_TEXT};
use crate::http::Server;

/// The hello must have come by then.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// A frame must have been taken by then.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// The answer to our Close must have come by then.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Talks with one person until either side ends it.
pub(crate) async fn converse<S>(io: S, room: Room, server: &Server)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (reading, writing) = tokio::io::split(io);
    let (mut from, to) = after_handshake_split(reading, writing, Role::Server);
    from.set_auto_close(false);
    from.set_auto_pong(false);
    from.set_max_message_size(MAX_FRAME);
    let (heard, hearing) = mpsc::channel(1);
    let conversation = Conversation {
        server,
        room,
        hearing,
        to,
    };
    let mut conversation = pin!(conversation.run());
    tokio::select! {
        () = conversation.as_mut() => {}
        () = read(from, heard) => conversation.await,
    }
}

/// Why a conversation ends.
enum End {
    /// The person closes; the payload goes back (RFC 6455 section 5.5.1).
    Theirs(Vec<u8>),
    /// We close.
    Ours(CloseCode, &'static str),
    /// There is nobody to say it to.
    Gone,
}

type Step<T = ()> = Result<T, End>;

struct Conversation<'a, S> {
    server: &'a Server,
    room: Room,
    hearing: mpsc::Receiver<Heard>,
    to: WebSocketWrite<S>,
}

impl<S: AsyncWrite + Unpin> Conversation<'_, S> {
    async fn run(mut self) {
        let Err(end) = self.talk().await;
        match end {
            End::Theirs(payload) => {
                self.write(Frame::close_raw(payload.into())).await.ok();
            }
            End::Ours(code, reason) => self.close(code, reason).await,
            End::Gone => {}
        }
    }

    async fn talk(&mut self) -> Result<Infallible, End> {
        let nickname = match timeout(HELLO_WITHIN, self.hello()).await {
            Ok(nickname) => nickname?,
            Err(_) => return Err(End::Ours(CloseCode::POLICY, "no hello")),
        };
        let (seat, mut mailbox, people) =
            Seat::take(self.server.rooms(), &self.room, nickname.clone());
        let mut changes = self.server.servers().changes().subscribe();
        self.greet(&nickname, &people).await?;
        self.send_servers().await?;
        loop {
            tokio::select! {
                heard = self.hearing.recv() => match self.hear(heard).await? {
                    ControlFlow::Break(message) => take(&seat, &message)?,
                    ControlFlow::Continue(()) => {}
                },
                mail = mailbox.recv() => match mail {
                    Some(json) => self.send(&json).await?,
                    None => return Err(End::Ours(CloseCode::POLICY, "reading too slowly")),
                },
                Ok(()) = changes.changed() => self.send_servers().await?,
            }
        }
    }

    /// Waits for the page's first message.
    async fn hello(&mut self) -> Step<String> {
        loop {
            let heard = self.hearing.recv().await;
            if let ControlFlow::Break(message) = self.hear(heard).await? {
                return match message {
                    FromPage::Hello { nickname } => Ok(tidy_nickname(&nickname)),
                    FromPage::Message { .. } => Err(End::Ours(CloseCode::POLICY, "hello first")),
                };
            }
        }
    }

    /// Breaks with a message of the page; answers whatever else can be answered.
    async fn hear(&mut self, heard: Option<Heard>) -> Step<ControlFlow<FromPage>> {
        match heard.unwrap_or(Heard::Gone) {
            Heard::Text(json) => match serde_json::from_str(&json) {
                Ok(message) => Ok(ControlFlow::Break(message)),
                Err(_) => Err(End::Ours(CloseCode::POLICY, "not a message of this chat")),
            },
            Heard::Ping(payload) => {
                self.write(Frame::pong(payload.into())).await?;
                Ok(ControlFlow::Continue(()))
            }
            Heard::Close(payload) => match Close::parse(&payload) {
                Ok(_) => Err(End::Theirs(payload)),
                Err(error) => Err(End::Ours(error.close_code(), error.reason())),
            },
            Heard::Wrong(code, reason) => Err(End::Ours(code, reason)),
            Heard::Gone => Err(End::Gone),
        }
    }

    async fn greet(&mut self, nickname: &str, people: &[String]) -> Step {
        let identity = self.server.identity();
        let hello = ToPage::Hello {
            server: identity.name,
            colour: identity.colour,
            room: self.room.as_str(),
            nickname,
            people,
        };
        self.send(&hello.to_json()).await
    }

    async fn send_servers(&mut self) -> Step {
        let servers = self.server.servers().list();
        self.send(&ToPage::Servers { servers }.to_json()).await
    }

    async fn send(&mut self, json: &str) -> Step {
        self.write(Frame::text(Payload::Borrowed(json.as_bytes())))
            .await
    }

    async fn write(&mut self, frame: Frame<'_>) -> Step {
        match timeout(WRITE_WITHIN, self.to.write_frame(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    /// Sends a Close and waits for the answer, so that what is still on its way does not reset
    /// the connection before the Close is read.
    async fn close(&mut self, code: CloseCode, reason: &str) {
        if self
            .write(Frame::close(code.get(), reason.as_bytes()))
            .await
            .is_err()
        {
            return;
        }
        let answered = async {
            while let Some(heard) = self.hearing.recv().await {
                if matches!(heard, Heard::Close(_) | Heard::Gone) {
                    break;
                }
            }
        };
        timeout(CLOSE_WITHIN, answered).await.ok();
    }
}

/// Passes a message on to the room.
fn take(seat: &Seat, message: &FromPage) -> Step {
    let text = match message {
        FromPage::Message { text } => text.trim(),
        FromPage::Hello { .. } => return Err(End::Ours(CloseCode::POLICY, "hello again")),
    };
    if text.chars().count() > MAX_TEXT {
        return Err(End::Ours(CloseCode::TOO_BIG, "text too long"));
    }
    if !text.is_empty() {
        seat.say(text);
    }
    Ok(())
}
