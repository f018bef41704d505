//! What the tests of this crate share: metrics, settings, sessions, and a bus that only takes notes.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arcstr::ArcStr;
use bytes::Bytes;
use switchyard_config as config;
use switchyard_drain::Tasks;
use switchyard_proto::handshake::Deflate;
use switchyard_proto::{Policy, Session};
use switchyard_relay::{
    Handle, Leg, Registry, Relay, RelayLimits, SessionId, SessionInfo, Ticket, Tie,
};
use switchyard_telemetry::labels::{BusKind, Protocol};
use switchyard_telemetry::{Build, Metrics, PushMetrics, RouteTraffic};
use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;

use crate::hub::{Hub, Interest};

pub(crate) fn metrics() -> (Metrics, PushMetrics) {
    let build = Build {
        version: "0",
        revision: "0",
        rustc: "0",
    };
    let metrics = Metrics::new(build).expect("no two metrics collide");
    let push = metrics.push(BusKind::Memory).expect("the first of them");
    (metrics, push)
}

pub(crate) fn settings() -> config::Push {
    config::Push {
        queue: config::PushQueue {
            messages: 100,
            bytes: 1 << 20,
            on_full: config::OnFull::DropNewest,
        },
        max_message: 1 << 16,
        channels_per_session: 3,
        remember_ids: Duration::from_mins(1),
        session_header: None,
        events: false,
        history: Vec::new(),
    }
}

pub(crate) fn info() -> SessionInfo {
    SessionInfo {
        id: SessionId::next(),
        listener: "web".into(),
        route: "chat".into(),
        cluster: "app".into(),
        endpoint: "127.0.0.1:9".into(),
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        request_id: "r".into(),
        opened: switchyard_relay::now(),
        tie: Tie::Nothing,
    }
}

/// A session that is open while its ticket lives.
pub(crate) fn session_of(registry: &Registry) -> (Ticket, Handle) {
    let info = info();
    let id = info.id;
    let ticket = registry.open(info);
    let handle = registry.get(id).expect("it is open");
    (ticket, handle)
}

/// Sessions of one worker that run.
pub(crate) struct Worker {
    pub(crate) registry: Registry,
    traffic: Arc<RouteTraffic>,
    policy: Arc<Policy>,
    tasks: Tasks,
}

/// A session that runs, and both its peers.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    pub(crate) client: DuplexStream,
    _endpoint: DuplexStream,
}

impl Worker {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let policy = Policy {
            max_frame: None,
            max_message: None,
            idle_timeout: None,
            pings: None,
            max_lifetime: None,
            close_timeout: Duration::from_secs(5),
        };
        Self {
            registry: Registry::new(),
            traffic: metrics.worker().route("chat", Protocol::Http1),
            policy: Arc::new(policy),
            tasks: Tasks::new(),
        }
    }

    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.tasks.spawn(future)
    }

    /// A session whose client's pipe holds so many bytes.
    pub(crate) fn start(&self, pipe: usize) -> Running {
        let ((client, down), (endpoint, up)) = (duplex(pipe), duplex(64));
        let now = switchyard_relay::now();
        let session = Session::new(Arc::clone(&self.policy), Deflate::Off, || 7, now);
        let (ticket, handle) = session_of(&self.registry);
        let leg = |io| Leg {
            io,
            early: Bytes::new(),
        };
        let limits = RelayLimits { buffer_limit: 4096 };
        let relay = Relay::new(leg(down), leg(up), session, ticket, &self.traffic, limits);
        self.spawn(relay);
        Running {
            handle,
            client,
            _endpoint: endpoint,
        }
    }
}

/// A sample of a metric without labels other than the bus.
pub(crate) fn sample(metrics: &Metrics, name: &str) -> u64 {
    let text = metrics.render().expect("renders");
    let names = [format!("{name} "), format!("{name}{{bus=\"memory\"}} ")];
    let value = text
        .lines()
        .find_map(|line| names.iter().find_map(|name| line.strip_prefix(&**name)));
    value.expect("it is there").parse().expect("a number")
}

/// What a bus was told, in order: `+a` and `-a`.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<String>>);

impl Notes {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }

    fn note(&self, sign: char, channel: &str) {
        let mut notes = self.0.lock().expect("not poisoned");
        notes.push(format!("{sign}{channel}"));
    }
}

impl Interest for Notes {
    fn follow(&self, channel: &ArcStr) {
        self.note('+', channel);
    }

    fn unfollow(&self, channel: &str) {
        self.note('-', channel);
    }
}

/// A hub of two workers.
pub(crate) fn hub() -> (Hub, Arc<Notes>, Metrics) {
    let (metrics, push) = metrics();
    let notes = Arc::<Notes>::default();
    let interest = Arc::clone(&notes) as Arc<dyn Interest>;
    (Hub::new(2, settings(), push, interest), notes, metrics)
}
