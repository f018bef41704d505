//! Frames put together to messages, none of which may be long.

use anyhow::{anyhow, bail};
use fastwebsockets::{OpCode, WebSocket, WebSocketError};
use tokio::io::{AsyncRead, AsyncWrite};

/// The longest message that is taken: far more than an echo, or what servers say when they are connected to.
const MOST: usize = 64 << 10;

/// What comes over a WebSocket. Pings are answered on the way.
pub(super) struct Messages<S> {
    socket: WebSocket<S>,
    /// A message of which more is to come.
    begun: Option<(OpCode, Vec<u8>)>,
}

impl<S> Messages<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pub(super) fn new(mut socket: WebSocket<S>) -> Self {
        // Of one frame; a message may have many.
        socket.set_max_message_size(MOST + 1);
        Self {
            socket,
            begun: None,
        }
    }

    /// To send by.
    pub(super) fn socket(&mut self) -> &mut WebSocket<S> {
        &mut self.socket
    }

    /// The next message, or control frame.
    pub(super) async fn next(&mut self) -> anyhow::Result<(OpCode, Vec<u8>)> {
        loop {
            let frame = self.socket.read_frame().await;
            if let Err(WebSocketError::FrameTooLarge) = frame {
                return Err(too_long());
            }
            let frame = frame?;
            let (opcode, mut payload) = match (frame.opcode, self.begun.take()) {
                (OpCode::Continuation, None) => bail!("a message goes on that has not begun"),
                (OpCode::Continuation, Some(begun)) => begun,
                (OpCode::Text | OpCode::Binary, Some(_)) => {
                    bail!("a message begins within another")
                }
                (OpCode::Text | OpCode::Binary, None) => (frame.opcode, Vec::new()),
                (OpCode::Close | OpCode::Ping | OpCode::Pong, begun) => {
                    self.begun = begun;
                    return Ok((frame.opcode, frame.payload.to_vec()));
                }
            };
            if payload.len() + frame.payload.len() > MOST {
                return Err(too_long());
            }
            payload.extend_from_slice(&frame.payload);
            if frame.fin {
                return Ok((opcode, payload));
            }
            self.begun = Some((opcode, payload));
        }
    }
}

fn too_long() -> anyhow::Error {
    anyhow!("a message is longer than {} KiB", MOST >> 10)
}
