//! Heads and bodies of HTTP/1.1 messages, read just well enough to check a gateway's.

use std::io::Read;

use crate::socket::Socket;

/// The first line and the header fields of a request or a response.
#[derive(Debug, Clone)]
pub struct Head {
    /// The first line.
    pub start: String,
    /// Names as they were sent, and values.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// Reads one head.
    #[track_caller]
    pub fn read(socket: &mut Socket) -> Self {
        let bytes = socket.receive_through(b"\r\n\r\n");
        Self::parse(&String::from_utf8(bytes).expect("a head is text"))
    }

    /// Reads the next head of a kept connection; nothing when the other side is gone.
    pub fn next(socket: &mut Socket) -> Option<Self> {
        socket.has_more().then(|| Self::read(socket))
    }

    #[track_caller]
    fn parse(text: &str) -> Self {
        let mut lines = text.trim_end().split("\r\n");
        let start = lines.next().expect("a first line").to_owned();
        let field = |line: &str| {
            let (name, value) = line.split_once(':').expect("name: value");
            (name.to_owned(), value.trim().to_owned())
        };
        Self {
            start,
            fields: lines.map(field).collect(),
        }
    }

    /// The status of a response.
    #[track_caller]
    pub fn status(&self) -> u16 {
        self.word(1).parse().expect("a status")
    }

    /// The target of a request.
    #[track_caller]
    pub fn target(&self) -> &str {
        self.word(1)
    }

    /// The value of a field that is there at most once.
    #[track_caller]
    pub fn get(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(
            values.len() < 2,
            "{name} is there {} times: {self:#?}",
            values.len()
        );
        values.first().copied()
    }

    /// Every value of a field, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let same = |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .filter(same)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    #[track_caller]
    fn word(&self, at: usize) -> &str {
        self.start.split(' ').nth(at).expect("three words")
    }
}

/// A whole response.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its head.
    pub head: Head,
    /// Its body, without the chunked framing.
    pub body: Vec<u8>,
}

impl Response {
    /// Reads the response to a request that was not HEAD.
    #[track_caller]
    pub fn read(socket: &mut Socket) -> Self {
        let head = Head::read(socket);
        let body = read_body(socket, &head);
        Self { head, body }
    }

    /// The status code.
    #[track_caller]
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}

/// Reads the body that `head` announces, of a request or a response.
#[track_caller]
pub fn read_body(socket: &mut Socket, head: &Head) -> Vec<u8> {
    let is_response = head.start.starts_with("HTTP/");
    if let Some(length) = head.get("content-length") {
        return socket.receive_vec(length.parse().expect("a length"));
    }
    if head
        .get("transfer-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    {
        return read_chunks(socket);
    }
    let mut body = Vec::new();
    if is_response && !matches!(head.status(), 100..200 | 204 | 304) {
        socket.read_to_end(&mut body).expect("a body up to the end");
    }
    body
}

#[track_caller]
fn read_chunks(socket: &mut Socket) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let chunk = read_chunk(socket);
        if chunk.is_empty() {
            return body;
        }
        body.extend(chunk);
    }
}

/// Reads one chunk of a chunked body; the last one is empty.
#[track_caller]
pub fn read_chunk(socket: &mut Socket) -> Vec<u8> {
    let line = socket.receive_through(b"\r\n");
    let text = String::from_utf8(line).expect("a chunk size");
    let size = usize::from_str_radix(text.trim(), 16).expect("a chunk size");
    let chunk = socket.receive_vec(size);
    assert_eq!(&socket.receive::<2>(), b"\r\n");
    chunk
}
