//! The HTTP side and the chat, over sockets: a raw client for HTTP, fastwebsockets for the rest.

use std::net::SocketAddr;

use fastwebsockets::{Frame, OpCode, Payload, Role, WebSocket, WebSocketError};
use serde_json::{Value, json};
use switchyard_drain::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::servers::Servers;

struct Answered {
    head: String,
    body: String,
}

/// One request on a connection of its own.
async fn ask(address: SocketAddr, request: &str, fields: &str) -> Answered {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n{fields}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Answered {
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

async fn start(count: usize) -> (Servers, Vec<SocketAddr>) {
    let servers = Servers::start(count, &Tasks::new()).await.unwrap();
    let addresses = servers
        .addresses()
        .iter()
        .map(|server| server.address)
        .collect();
    (servers, addresses)
}

const SAMPLE: &str = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

struct Person(WebSocket<TcpStream>);

impl Person {
    async fn connect(address: SocketAddr, room: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "GET /rooms/{room} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\n{SAMPLE}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        // RFC 6455 section 1.3.
        assert!(
            answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            "{answer}"
        );
        let mut socket = WebSocket::after_handshake(stream, Role::Client);
        socket.set_auto_close(false);
        socket.set_auto_pong(false);
        Self(socket)
    }

    async fn enter(address: SocketAddr, room: &str, nickname: &str) -> Self {
        let mut person = Self::connect(address, room).await;
        person
            .say(&json!({ "type": "hello", "nickname": nickname }))
            .await;
        let hello = person.hear("hello").await;
        assert_eq!(hello["nickname"], nickname);
        person
    }

    async fn say(&mut self, message: &Value) {
        self.send(OpCode::Text, message.to_string().as_bytes())
            .await;
    }

    async fn send(&mut self, opcode: OpCode, payload: &[u8]) {
        let frame = Frame::new(true, opcode, None, Payload::Owned(payload.to_vec()));
        self.0.write_frame(frame).await.unwrap();
    }

    /// The next message of that type; others are skipped.
    async fn hear(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.0.read_frame().await.unwrap();
            assert_eq!(frame.opcode, OpCode::Text);
            let message: Value = serde_json::from_slice(&frame.payload).unwrap();
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The payload of the next frame with that opcode; others are skipped.
    async fn frame(&mut self, opcode: OpCode) -> Vec<u8> {
        loop {
            match self.0.read_frame().await {
                Ok(frame) if frame.opcode == opcode => return frame.payload.to_vec(),
                // So fastwebsockets calls data that comes between our Close and the answer.
                Ok(_) | Err(WebSocketError::ConnectionClosed) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    async fn close_code(&mut self) -> u16 {
        let payload = self.frame(OpCode::Close).await;
        u16::from_be_bytes([payload[0], payload[1]])
    }
}

#[tokio::test]
async fn the_page_says_who_served_it_and_fetches_nothing() {
    let (_servers, addresses) = start(2).await;
    let page = ask(addresses[1], "GET /", "").await;
    assert!(
        page.head
            .contains("content-security-policy: default-src 'none'")
    );
    assert!(
        page.body
            .contains(r#"data-testid="page-server" id="page-server" style="--c: #c2410c">b<"#)
    );
    assert!(!page.body.contains("{{"));
    for outside in ["src=\"http", "href=\"http", "@import", "url(http"] {
        assert!(!page.body.contains(outside), "{outside}");
    }
}

#[tokio::test]
async fn the_control_api_kills_and_revives_another_server() {
    let (_servers, addresses) = start(2).await;
    let states = |answered: &Answered| {
        let list: Value = serde_json::from_str(&answered.body).unwrap();
        let state = |at: usize| list["servers"][at]["state"].as_str().unwrap().to_owned();
        (state(0), state(1))
    };
    let killed = ask(addresses[0], "POST /control/servers/b/kill", "").await;
    assert_eq!(states(&killed), ("live".into(), "dead".into()));
    assert!(TcpStream::connect(addresses[1]).await.is_err());
    let again = ask(addresses[0], "POST /control/servers/b/kill", "").await;
    assert!(again.head.starts_with("HTTP/1.1 409 "), "{}", again.head);
    let revived = ask(addresses[0], "POST /control/servers/b/revive", "").await;
    assert_eq!(states(&revived), ("live".into(), "live".into()));
    let listed = ask(addresses[1], "GET /control/servers", "").await;
    assert_eq!(states(&listed), ("live".into(), "live".into()));
}

#[tokio::test]
async fn a_server_that_kills_itself_still_answers() {
    let (servers, addresses) = start(1).await;
    let mut person = Person::enter(addresses[0], "x", "Ada").await;
    let answered = ask(addresses[0], "POST /control/servers/a/kill", "").await;
    assert!(
        answered.head.starts_with("HTTP/1.1 200 "),
        "{}",
        answered.head
    );
    assert!(
        answered.body.contains(r#""state":"dead""#),
        "{}",
        answered.body
    );
    while person.0.read_frame().await.is_ok() {}
    servers.revive("a").await.unwrap();
    Person::enter(addresses[0], "x", "Ada").await;
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_so() {
    let (_servers, addresses) = start(1).await;
    let table = [
        ("GET /nothing", "", "404"),
        ("POST /", "", "404"),
        ("POST /control/servers/z/kill", "", "404"),
        ("POST /control/servers/a/paint", "", "404"),
        (
            "POST /control/servers/a/kill",
            "Origin: http://evil.example\r\n",
            "403",
        ),
        ("GET /rooms/a%20b", "", "400"),
        ("GET /rooms/", "", "400"),
        ("GET /rooms/x/y", "", "400"),
        ("GET /rooms/x", "Origin: null\r\n", "403"),
    ];
    for (request, fields, status) in table {
        let answered = ask(addresses[0], request, fields).await;
        assert!(
            answered.head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {}",
            answered.head
        );
    }
}

#[tokio::test]
async fn a_handshake_is_checked() {
    let (_servers, addresses) = start(1).await;
    let refused = ask(addresses[0], "GET /rooms/x", "").await;
    assert!(refused.head.starts_with("HTTP/1.1 4"), "{}", refused.head);
    let mut stream = TcpStream::connect(addresses[0]).await.unwrap();
    let head = "GET /rooms/x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\
                Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 426");
}

#[tokio::test]
async fn people_in_a_room_hear_one_another() {
    let (_servers, addresses) = start(2).await;
    let mut ada = Person::enter(addresses[0], "x", "Ada").await;
    let mut bob = Person::enter(addresses[0], "x", "Bob").await;
    let mut other = Person::enter(addresses[0], "y", "Eve").await;
    assert_eq!(
        ada.hear("joined").await,
        json!({"type": "joined", "nickname": "Bob", "people": 2})
    );
    bob.say(&json!({"type": "message", "text": " <b>hi</b> "}))
        .await;
    let expected = json!({"type": "message", "nickname": "Bob", "text": "<b>hi</b>"});
    assert_eq!(ada.hear("message").await, expected);
    assert_eq!(bob.hear("message").await, expected);
    bob.send(OpCode::Close, b"\x03\xe8bye").await;
    assert_eq!(bob.frame(OpCode::Close).await, b"\x03\xe8bye");
    assert_eq!(
        ada.hear("left").await,
        json!({"type": "left", "nickname": "Bob", "people": 1})
    );
    other.say(&json!({"type": "message", "text": "echo"})).await;
    assert_eq!(other.hear("message").await["text"], "echo");
}

#[tokio::test]
async fn a_hello_says_which_server_answers_and_changes_are_told() {
    let (servers, addresses) = start(2).await;
    let mut ada = Person::connect(addresses[1], "x").await;
    ada.say(&json!({"type": "hello", "nickname": "Ada"})).await;
    let hello = ada.hear("hello").await;
    assert_eq!(
        hello,
        json!({"type": "hello", "server": "b", "colour": "#c2410c", "room": "x",
               "nickname": "Ada", "people": ["Ada"]})
    );
    servers.kill("a").await.unwrap();
    while ada.hear("servers").await["servers"][0]["state"] != "dead" {}
}

#[tokio::test]
async fn pings_are_answered_before_and_after_the_hello() {
    let (_servers, addresses) = start(1).await;
    let mut ada = Person::connect(addresses[0], "x").await;
    ada.send(OpCode::Ping, b"one").await;
    assert_eq!(ada.frame(OpCode::Pong).await, b"one");
    ada.say(&json!({"type": "hello", "nickname": "Ada"})).await;
    ada.send(OpCode::Ping, b"two").await;
    assert_eq!(ada.frame(OpCode::Pong).await, b"two");
}

#[tokio::test]
async fn what_does_not_belong_in_the_chat_ends_it_with_a_code() {
    let (_servers, addresses) = start(1).await;
    let long = json!({"type": "message", "text": "x".repeat(2_001)}).to_string();
    let longer = vec![b'x'; 20_000];
    let table: [(OpCode, &[u8], u16); 6] = [
        (OpCode::Text, b"hi", 1008),
        (
            OpCode::Text,
            br#"{"type":"hello","nickname":"again"}"#,
            1008,
        ),
        (OpCode::Text, long.as_bytes(), 1009),
        (OpCode::Text, &longer, 1009),
        (OpCode::Binary, b"\0", 1003),
        (OpCode::Close, b"\x03\xe8\xff", 1007),
    ];
    for (opcode, payload, code) in table {
        let mut ada = Person::enter(addresses[0], "x", "Ada").await;
        ada.send(opcode, payload).await;
        assert_eq!(ada.close_code().await, code);
    }
    let mut early = Person::connect(addresses[0], "x").await;
    early.say(&json!({"type": "message", "text": "hi"})).await;
    assert_eq!(early.close_code().await, 1008);
}

#[tokio::test]
async fn a_kill_cuts_a_conversation_without_a_close() {
    let (servers, addresses) = start(1).await;
    let mut ada = Person::enter(addresses[0], "x", "Ada").await;
    ada.hear("servers").await;
    servers.kill("a").await.unwrap();
    while let Ok(frame) = ada.0.read_frame().await {
        assert_eq!(frame.opcode, OpCode::Text, "a crash does not say Close");
    }
}
