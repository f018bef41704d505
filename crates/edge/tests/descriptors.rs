//! A process that has no descriptor left keeps its listener, does not spin and goes on when it can.
//!
//! A test binary of its own: it takes every descriptor that the process may have.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::fs::File;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use switchyard_drain::Tasks;
use switchyard_edge::{Equipment, Handover, Site, Snapshot, SnapshotCell, Worker, bind, serve};
use switchyard_push::{Parts, Push, ReplicaId};
use switchyard_relay::Registry;
use switchyard_telemetry::labels::BusKind;
use switchyard_telemetry::{Build, Metrics};

const CONFIG: &str = r#"
listeners: [{ name: web, address: "127.0.0.1:0" }]
routes: [{ name: all, match: { path_prefix: / }, cluster: app }]
clusters: [{ name: app, endpoints: [{ address: "127.0.0.1:9" }] }]
"#;

/// Enough for the runtime and the test.
const DESCRIPTORS: u64 = 64;

fn metric(metrics: &Metrics, series: &str) -> u64 {
    let text = metrics.render().unwrap();
    let line = text.lines().find(|line| line.starts_with(series));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

fn take_all() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_shortage_is_waited_out() {
    let limit = getrlimit(Resource::Nofile);
    let current = Some(DESCRIPTORS);
    setrlimit(Resource::Nofile, Rlimit { current, ..limit }).unwrap();
    let config = switchyard_config::parse(CONFIG, Path::new("test.yaml"));
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    let metrics = Metrics::new(Build {
        version: "0",
        revision: "0",
        rustc: "0",
    })
    .unwrap();
    let snapshot = Snapshot::new(&config, &metrics, None).unwrap();
    let settings = Arc::clone(&snapshot.listeners()[0]);
    let cell = Arc::new(SnapshotCell::from_pointee(snapshot));
    let (_control, watch) = switchyard_drain::channel();
    let tasks = Tasks::new();
    let (handover, _inbox) = Handover::among(1, &metrics).remove(0);
    let push = Push::start(Parts {
        replica: ReplicaId::of(1),
        bus: &config.bus,
        push: config.push.clone(),
        workers: 1,
        push_metrics: metrics.push(BusKind::Memory).unwrap(),
        bus_metrics: metrics.bus(BusKind::Memory).unwrap(),
    });
    let worker = Worker::new(Equipment {
        snapshot: cell,
        registry: Registry::new(),
        handover,
        metrics: &metrics,
        tasks: tasks.clone(),
        watch: watch.clone(),
        drains: Arc::default(),
        push: push.unwrap(),
        index: 0,
    });
    let site = Site {
        workers: 1,
        metrics: &metrics,
        watch: &watch,
    };
    let (_open, mut listeners) = bind(&settings, site).unwrap();
    let listener = listeners.remove(0);
    let address = listener.address();
    tasks.spawn(serve(listener, Arc::new(worker.unwrap())));
    // Time stands still while this yields, so that a second try can only be a spin.
    tokio::task::yield_now().await;
    let _client = TcpStream::connect(address).unwrap();
    let taken = take_all();
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    let shortage = "switchyard_listener_rejected_total{listener=\"web\",reason=\"accept_failed\"}";
    assert_eq!(metric(&metrics, shortage), 1);
    assert_eq!(metric(&metrics, "switchyard_listener_connections{"), 0);
    drop(taken);
    tokio::time::advance(std::time::Duration::from_millis(10)).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(metric(&metrics, "switchyard_listener_connections{"), 1);
}
