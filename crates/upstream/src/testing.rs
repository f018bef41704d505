//! What this crate's tests share: endpoints that are scripts over real loopback sockets.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty, Full};
use socket2::{Domain, Socket, Type};
use switchyard_balance::HashKey;
use switchyard_config::{self as config, Balancer, HeaderCase, NoneHealthy, OnRemoved, SendProxy};
use switchyard_drain::Tasks;
use switchyard_proto::handshake::Offer;
use switchyard_telemetry::metrics::endpoint::EndpointConnection;
use switchyard_telemetry::{Build, Metrics};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time;

use crate::body::Body;
use crate::cluster::Cluster;
use crate::clusters::Clusters;
use crate::dialer::Dialer;
use crate::introduction::Introduction;
use crate::ranking::{Ranking, Rules};

/// Long past anything that works; a test that gets here has failed.
const DEADLINE: Duration = Duration::from_secs(10);

/// The key of RFC 6455 section 1.3, and its Accept.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Fails the test when `future` does not end.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    time::timeout(DEADLINE, future)
        .await
        .expect("ended in time")
}

/// Fails the test, saying what it waited for, when `future` does not end.
async fn awaited<F: Future>(what: &str, future: F) -> F::Output {
    let ended = time::timeout(DEADLINE, future).await;
    ended.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// A dialer, and what it counts into.
pub(crate) struct Rig {
    pub(crate) dialer: Dialer,
    pub(crate) tasks: Tasks,
    pub(crate) metrics: Metrics,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let build = Build {
            version: "0",
            revision: "0",
            rustc: "0",
        };
        let tasks = Tasks::new();
        let metrics = Metrics::new(build).expect("metrics");
        Self {
            dialer: Dialer::new(tasks.clone()),
            tasks,
            metrics,
        }
    }

    pub(crate) fn cluster(&self, settings: config::Cluster) -> Arc<Cluster> {
        let name = settings.name.clone();
        let clusters = Clusters::new(
            &[settings],
            &HashKey::PUBLIC,
            &self.metrics,
            &Clusters::default(),
        );
        let clusters = clusters.expect("no files to read");
        Arc::clone(clusters.get(&name).expect("the cluster just made"))
    }

    /// Whether the exposition has exactly this line.
    pub(crate) fn counts(&self, line: &str) -> bool {
        self.metrics
            .render()
            .expect("rendered")
            .lines()
            .any(|shown| shown == line)
    }
}

/// One that is counted nowhere.
pub(crate) fn connection() -> EndpointConnection {
    let metrics = Rig::new().metrics.endpoint("chat", "a");
    metrics.connected(Duration::ZERO)
}

/// A round-robin cluster that tries three endpoints.
pub(crate) fn settings(addresses: &[SocketAddr]) -> config::Cluster {
    let endpoint = |address: &SocketAddr| config::Endpoint {
        address: *address,
        weight: NonZeroU32::MIN,
        zone: None,
    };
    config::Cluster {
        name: "chat".into(),
        endpoints: addresses.iter().map(endpoint).collect(),
        balancer: Balancer::RoundRobin,
        tls: None,
        connect_timeout: Duration::from_secs(5),
        retries: 2,
        retry_budget: None,
        http2: None,
        header_case: HeaderCase::Lower,
        proxy_protocol: SendProxy::Off,
        source_addresses: Vec::new(),
        bounded_load: None,
        slow_start: None,
        prefer_zone: None,
        rebalance: None,
        pending_handshakes: None,
        max_sessions_per_endpoint: None,
        outlier: None,
        discovery: None,
        on_removed: OnRemoved::Drain,
        health: None,
        when_none_healthy: NoneHealthy::TryAll,
    }
}

/// The order of the configuration.
pub(crate) fn ranked(cluster: &Cluster) -> Ranking {
    let order = 0..cluster.endpoints().len();
    let rules = Rules {
        max_sessions: None,
        bound: None,
        none_healthy: NoneHealthy::TryAll,
    };
    Ranking::new(cluster.roster(), Box::new(order), None, rules)
}

/// The client of every request here.
pub(crate) const CLIENT: Introduction<'static> = Introduction {
    client: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 5)),
    local: None,
    tls: None,
    request_id: "id",
};

/// The fields of a handshake, as the client sent them.
fn handshake_fields() -> Vec<(&'static str, &'static str)> {
    vec![
        ("host", "chat.example.com"),
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", KEY),
        ("sec-websocket-protocol", "chat.v2, chat.v1"),
    ]
}

pub(crate) fn offer() -> Offer {
    let fields = handshake_fields();
    let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
    Offer::parse("GET", fields).expect("a valid handshake")
}

pub(crate) fn handshake() -> Request<()> {
    let request = Request::get("/rooms/7?user=1");
    let add = |request: http::request::Builder, (name, value)| request.header(name, value);
    handshake_fields()
        .into_iter()
        .fold(request, add)
        .body(())
        .expect("a request")
}

pub(crate) fn get(target: &str) -> Request<Body> {
    let request = Request::get(target).header("host", "web.example.com");
    request.body(empty()).expect("a request")
}

pub(crate) fn post(body: &'static str) -> Request<Body> {
    let body = Full::from(body)
        .map_err(|never| match never {})
        .boxed_unsync();
    Request::post("/")
        .header("host", "web.example.com")
        .body(body)
        .expect("a request")
}

pub(crate) fn empty() -> Body {
    Empty::<Bytes>::new()
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Reads a whole body as text.
pub(crate) async fn text(body: Body) -> String {
    let bytes = body.collect().await.expect("a whole body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// An endpoint whose behaviour a test writes out.
pub(crate) struct Script(TcpListener);

impl Script {
    pub(crate) async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("bound"))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    pub(crate) async fn accept(&self) -> Peer {
        Peer(
            awaited("a connection", self.0.accept())
                .await
                .expect("accepted")
                .0,
        )
    }

    /// Accepts, reads a request's head and answers it.
    pub(crate) async fn answer(&self, bytes: impl AsRef<[u8]>) -> Peer {
        let mut peer = self.accept().await;
        peer.head().await;
        peer.say(bytes).await;
        peer
    }
}

/// The gateway's connection, from the endpoint's side.
pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    /// Reads up to and including the blank line.
    pub(crate) async fn head(&mut self) -> String {
        self.until(b"\r\n\r\n").await
    }

    /// Reads up to and including `end`, byte by byte.
    pub(crate) async fn until(&mut self, end: &[u8]) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end) {
            read.push(
                awaited("a byte", self.0.read_u8())
                    .await
                    .expect("more to come"),
            );
        }
        String::from_utf8(read).expect("text")
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.expect("written");
    }

    /// Says `bytes` over and over until the gateway has had enough.
    pub(crate) async fn say_forever(&mut self, bytes: &[u8]) {
        while self.0.write_all(bytes).await.is_ok() {}
    }

    /// Waits until the gateway has closed the connection, by FIN or reset.
    pub(crate) async fn closed(&mut self) {
        let mut rest = [0; 1024];
        while self.0.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        self.0.set_zero_linger().expect("linger set");
    }
}

/// An address that refuses connections: it is taken, and nobody listens on it.
pub(crate) struct Refusing(Socket);

impl Refusing {
    pub(crate) fn new() -> Self {
        Self(bound())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        address(&self.0)
    }
}

/// An address where a connection never completes: the queue of the listener is full.
pub(crate) struct Blackhole {
    listener: Socket,
    _queued: Vec<Socket>,
}

impl Blackhole {
    pub(crate) fn new() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        listener
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .expect("bound");
        listener.listen(0).expect("listening");
        let queued = (0..4).map(|_| Self::queue_one(&listener)).collect();
        Self {
            listener,
            _queued: queued,
        }
    }

    fn queue_one(listener: &Socket) -> Socket {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_nonblocking(true).expect("non-blocking");
        // In progress, for ever: that is the point.
        drop(socket.connect(&address(listener).into()));
        socket
    }

    pub(crate) fn address(&self) -> SocketAddr {
        address(&self.listener)
    }
}

fn bound() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .expect("bound");
    socket
}

fn address(socket: &Socket) -> SocketAddr {
    socket
        .local_addr()
        .expect("an address")
        .as_socket()
        .expect("an IP address")
}
