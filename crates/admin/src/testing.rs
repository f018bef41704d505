//! What the tests of this crate share: an API over a gateway that has sessions, and nothing behind them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts as Head;
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use switchyard_config as config;
use switchyard_drain::{Control, Scope, Tasks};
use switchyard_proto::{Close, CloseCode};
use switchyard_push::{ChannelName, Push, ReplicaId};
use switchyard_relay::{
    DrainOrder, DrainPlan, Progress, Registry, SessionId, SessionInfo, Ticket, Tie,
};
use switchyard_telemetry::labels::BusKind;
use switchyard_telemetry::{Build, Metrics};
use switchyard_upstream::{Clusters, Survey};
use tokio::sync::mpsc;

use crate::{
    Admin, ClusterControl, DrainControl, DrainRefused, DrainStatus, DrainWish, Parts, RouteControl,
    SessionControl,
};

/// See the module.
pub(crate) struct World {
    pub(crate) admin: Arc<Admin>,
    pub(crate) push: Push,
    registry: Registry,
    tickets: Mutex<Vec<Ticket>>,
    _control: Control,
}

impl World {
    /// Bytes of one message.
    pub(crate) const MAX_MESSAGE: usize = 1000;

    pub(crate) fn new() -> Self {
        let metrics = metrics();
        let push = Push::start(switchyard_push::Parts {
            replica: ReplicaId::of(0x3f9c_01aa_22bb),
            bus: &config::Bus::Memory,
            push: settings(),
            workers: 1,
            push_metrics: metrics.push(BusKind::Memory).expect("the first of them"),
            bus_metrics: metrics.bus(BusKind::Memory).expect("the first of them"),
        });
        let push = push.expect("memory needs nothing");
        let registry = Registry::new();
        push.attach(vec![registry.clone()], crate::describing(push.clone()));
        let (control, watch) = switchyard_drain::channel();
        let admin = Admin::new(metrics, watch, parts(&push, &registry));
        Self {
            admin,
            push,
            registry,
            tickets: Mutex::default(),
            _control: control,
        }
    }

    /// A session that is open as long as the world.
    pub(crate) fn open(&self) -> SessionId {
        let ticket = self.registry.open(info());
        let id = ticket.info().id;
        self.tickets.lock().expect("not poisoned").push(ticket);
        id
    }

    /// One that is subscribed to a channel.
    pub(crate) fn subscribe(&self, channel: &str) -> SessionId {
        let id = self.open();
        let handle = self.registry.get(id).expect("it is open");
        let channel = ChannelName::new(channel).expect("a name");
        let desk = self.push.hub().desk(0);
        desk.subscribe(&handle, &channel).expect("there is room");
        id
    }
}

/// The code of an answer, and its body.
pub(crate) async fn ask(
    world: &World,
    method: &str,
    target: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let kind = if body.is_some() {
        "application/json"
    } else {
        ""
    };
    let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
    let head = head(method, target, kind);
    let answer = world.admin.answer(head, unread(body)).await;
    let code = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("it is whole");
    let body = serde_json::from_slice(&body.to_bytes()).expect("JSON");
    (code, body)
}

/// The head of a request.
pub(crate) fn head(method: &str, target: &str, kind: &str) -> Head {
    let request = http::Request::builder().method(method).uri(target);
    let request = request.header("content-type", kind).body(());
    request.expect("a request").into_parts().0
}

pub(crate) fn unread(body: Vec<u8>) -> crate::body::Unread {
    let body = Full::<Bytes>::from(body);
    body.map_err(|never| match never {}).boxed_unsync()
}

fn metrics() -> Metrics {
    let build = Build {
        version: "0",
        revision: "0",
        rustc: "0",
    };
    Metrics::new(build).expect("no two metrics collide")
}

fn settings() -> config::Push {
    config::Push {
        queue: config::PushQueue {
            messages: 2,
            bytes: 1 << 20,
            on_full: config::OnFull::DropNewest,
        },
        max_message: World::MAX_MESSAGE,
        channels_per_session: 2,
        remember_ids: Duration::ZERO,
        session_header: None,
        events: false,
        history: vec![config::History {
            prefix: "room:".into(),
            messages: 10,
            age: Duration::from_mins(1),
        }],
    }
}

fn parts(push: &Push, registry: &Registry) -> Parts {
    let clusters = Arc::<Clusters>::default();
    let (departures, _) = mpsc::channel(1);
    Parts {
        clusters: ClusterControl {
            clusters: Box::new(move || Arc::clone(&clusters)),
            survey: Box::new(|_, _| Survey::default()),
            departures,
        },
        sessions: SessionControl {
            registries: vec![registry.clone()],
            plan: Box::new(|| DrainPlan {
                over: Duration::ZERO,
                order: DrainOrder::OldestFirst,
                close: Close::new(CloseCode::SERVICE_RESTART, "").expect("it fits"),
                seed: 1,
            }),
            tasks: Tasks::new(),
        },
        routes: RouteControl {
            routes: Box::new(Vec::new),
            registries: Vec::new(),
        },
        drains: Box::new(NoDrains),
        config: Box::new(config::Written::default),
        reload: mpsc::channel(1).0,
        push: push.clone(),
        is_discovered: Box::new(|| true),
        unready_after: None,
    }
}

fn info() -> SessionInfo {
    SessionInfo {
        id: SessionId::next(),
        listener: "web".into(),
        route: "chat".into(),
        cluster: "app".into(),
        endpoint: "10.0.0.1:9".into(),
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        request_id: "r".into(),
        opened: switchyard_relay::now(),
        tie: Tie::Nothing,
    }
}

struct NoDrains;

impl DrainControl for NoDrains {
    fn begin(&self, scope: Scope, _: DrainWish) -> Result<DrainStatus, DrainRefused> {
        Err(DrainRefused::NoSuch(scope))
    }

    fn cancel(&self, scope: &Scope) -> Result<DrainStatus, DrainRefused> {
        Err(DrainRefused::NotUnderWay(scope.clone()))
    }

    fn list(&self) -> Vec<DrainStatus> {
        Vec::new()
    }

    fn own(&self) -> Option<Progress> {
        None
    }

    fn is_whole_gateway(&self) -> bool {
        false
    }
}
