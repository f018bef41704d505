//! What the tests of this crate share: a worker with nothing on it, frames, and wires that do as
//! they are told.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use switchyard_drain::Tasks;
use switchyard_proto::frame::{Header, OpCode};
use switchyard_proto::handshake::Deflate;
use switchyard_proto::{CloseCode, Policy, Session, Side, mask};
use switchyard_telemetry::labels::{BusKind, Protocol};
use switchyard_telemetry::{Build, Metrics, RouteTraffic};
use switchyard_wire::Wire;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::{Closed, Ended, Leg, Registry, Relay, RelayLimits, SessionId, SessionInfo, Still, Tie};

/// Long enough for anything that is to happen, on a paused clock.
pub(crate) const LONG: Duration = Duration::from_hours(1);

pub(crate) const KIB: usize = 1024;

const ROUTE: &str = "chat";

/// A worker with a registry and counts, and a policy for its sessions.
pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) policy: Policy,
    pub(crate) buffer_limit: usize,
    metrics: Metrics,
    traffic: Arc<RouteTraffic>,
    tasks: Tasks,
}

impl World {
    pub(crate) fn new() -> Self {
        let build = Build {
            version: "0",
            revision: "0",
            rustc: "0",
        };
        let metrics = Metrics::new(build).expect("no two metrics collide");
        metrics.push(BusKind::Memory).expect("the first of them");
        let traffic = metrics.worker().route(ROUTE, Protocol::Http1);
        let policy = Policy {
            max_frame: None,
            max_message: None,
            idle_timeout: None,
            pings: None,
            max_lifetime: None,
            close_timeout: Duration::from_secs(5),
        };
        let (registry, tasks) = (Registry::new(), Tasks::new());
        Self {
            registry,
            policy,
            buffer_limit: 256 * KIB,
            metrics,
            traffic,
            tasks,
        }
    }

    /// Keeps time, as a worker does.
    pub(crate) fn keeping_time(self) -> Self {
        self.tasks.spawn(self.registry.clone().keep_time());
        self
    }

    pub(crate) fn relay<D: Wire, U: Wire>(&self, down: Leg<D>, up: Leg<U>) -> Relay<D, U> {
        let policy = Arc::new(self.policy.clone());
        let session = Session::new(policy, Deflate::Off, || 7, crate::now());
        let limits = RelayLimits {
            buffer_limit: self.buffer_limit,
        };
        Relay::new(
            down,
            up,
            session,
            self.registry.open(info()),
            &self.traffic,
            limits,
        )
    }

    /// The relay of a session that came from elsewhere.
    pub(crate) fn restored<D: Wire, U: Wire>(&self, wires: (D, U), still: Still) -> Relay<D, U> {
        let policy = Arc::new(self.policy.clone());
        let limits = RelayLimits {
            buffer_limit: self.buffer_limit,
        };
        let ticket = self.registry.open(still.info.clone());
        Relay::restore(wires, still, ticket, &self.traffic, (&policy, limits), || 7)
    }

    pub(crate) fn spawn<D, U>(&self, down: Leg<D>, up: Leg<U>) -> JoinHandle<Closed>
    where
        D: Wire + Send + 'static,
        U: Wire + Send + 'static,
    {
        self.spawn_relay(self.relay(down, up))
    }

    pub(crate) fn spawn_relay<D, U>(&self, relay: Relay<D, U>) -> JoinHandle<Closed>
    where
        D: Wire + Send + 'static,
        U: Wire + Send + 'static,
    {
        self.tasks.spawn(async move {
            match relay.await {
                Ended::Closed(closed) => closed,
                Ended::Asked(_) => panic!("nobody asks this session to move"),
            }
        })
    }

    pub(crate) fn start(&self, future: impl Future<Output: Send> + Send + 'static) {
        self.tasks.spawn(async move {
            future.await;
        });
    }

    /// A sample of this worker's only route, as it is in the exposition.
    pub(crate) fn sample<N: FromStr<Err: Debug>>(&self, name: &str, labels: &str) -> N {
        self.any_sample(&format!("{name}{{route=\"{ROUTE}\",{labels}}} "))
    }

    /// How many published messages were delivered, were dropped for want of room, and were not delivered when a session ended.
    pub(crate) fn published(&self) -> [u64; 3] {
        let dropped = |reason| {
            let labels = format!(r#"bus="memory",reason="{reason}""#);
            self.any_sample(&format!("switchyard_push_dropped_total{{{labels}}} "))
        };
        let delivered = r#"switchyard_push_delivered_total{bus="memory"} "#;
        [
            self.any_sample(delivered),
            dropped("queue_full"),
            dropped("closing"),
        ]
    }

    fn any_sample<N: FromStr<Err: Debug>>(&self, name: &str) -> N {
        let text = self.metrics.render().expect("renders");
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value
            .unwrap_or_else(|| panic!("no {name}"))
            .parse()
            .expect("a number")
    }

    pub(crate) fn sessions(&self) -> usize {
        self.sample("switchyard_sessions", r#"protocol="h1""#)
    }

    /// Bytes kept for the peers of those that send from here.
    pub(crate) fn buffered(&self, from: &str) -> usize {
        self.sample(
            "switchyard_buffered_bytes",
            &format!("direction=\"{from}\""),
        )
    }
}

pub(crate) fn info() -> SessionInfo {
    SessionInfo {
        id: SessionId::next(),
        listener: "web".into(),
        route: ROUTE.into(),
        cluster: "app".into(),
        endpoint: "127.0.0.1:9".into(),
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        request_id: "r".into(),
        opened: crate::now(),
        tie: Tie::Nothing,
    }
}

pub(crate) fn leg<I>(io: I) -> Leg<I> {
    Leg {
        io,
        early: Bytes::new(),
    }
}

/// Two ends of a TCP connection over the loopback interface.
pub(crate) async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (client.expect("connects"), accepted.expect("accepts").0)
}

/// A whole frame from a side, masked if it has to be.
pub(crate) fn frame(from: Side, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let key = (from == Side::Downstream).then_some([1, 2, 3, 4]);
    let payload_len = payload.len() as u64;
    let header = Header {
        fin: true,
        rsv: 0,
        opcode,
        mask: key,
        payload_len,
    };
    let mut bytes = header.encode().to_vec();
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    if let Some(key) = key {
        mask::apply(&mut bytes[start..], key);
    }
    bytes
}

pub(crate) fn text(from: Side, payload: &str) -> Vec<u8> {
    frame(from, OpCode::Text, payload.as_bytes())
}

pub(crate) fn close(from: Side, code: CloseCode) -> Vec<u8> {
    frame(from, OpCode::Close, &code.get().to_be_bytes())
}

/// What a scripted wire does when it is next asked.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    Bytes(Vec<u8>),
    /// The same for ever.
    Always(Vec<u8>),
    End,
    Reset,
    Nothing,
    /// A fault of the gateway's own.
    Panic,
}

/// How writes to a scripted wire end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Writing {
    #[default]
    Taken,
    /// Successful, and nothing was taken.
    Zero,
    Refused(io::ErrorKind),
}

/// What a scripted wire has been asked, and what it says. It wakes nobody.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) reads: VecDeque<Read>,
    /// How much each write takes; all of it when there is nothing here, nothing when 0.
    pub(crate) takes: VecDeque<usize>,
    pub(crate) writing: Writing,
    /// How often a flush is not over yet.
    pub(crate) flushing: usize,
    pub(crate) asked_to_read: usize,
    pub(crate) written: Vec<Vec<u8>>,
    pub(crate) shut: usize,
}

/// A wire that follows a script.
#[derive(Clone, Default)]
pub(crate) struct Scripted(pub(crate) Arc<Mutex<Script>>);

impl Scripted {
    pub(crate) fn reading(reads: impl IntoIterator<Item = Read>) -> Self {
        let wire = Self::default();
        wire.script().reads.extend(reads);
        wire
    }

    pub(crate) fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.0.lock().expect("not poisoned")
    }
}

impl Wire for Scripted {}

impl AsyncRead for Scripted {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut script = self.script();
        script.asked_to_read += 1;
        match script.reads.pop_front() {
            None | Some(Read::Nothing) => Poll::Pending,
            Some(Read::End) => {
                script.reads.push_front(Read::End);
                Poll::Ready(Ok(()))
            }
            Some(Read::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Some(Read::Panic) => {
                drop(script);
                panic!("as it should");
            }
            Some(Read::Bytes(mut bytes)) => {
                let rest = bytes.split_off(bytes.len().min(buffer.remaining()));
                buffer.put_slice(&bytes);
                if !rest.is_empty() {
                    script.reads.push_front(Read::Bytes(rest));
                }
                Poll::Ready(Ok(()))
            }
            Some(Read::Always(bytes)) => {
                buffer.put_slice(&bytes);
                script.reads.push_front(Read::Always(bytes));
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut script = self.script();
        match script.writing {
            Writing::Taken => {}
            Writing::Zero => return Poll::Ready(Ok(0)),
            Writing::Refused(kind) => return Poll::Ready(Err(kind.into())),
        }
        let takes = script
            .takes
            .pop_front()
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        if takes == 0 {
            script.takes.push_front(0);
            return Poll::Pending;
        }
        script.written.push(bytes[..takes].to_vec());
        Poll::Ready(Ok(takes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut script = self.script();
        if script.flushing == 0 {
            return Poll::Ready(Ok(()));
        }
        script.flushing -= 1;
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.script().shut += 1;
        Poll::Ready(Ok(()))
    }
}
