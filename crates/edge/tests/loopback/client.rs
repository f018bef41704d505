//! Either end of a connection, byte by byte, and an endpoint that waits to be dialled.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::DEADLINE;

/// The example of RFC 6455 section 1.3.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A handshake for `target`, with more fields; each ends with CRLF.
pub(crate) fn handshake(target: &str, fields: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{fields}\r\n"
    )
}

/// The 101 for [`handshake`], with more fields.
pub(crate) fn switching(fields: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n{fields}\r\n"
    )
}

/// The head of a message: its first line, and its fields in lower case.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) first: String,
    fields: Vec<(String, String)>,
}

impl Head {
    fn parse(text: &str) -> Self {
        let mut lines = text.trim_end().split("\r\n");
        let first = lines.next().unwrap().to_owned();
        let field = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self {
            first,
            fields: lines.map(field).collect(),
        }
    }

    /// The value of the one field of that name.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is repeated: {self:?}");
        value
    }

    pub(crate) fn status(&self) -> u16 {
        self.first.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// One end of a connection.
pub(crate) struct Peer {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(within(TcpStream::connect(address)).await.unwrap())
    }

    /// Goes on with a connection that was made without the runtime.
    pub(crate) fn adopt(stream: std::net::TcpStream) -> Self {
        stream.set_nonblocking(true).unwrap();
        Self::over(TcpStream::from_std(stream).unwrap())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            read: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// The next head.
    pub(crate) async fn head(&mut self) -> Head {
        let text = self.until(b"\r\n\r\n").await;
        Head::parse(&String::from_utf8(text).unwrap())
    }

    /// The next bytes up to and with `end`.
    pub(crate) async fn until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            let mut windows = self.read.windows(end.len());
            if let Some(at) = windows.position(|window| window == end) {
                return self.read.drain(..at + end.len()).collect();
            }
            let more = self.fill().await;
            assert!(
                more,
                "ended within {:?}",
                String::from_utf8_lossy(&self.read)
            );
        }
    }

    /// The next `len` bytes.
    pub(crate) async fn take(&mut self, len: usize) -> Vec<u8> {
        while self.read.len() < len {
            assert!(self.fill().await, "ended after {:?}", self.read);
        }
        self.read.drain(..len).collect()
    }

    /// What is left until the other end closes, or resets.
    pub(crate) async fn rest(&mut self) -> String {
        while self.fill().await {}
        String::from_utf8(std::mem::take(&mut self.read)).unwrap()
    }

    /// Whether more came before the end.
    async fn fill(&mut self) -> bool {
        let read = within(self.stream.read_buf(&mut self.read)).await;
        read.is_ok_and(|count| count > 0)
    }
}

/// An endpoint that does what the test says.
pub(crate) struct Endpoint {
    listener: TcpListener,
    place: Place,
}

/// Keeps a port from other tests; nobody listens through this.
pub(crate) struct Place(Socket);

impl Place {
    fn new(port: u16) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_port(true).unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        socket.bind(&address.into()).unwrap();
        Self(socket)
    }

    /// Where connections are refused while this lives.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap().as_socket().unwrap()
    }
}

impl Endpoint {
    pub(crate) fn bind() -> Self {
        let place = Place::new(0);
        let Place(socket) = Place::new(place.address().port());
        socket.listen(128).unwrap();
        let listener = TcpListener::from_std(socket.into()).unwrap();
        Self { listener, place }
    }

    /// Goes: its address refuses connections from here on.
    pub(crate) fn go(self) -> Place {
        self.place
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// A configuration in which every request goes here, with more keys for the route.
    pub(crate) fn config(&self, route: &str) -> String {
        config(&[self.address()], route)
    }

    /// Whoever dials next, however long that takes.
    pub(crate) async fn next(&self) -> Option<Peer> {
        self.listener
            .accept()
            .await
            .ok()
            .map(|(stream, _)| Peer::over(stream))
    }

    pub(crate) async fn accept(&self) -> Peer {
        let (stream, _) = within(self.listener.accept()).await.unwrap();
        Peer::over(stream)
    }

    /// Whether nobody has dialled yet; asks the system, not the runtime.
    pub(crate) fn is_left_alone(&self) -> bool {
        socket2::SockRef::from(&self.listener).accept().is_err()
    }
}

/// One route for everything, to one cluster of these endpoints, with more keys for the route.
pub(crate) fn config(endpoints: &[SocketAddr], route: &str) -> String {
    let endpoints: Vec<_> = endpoints
        .iter()
        .map(|address| format!("{{ address: \"{address}\" }}"))
        .collect();
    format!(
        "routes:\n  - name: all\n    match: {{ path_prefix: / }}\n    cluster: app\n{route}\n\
         clusters: [{{ name: app, endpoints: [{}] }}]\n",
        endpoints.join(", ")
    )
}

async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("nothing happened in time")
}
