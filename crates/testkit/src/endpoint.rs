//! An endpoint behind the gateway, played by the test.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use socket2::{Domain, Socket as RawSocket, Type};

use crate::frame::opcode;
use crate::handshake;
use crate::head::{Head, read_body};
use crate::peer::{Peer, Role};
use crate::socket::Socket;
use crate::wait::PATIENCE;

/// A listening endpoint. Dropping it closes its port and ends the connections that it serves;
/// those that it gave to the test live on.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

/// Connections to an endpoint, in the order in which they came.
#[derive(Debug)]
pub struct Accepted {
    endpoint: Endpoint,
    /// Locked, so that several threads may wait for a connection.
    queue: Mutex<Receiver<Socket>>,
}

impl Endpoint {
    /// Listens on a free port, and keeps each connection until the test asks for it.
    pub fn bind() -> Accepted {
        let (sender, queue) = channel();
        let endpoint = Self::listen(move |socket| {
            // A test that ends early does not ask for the rest.
            let _ = sender.send(socket);
        });
        let queue = Mutex::new(queue);
        Accepted { endpoint, queue }
    }

    /// Listens on a free port, and gives each connection to `serve` on a thread of its own.
    pub fn serve(serve: impl Fn(Socket) + Send + Sync + 'static) -> Self {
        let serve = Arc::new(serve);
        let mut served = Served::default();
        Self::listen(move |socket| {
            served.0.push(socket.handle());
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(socket));
        })
    }

    /// Answers every plain request with its name, and echoes every message.
    pub fn named(name: &'static str) -> Self {
        Self::serve(move |socket| answer(socket, name))
    }

    fn listen(mut taken: impl FnMut(Socket) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                taken(Socket::from(stream));
            }
        });
        Self {
            address,
            stop,
            acceptor: Some(acceptor),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let woken = TcpStream::connect(self.address);
        if let (Ok(_), Some(acceptor)) = (woken, self.acceptor.take()) {
            // A panic there has failed the test already.
            let _ = acceptor.join();
        }
    }
}

/// The connections of an endpoint that serves; they end when it does.
#[derive(Default)]
struct Served(Vec<TcpStream>);

impl Drop for Served {
    fn drop(&mut self) {
        for stream in &self.0 {
            // Most have ended before.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Accepted {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.endpoint.address
    }

    /// The next connection.
    #[track_caller]
    pub fn accept(&self) -> Socket {
        self.queue()
            .recv_timeout(PATIENCE)
            .expect("a connection from the gateway")
    }

    /// The next connection, as a WebSocket that this endpoint agrees to.
    #[track_caller]
    pub fn accept_websocket(&self) -> Peer {
        self.accept_websocket_with(&[])
    }

    /// The same, with more fields in the 101.
    #[track_caller]
    pub fn accept_websocket_with(&self, fields: &[(&str, &str)]) -> Peer {
        let mut socket = self.accept();
        let request = Head::read(&mut socket);
        socket.send(&handshake::accept(&request, fields));
        Peer::new(socket, Role::Endpoint, request)
    }

    /// Whether a connection came that nobody has asked for.
    pub fn has_more(&self) -> bool {
        self.queue().try_recv().is_ok()
    }

    fn queue(&self) -> MutexGuard<'_, Receiver<Socket>> {
        self.queue.lock().expect("no panic under the lock")
    }
}

/// An endpoint that is there and does not accept: its queue is full, and the kernel drops further
/// connections without a word.
#[derive(Debug)]
pub struct Deaf {
    listener: TcpListener,
    _waiting: TcpStream,
}

impl Deaf {
    /// Fills the queue of a free port.
    #[track_caller]
    pub fn bind() -> Self {
        let socket = RawSocket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .expect("a free port");
        socket.listen(0).expect("a queue of one");
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().expect("bound");
        let waiting = TcpStream::connect(address).expect("the one that fits");
        Self {
            listener,
            _waiting: waiting,
        }
    }

    /// Where it does not accept.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("bound")
    }
}

fn answer(mut socket: Socket, name: &str) {
    while let Some(request) = Head::next(&mut socket) {
        if request.get("upgrade").is_some() {
            socket.send(&handshake::accept(&request, &[("x-endpoint", name)]));
            return echo(Peer::new(socket, Role::Endpoint, request));
        }
        read_body(&mut socket, &request);
        let length = name.len();
        socket
            .send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{name}").as_bytes());
    }
}

/// Sends every data frame and every Close back, and answers each Ping, until the other side goes; then
/// goes as well.
pub fn echo(mut peer: Peer) {
    while peer.socket().has_more() {
        let mut frame = peer.receive();
        match frame.opcode {
            opcode::PONG => continue,
            opcode::PING => frame.opcode = opcode::PONG,
            _ => {}
        }
        peer.send(&frame);
        if frame.opcode == opcode::CLOSE {
            peer.socket().finish();
        }
    }
    peer.socket().finish();
}
