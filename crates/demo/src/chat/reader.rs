//! From frames to what a person did. Reading is a loop of its own, because a read of a frame must
//! not be cancelled, and messages are put together here, with a bound.

use std::future::Future;

use fastwebsockets::{Frame, OpCode, WebSocketError, WebSocketRead};
use switchyard_proto::close::CloseCode;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;

use super::MAX_MESSAGE;

/// What came from the page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A whole text message.
    Text(String),
    /// A Ping, to be answered with its payload.
    Ping(Vec<u8>),
    /// A Close, with its payload.
    Close(Vec<u8>),
    /// Something that ends the connection: a Close with this code and reason goes back.
    Wrong(CloseCode, &'static str),
    /// The connection is gone.
    Gone,
}

/// Reads until the connection ends or nobody listens.
pub(super) async fn read<S: AsyncRead + Unpin>(
    mut socket: WebSocketRead<S>,
    heard: mpsc::Sender<Heard>,
) {
    let mut assembly = Assembly::default();
    loop {
        let (step, last) = match socket.read_frame(&mut no_reply).await {
            Ok(frame) => (assembly.push(&frame), frame.opcode == OpCode::Close),
            Err(error) => (Some(failed(&error)), true),
        };
        if let Some(step) = step
            && heard.send(step).await.is_err()
        {
            return;
        }
        if last {
            return;
        }
    }
}

/// The conversation answers Ping and Close itself, so fastwebsockets has nothing to send.
fn no_reply(_: Frame<'_>) -> impl Future<Output = Result<(), WebSocketError>> + use<> {
    std::future::ready(Ok(()))
}

fn failed(error: &WebSocketError) -> Heard {
    if matches!(
        error,
        WebSocketError::UnexpectedEOF | WebSocketError::IoError(_)
    ) {
        Heard::Gone
    } else if matches!(error, WebSocketError::InvalidUTF8) {
        Heard::Wrong(CloseCode::INVALID_PAYLOAD, "not UTF-8")
    } else if matches!(error, WebSocketError::FrameTooLarge) {
        Heard::Wrong(CloseCode::TOO_BIG, "frame too long")
    } else {
        Heard::Wrong(CloseCode::PROTOCOL_ERROR, "not a WebSocket frame")
    }
}

/// Puts fragments together, up to [`MAX_MESSAGE`] bytes.
#[derive(Debug, Default)]
struct Assembly {
    /// The text so far, while a message is open.
    open: Option<Vec<u8>>,
}

impl Assembly {
    fn push(&mut self, frame: &Frame<'_>) -> Option<Heard> {
        match (frame.opcode, self.open.take()) {
            (OpCode::Text, None) => self.extend(Vec::new(), frame),
            (OpCode::Continuation, Some(text)) => self.extend(text, frame),
            (OpCode::Binary, None) => Some(Heard::Wrong(CloseCode::UNSUPPORTED_DATA, "text only")),
            (OpCode::Text | OpCode::Binary, Some(_)) | (OpCode::Continuation, None) => Some(
                Heard::Wrong(CloseCode::PROTOCOL_ERROR, "fragments out of order"),
            ),
            (OpCode::Close, _) => Some(Heard::Close(frame.payload.to_vec())),
            (OpCode::Ping, open) => {
                self.open = open;
                Some(Heard::Ping(frame.payload.to_vec()))
            }
            (OpCode::Pong, open) => {
                self.open = open;
                None
            }
        }
    }

    fn extend(&mut self, mut text: Vec<u8>, frame: &Frame<'_>) -> Option<Heard> {
        if text.len() + frame.payload.len() > MAX_MESSAGE {
            return Some(Heard::Wrong(CloseCode::TOO_BIG, "message too long"));
        }
        text.extend_from_slice(&frame.payload);
        if !frame.fin {
            self.open = Some(text);
            return None;
        }
        Some(match String::from_utf8(text) {
            Ok(text) => Heard::Text(text),
            Err(_) => Heard::Wrong(CloseCode::INVALID_PAYLOAD, "not UTF-8"),
        })
    }
}

#[cfg(test)]
mod tests {
    use fastwebsockets::Payload;

    use super::*;

    fn frame(fin: bool, opcode: OpCode, payload: &[u8]) -> Frame<'_> {
        Frame::new(fin, opcode, None, Payload::Borrowed(payload))
    }

    #[test]
    fn fragments_become_one_message_with_pings_between_them() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.push(&frame(false, OpCode::Text, b"he")), None);
        assert_eq!(
            assembly.push(&frame(true, OpCode::Ping, b"?")),
            Some(Heard::Ping(b"?".to_vec()))
        );
        assert_eq!(assembly.push(&frame(true, OpCode::Pong, b"")), None);
        assert_eq!(
            assembly.push(&frame(true, OpCode::Continuation, b"llo")),
            Some(Heard::Text("hello".into()))
        );
        assert_eq!(
            assembly.push(&frame(true, OpCode::Text, b"again")),
            Some(Heard::Text("again".into()))
        );
    }

    #[test]
    fn endless_fragments_are_refused_at_the_bound() {
        let mut assembly = Assembly::default();
        let part = vec![b'x'; MAX_MESSAGE / 2];
        assert_eq!(assembly.push(&frame(false, OpCode::Text, &part)), None);
        assert_eq!(
            assembly.push(&frame(false, OpCode::Continuation, &part)),
            None
        );
        assert_eq!(
            assembly.push(&frame(false, OpCode::Continuation, b"x")),
            Some(Heard::Wrong(CloseCode::TOO_BIG, "message too long"))
        );
    }

    #[test]
    fn what_does_not_fit_the_order_or_the_chat_is_refused() {
        let code = |opcode, open| {
            let mut assembly = Assembly { open };
            match assembly.push(&frame(true, opcode, b"\xff")) {
                Some(Heard::Wrong(code, _)) => code,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(code(OpCode::Continuation, None), CloseCode::PROTOCOL_ERROR);
        assert_eq!(code(OpCode::Text, Some(vec![])), CloseCode::PROTOCOL_ERROR);
        assert_eq!(code(OpCode::Binary, None), CloseCode::UNSUPPORTED_DATA);
        assert_eq!(code(OpCode::Text, None), CloseCode::INVALID_PAYLOAD);
    }
}
