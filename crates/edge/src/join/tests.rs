//! What becomes of a session whose client never gets its 101.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use bytes::Bytes;
use http::Request;
use hyper::upgrade;
use switchyard_drain::Tasks;
use switchyard_push::{Parts, Push, ReplicaId};
use switchyard_relay::{Registry, SessionId, Tie};
use switchyard_telemetry::labels::BusKind;
use switchyard_telemetry::{Build, Metrics};
use tokio::net::TcpStream;

use super::*;
use crate::Handover;
use crate::http1::Http1;
use crate::snapshot::{Snapshot, SnapshotCell};
use crate::worker::Equipment;

const CONFIG: &str = r#"
listeners: [{ name: web, address: "127.0.0.1:0" }]
routes: [{ name: chat, match: { path_prefix: / }, push_only: on, channels: [all] }]
"#;

fn worker(metrics: &Metrics) -> Arc<Worker> {
    let config = switchyard_config::parse(CONFIG, Path::new("test.yaml"));
    let config = config.expect("a configuration");
    let snapshot = Snapshot::new(&config, metrics, None).expect("it names no files");
    let push = Push::start(Parts {
        replica: ReplicaId::of(1),
        bus: &config.bus,
        push: config.push.clone(),
        workers: 1,
        push_metrics: metrics.push(BusKind::Memory).expect("the first"),
        bus_metrics: metrics.bus(BusKind::Memory).expect("the first"),
    });
    let (handover, _inbox) = Handover::among(1, metrics).remove(0);
    let worker = Worker::new(Equipment {
        snapshot: Arc::new(SnapshotCell::from_pointee(snapshot)),
        registry: Registry::new(),
        handover,
        metrics,
        tasks: Tasks::new(),
        watch: switchyard_drain::channel().1,
        drains: Arc::default(),
        push: push.expect("it is in memory"),
        index: 0,
    });
    Arc::new(worker.expect("random numbers"))
}

fn join(worker: &Arc<Worker>) -> Join {
    let ticket = worker.registry.open(SessionInfo {
        id: SessionId::next(),
        listener: "web".into(),
        route: "chat".into(),
        cluster: "".into(),
        endpoint: "".into(),
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        request_id: "r".into(),
        opened: switchyard_relay::now(),
        tie: Tie::Nothing,
    });
    Join {
        worker: Arc::clone(worker),
        route: Arc::clone(worker.snapshot.load().route("chat").expect("configured")),
        upstream: Leg {
            io: Line::within(),
            early: Bytes::new(),
        },
        deflate: Deflate::Off,
        ticket,
        lease: None,
        affinity: AffinityResult::None,
    }
}

fn closed(metrics: &Metrics, reason: &str) -> bool {
    let text = metrics.render().expect("text");
    let reason = format!("reason=\"{reason}\"");
    let mut lines = text.lines();
    lines.any(|it| {
        it.starts_with("switchyard_session_closes_total")
            && it.contains(&reason)
            && it.ends_with(" 1")
    })
}

#[tokio::test]
async fn one_that_nobody_waits_for_any_more_is_told_as_over() {
    let metrics = Metrics::new(Build {
        version: "0",
        revision: "0",
        rustc: "0",
    });
    let metrics = metrics.expect("no two metrics collide");
    let worker = worker(&metrics);
    let on_upgrade = upgrade::on(Request::new(()));
    // As a connection does whose task panics: it has not come to this yet.
    drop(join(&worker).behind::<Http1<TcpStream>>(on_upgrade, ()));
    assert!(closed(&metrics, "internal_error"));
    assert!(worker.registry.is_empty());
    let on_upgrade = upgrade::on(Request::new(()));
    join(&worker)
        .behind::<Http1<TcpStream>>(on_upgrade, ())
        .await;
    assert!(closed(&metrics, "reset"));
    assert!(closed(&metrics, "internal_error"));
}
