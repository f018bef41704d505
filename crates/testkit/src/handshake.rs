//! Handshakes as a test writes them: the right one, and each wrong one by changing a field.

use std::fmt::Write as _;
use std::net::SocketAddr;

use switchyard_proto::handshake::Offer;

use crate::head::Head;
use crate::peer::{Peer, Role};
use crate::socket::Socket;

/// A client's request for a WebSocket.
#[derive(Debug, Clone)]
pub struct Handshake {
    start: String,
    fields: Vec<(String, String)>,
}

/// The key of RFC 6455, section 1.3.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The Accept that belongs to it.
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

impl Handshake {
    /// A right one for `target`.
    pub fn to(target: &str) -> Self {
        let fields = [
            ("Host", "chat.example.com"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", KEY),
            ("Sec-WebSocket-Version", "13"),
        ];
        Self {
            start: format!("GET {target} HTTP/1.1"),
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
        }
    }

    /// The same with another first line.
    #[must_use]
    pub fn start(mut self, line: &str) -> Self {
        line.clone_into(&mut self.start);
        self
    }

    /// The same with one more field.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields
            .retain(|(present, _)| !present.eq_ignore_ascii_case(name));
        self
    }

    /// The same with another value of a field.
    #[must_use]
    pub fn but(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    /// The bytes of the request.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.fields {
            write!(text, "{name}: {value}\r\n").expect("a string grows");
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    /// Sends it over a new connection.
    #[track_caller]
    pub fn send(&self, address: SocketAddr) -> Socket {
        let mut socket = Socket::connect(address);
        socket.send(&self.encode());
        socket
    }

    /// Opens a WebSocket over a new connection.
    #[track_caller]
    pub fn open(&self, address: SocketAddr) -> Peer {
        self.open_on(Socket::connect(address))
    }

    /// Opens a WebSocket over a connection that is there.
    #[track_caller]
    pub fn open_on(&self, mut socket: Socket) -> Peer {
        socket.send(&self.encode());
        finish(socket)
    }
}

/// Reads the 101 to a handshake that was sent, and checks it.
#[track_caller]
pub fn finish(mut socket: Socket) -> Peer {
    let head = Head::read(&mut socket);
    assert_eq!(head.status(), 101, "no WebSocket: {head:#?}");
    assert_eq!(head.get("sec-websocket-accept"), Some(ACCEPT), "{head:#?}");
    Peer::new(socket, Role::Client, head)
}

/// The 101 that an endpoint gives to `request`, with more fields.
#[track_caller]
pub fn accept(request: &Head, fields: &[(&str, &str)]) -> Vec<u8> {
    let sent = request
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let offer = Offer::parse("GET", sent).expect("the gateway sends a right handshake");
    let accept = offer.key().accept();
    let accept = accept.as_str();
    let mut text = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n"
    );
    for (name, value) in fields {
        write!(text, "{name}: {value}\r\n").expect("a string grows");
    }
    text.push_str("\r\n");
    text.into_bytes()
}
