//! A client's side of HTTP/2: a connection whose streams are WebSockets and plain requests.
//!
//! A WebSocket's stream comes out of a port of this machine as plain bytes, so whatever plays a client
//! over a [`Socket`] plays it over HTTP/2 too.

use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use h2::client::{self, SendRequest};
use h2::ext::Protocol;
use h2::{Reason, RecvStream, SendStream};
use http::{Method, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::head::Head;
use crate::peer::{Peer, Role};
use crate::socket::Socket;
use crate::wait::PATIENCE;

/// One connection. Dropping it ends it.
pub struct Http2 {
    runtime: Runtime,
    sender: SendRequest<Bytes>,
    ended: JoinHandle<Result<(), h2::Error>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Status and fields.
    pub head: Head,
    /// The body.
    pub body: Vec<u8>,
}

/// A stream whose client sends and never takes anything.
pub struct Stalled {
    sender: SendStream<Bytes>,
    _receiver: RecvStream,
}

impl Http2 {
    /// Begins HTTP/2 on a connection that is there, over TLS or by prior knowledge.
    #[track_caller]
    pub fn over(socket: &Socket) -> Self {
        let tcp = socket.handle();
        tcp.set_nonblocking(true).expect("a socket");
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (sender, connection) = runtime
            .block_on(async {
                let tcp = tokio::net::TcpStream::from_std(tcp).expect("a socket");
                // As browsers have it: streams that stand still leave room for the others.
                let mut builder = client::Builder::new();
                builder.initial_connection_window_size(16 << 20);
                timeout(PATIENCE, builder.handshake(tcp)).await
            })
            .expect("in time")
            .expect("a connection");
        let driver = runtime.spawn(connection);
        let handle = runtime.handle().clone();
        let ended = thread::spawn(move || handle.block_on(driver).expect("no panic"));
        Self {
            runtime,
            sender,
            ended,
        }
    }

    /// Whether the server says that extended CONNECT may be used. It says so with its settings, which
    /// have come when a stream has been answered.
    pub fn has_extended_connect(&self) -> bool {
        self.sender.is_extended_connect_protocol_enabled()
    }

    /// Opens a WebSocket by an extended CONNECT (RFC 8441), with more fields.
    ///
    /// # Errors
    /// The answer, where it is not a 200.
    #[track_caller]
    pub fn websocket(&self, target: &str, fields: &[(&str, &str)]) -> Result<Peer, Answer> {
        let (head, sender, receiver) = self.connect(target, fields)?;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let near = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        let (far, _) = listener.accept().expect("the one that connects");
        far.set_nonblocking(true).expect("a socket");
        self.runtime.spawn(async move {
            let far = tokio::net::TcpStream::from_std(far).expect("a socket");
            let (from_test, to_test) = far.into_split();
            tokio::join!(send(from_test, sender), receive(receiver, to_test));
        });
        Ok(Peer::new(Socket::from(near), Role::Client, head))
    }

    /// Opens a WebSocket of which nothing is ever taken.
    #[track_caller]
    pub fn stalled(&self, target: &str) -> Stalled {
        let (_, sender, receiver) = self.connect(target, &[]).expect("a WebSocket");
        Stalled {
            sender,
            _receiver: receiver,
        }
    }

    #[track_caller]
    fn connect(
        &self,
        target: &str,
        fields: &[(&str, &str)],
    ) -> Result<(Head, SendStream<Bytes>, RecvStream), Answer> {
        let mut request = Request::builder()
            .method(Method::CONNECT)
            .uri(format!("https://chat.example.com{target}"))
            .extension(Protocol::from_static("websocket"))
            .header("sec-websocket-version", "13");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request");
        let (response, sender) = self.send(request, false);
        if response.status() != 200 {
            return Err(self.read(response));
        }
        let (head, receiver) = parts(response);
        Ok((head, sender, receiver))
    }

    /// Sends a request with this body, and reads the answer.
    #[track_caller]
    pub fn ask(&self, request: Request<Vec<u8>>) -> Answer {
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, ());
        if body.is_empty() {
            let (response, _) = self.send(request, true);
            return self.read(response);
        }
        let mut requests = self.ready();
        let (response, mut sender) = requests.send_request(request, false).expect("sent");
        let answered = self.runtime.block_on(async {
            let sending = async {
                // Who answers before all has come does not take the rest.
                let _ = write(&mut sender, Bytes::from(body)).await;
                let _ = sender.send_data(Bytes::new(), true);
            };
            let (response, ()) = tokio::join!(timeout(PATIENCE, response), sending);
            response
        });
        self.read(answered.expect("in time").expect("an answer"))
    }

    /// Asks for `target` of the usual host.
    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        let request = Request::get(format!("https://chat.example.com{target}"));
        self.ask(request.body(Vec::new()).expect("a request"))
    }

    #[track_caller]
    fn ready(&self) -> SendRequest<Bytes> {
        let ready = self.sender.clone().ready();
        let ready = self
            .runtime
            .block_on(async { timeout(PATIENCE, ready).await });
        ready.expect("in time").expect("a connection")
    }

    #[track_caller]
    fn send(&self, request: Request<()>, end: bool) -> (Response<RecvStream>, SendStream<Bytes>) {
        let (response, sender) = self.ready().send_request(request, end).expect("sent");
        let answered = self
            .runtime
            .block_on(async { timeout(PATIENCE, response).await });
        (answered.expect("in time").expect("an answer"), sender)
    }

    #[track_caller]
    fn read(&self, response: Response<RecvStream>) -> Answer {
        let (head, mut receiver) = parts(response);
        let reading = async {
            let mut body = Vec::new();
            while let Some(piece) = receiver.data().await {
                let piece = piece.expect("a body");
                let _ = receiver.flow_control().release_capacity(piece.len());
                body.extend_from_slice(&piece);
            }
            body
        };
        let body = self
            .runtime
            .block_on(async { timeout(PATIENCE, reading).await });
        Answer {
            head,
            body: body.expect("in time"),
        }
    }

    /// How the connection ended: the code of a GOAWAY (RFC 9113 section 6.8), if there was one. Waits
    /// for it.
    #[track_caller]
    pub fn ended(self) -> Option<Reason> {
        drop(self.sender);
        let ended = self.ended.join().expect("the connection works");
        ended.err().and_then(|error| error.reason())
    }
}

impl Stalled {
    /// Sends bytes all the same.
    #[track_caller]
    pub fn send(&mut self, bytes: Vec<u8>) {
        self.sender
            .send_data(Bytes::from(bytes), false)
            .expect("an open stream");
    }
}

impl Answer {
    /// The body, as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

fn parts(response: Response<RecvStream>) -> (Head, RecvStream) {
    let (head, receiver) = response.into_parts();
    let text = |value: &http::HeaderValue| value.to_str().expect("text").to_owned();
    let fields = head.headers.iter();
    let head = Head {
        start: format!("HTTP/2 {}", head.status.as_u16()),
        fields: fields
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
    };
    (head, receiver)
}

/// Carries what a test writes to a stream. The end of one is the end of the other.
async fn send(mut from_test: OwnedReadHalf, mut sender: SendStream<Bytes>) {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from_test.read(&mut piece) => read,
            _reset = std::future::poll_fn(|cx| sender.poll_reset(cx)) => return,
        };
        match read {
            Ok(0) => {
                // Who has ended it already needs no word.
                let _ = sender.send_data(Bytes::new(), true);
                return;
            }
            Ok(len) => {
                let piece = Bytes::copy_from_slice(&piece[..len]);
                if write(&mut sender, piece).await.is_none() {
                    return;
                }
            }
            Err(_) => return sender.send_reset(Reason::CANCEL),
        }
    }
}

/// Sends as the window allows; nothing once the stream is gone.
async fn write(sender: &mut SendStream<Bytes>, mut bytes: Bytes) -> Option<()> {
    while !bytes.is_empty() {
        sender.reserve_capacity(bytes.len());
        let room = std::future::poll_fn(|cx| sender.poll_capacity(cx)).await?;
        let now = bytes.split_to(room.ok()?.min(bytes.len()));
        sender.send_data(now, false).ok()?;
    }
    Some(())
}

/// Carries what a stream brings to a test; what was not taken from it holds its window.
async fn receive(mut receiver: RecvStream, mut to_test: OwnedWriteHalf) {
    while let Some(Ok(piece)) = receiver.data().await {
        if to_test.write_all(&piece).await.is_err() {
            return;
        }
        let _ = receiver.flow_control().release_capacity(piece.len());
    }
    // The test may have gone.
    let _ = to_test.shutdown().await;
}
