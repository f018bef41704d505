//! A client that writes its frames itself, for what no library would do.

use std::net::SocketAddr;

use switchyard_testkit::Socket;

/// Types of frames (RFC 9113 section 6).
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// Flags.
pub(super) const NONE: u8 = 0;
pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;

/// `GET / HTTP/2` of the usual host (RFC 7541).
pub(super) const GET: &[u8] = b"\x82\x87\x84\x41\x10chat.example.com";

/// A connection on which the client has said its preface and settings.
pub(super) struct Raw(pub(super) Socket);

/// What the gateway sent.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) kind: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Raw {
    pub(super) fn connect(address: SocketAddr) -> Self {
        Self::over(Socket::connect(address))
    }

    pub(super) fn over(socket: Socket) -> Self {
        let mut raw = Self(socket);
        raw.0.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        raw.send(SETTINGS, NONE, 0, &[]);
        raw
    }

    pub(super) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.0.send(&frame(kind, flags, stream, payload));
    }

    /// Sends until the gateway takes no more.
    pub(super) fn send_while_taken(&mut self, frames: impl Iterator<Item = Vec<u8>>) {
        for frame in frames {
            if self.0.try_send(&frame).is_err() {
                return;
            }
        }
    }

    /// The next frame; `None` at the end of the connection.
    pub(super) fn receive(&mut self) -> Option<Received> {
        if !self.0.has_more() {
            return None;
        }
        let head: [u8; 9] = self.0.receive();
        let [a, b, c, kind, _flags, stream @ ..] = head;
        let payload = self
            .0
            .receive_vec(u32::from_be_bytes([0, a, b, c]) as usize);
        Some(Received {
            kind,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    /// The next frame of this type.
    #[track_caller]
    pub(super) fn receive_a(&mut self, kind: u8) -> Received {
        loop {
            let received = self.receive().expect("an open connection");
            if received.kind == kind {
                return received;
            }
        }
    }
}

impl Received {
    /// The code by which a stream was reset, or the connection ended (RFC 9113 section 7).
    #[track_caller]
    pub(super) fn code(&self) -> u32 {
        let (_, code) = self
            .payload
            .split_at(if self.kind == GOAWAY { 4 } else { 0 });
        u32::from_be_bytes(code[..4].try_into().expect("a code"))
    }
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}
