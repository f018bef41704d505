//! One end of a WebSocket, played by the test: a client of the gateway or an endpoint behind it.

use std::net::SocketAddr;

use crate::frame::{Frame, apply_mask, opcode};
use crate::handshake::Handshake;
use crate::head::Head;
use crate::socket::{End, Socket};

/// Which end the test plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Masks what it sends, and expects clear frames.
    Client,
    /// Sends clear frames, and expects masked ones.
    Endpoint,
}

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A WebSocket after its handshake.
#[derive(Debug)]
pub struct Peer {
    socket: Socket,
    role: Role,
    head: Head,
}

impl Peer {
    /// Joins a WebSocket whose handshake is done; `head` is what the other side sent for it.
    pub fn new(socket: Socket, role: Role, head: Head) -> Self {
        Self { socket, role, head }
    }

    /// Opens a WebSocket at `target` of the gateway.
    #[track_caller]
    pub fn connect(address: SocketAddr, target: &str) -> Self {
        Handshake::to(target).open(address)
    }

    /// What the other side sent for the handshake.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The connection, for bytes that are not frames.
    pub fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Gives the connection back.
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    /// The bytes of a frame as this end sends it.
    pub fn encode(&self, frame: &Frame) -> Vec<u8> {
        frame.encode(self.mask())
    }

    /// The mask that this end puts on its frames.
    pub fn mask(&self) -> Option<[u8; 4]> {
        (self.role == Role::Client).then_some(MASK)
    }

    /// Sends a frame.
    #[track_caller]
    pub fn send(&mut self, frame: &Frame) {
        let bytes = self.encode(frame);
        self.socket.send(&bytes);
    }

    /// Sends a text message.
    #[track_caller]
    pub fn send_text(&mut self, text: &str) {
        self.send(&Frame::text(text));
    }

    /// The next frame. Fails unless it is masked as the role demands.
    #[track_caller]
    pub fn receive(&mut self) -> Frame {
        let [first, second] = self.socket.receive();
        let masked = second & 0x80 != 0;
        assert_eq!(
            masked,
            self.role == Role::Endpoint,
            "masked the wrong way for {:?}",
            self.role
        );
        let len = self.receive_length(second & 0x7F);
        let key = if masked {
            self.socket.receive()
        } else {
            [0; 4]
        };
        let mut payload = self.socket.receive_vec(len);
        apply_mask(&mut payload, key);
        Frame {
            fin: first & 0x80 != 0,
            reserved: first >> 4 & 7,
            opcode: first & 0xF,
            payload,
        }
    }

    #[track_caller]
    fn receive_length(&mut self, short: u8) -> usize {
        match short {
            126 => usize::from(u16::from_be_bytes(self.socket.receive())),
            127 => u64::from_be_bytes(self.socket.receive())
                .try_into()
                .expect("fits in memory"),
            short => usize::from(short),
        }
    }

    /// The next frame, which is a text message of one frame.
    #[track_caller]
    pub fn receive_text(&mut self) -> String {
        let frame = self.receive();
        assert!(
            frame.fin && frame.opcode == opcode::TEXT,
            "not a text message: {frame:?}"
        );
        String::from_utf8(frame.payload).expect("text is UTF-8")
    }

    /// The next frame, which is a Close: its code and reason.
    #[track_caller]
    pub fn receive_close(&mut self) -> (u16, String) {
        let frame = self.receive();
        let (code, reason) = frame.closing();
        (code, reason.to_owned())
    }

    /// The end of the connection, with nothing before it.
    #[track_caller]
    pub fn expect_end(&mut self) -> End {
        self.socket.expect_end()
    }

    /// Closes in order: Close, the other side's Close with the same code, the end.
    #[track_caller]
    pub fn close(mut self, code: u16) {
        self.send(&Frame::close(code, ""));
        assert_eq!(self.receive_close().0, code);
        self.socket.finish();
        self.expect_end();
    }

    /// Answers the other side's Close and waits for the end; returns the code.
    #[track_caller]
    pub fn answer_close(mut self) -> u16 {
        let (code, _) = self.receive_close();
        self.send(&Frame::close(code, ""));
        self.socket.finish();
        self.expect_end();
        code
    }
}
