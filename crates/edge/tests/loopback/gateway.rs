//! Workers that serve a configuration within the test's own runtime; the first alone accepts.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use switchyard_drain::{Control, Phase, Tasks};
use switchyard_edge::{
    Berth, Equipment, Handover, Reception, Site, Snapshot, SnapshotCell, Worker, bind, serve,
    take_over,
};
use switchyard_push::{Hub, Parts, Push, ReplicaId};
use switchyard_relay::Registry;
use switchyard_telemetry::labels::BusKind;
use switchyard_telemetry::{Build, Metrics};

use crate::client::Peer;

/// Long enough for anything here to happen on a machine that is busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// What the gateway is called by the names of its sessions.
pub(crate) const REPLICA: ReplicaId = ReplicaId::of(0x5e1f);

pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) registry: Registry,
    pub(crate) hub: Hub,
    /// Where sessions come to from another.
    pub(crate) berth: Berth,
    pub(crate) receptions: Vec<Reception>,
    control: Control,
    metrics: Metrics,
}

impl Gateway {
    /// Serves `rest`, the configuration without its listeners.
    pub(crate) fn start(rest: &str) -> Self {
        Self::start_with("", rest)
    }

    /// The same, with more keys for the one listener, as in `, max_connections: 1`.
    pub(crate) fn start_with(listener: &str, rest: &str) -> Self {
        Self::start_workers(1, listener, rest)
    }

    /// The same, with workers that are handed what the first does not keep.
    pub(crate) fn start_workers(workers: usize, listener: &str, rest: &str) -> Self {
        let text =
            format!("listeners: [{{ name: web, address: \"127.0.0.1:0\"{listener} }}]\n{rest}");
        let config = switchyard_config::parse(&text, Path::new("test.yaml"));
        let config = config.unwrap_or_else(|errors| panic!("{errors}"));
        let metrics = Metrics::new(Build {
            version: "0",
            revision: "0",
            rustc: "0",
        })
        .unwrap();
        let snapshot = Snapshot::new(&config, &metrics, None).unwrap();
        let (control, watch) = switchyard_drain::channel();
        let (registry, tasks) = (Registry::new(), Tasks::new());
        let snapshot = Arc::new(SnapshotCell::from_pointee(snapshot));
        let push = Push::start(Parts {
            replica: REPLICA,
            bus: &config.bus,
            push: config.push.clone(),
            workers,
            push_metrics: metrics.push(BusKind::Memory).unwrap(),
            bus_metrics: metrics.bus(BusKind::Memory).unwrap(),
        })
        .unwrap();
        let mut started = Vec::new();
        for (handover, inbox) in Handover::among(workers, &metrics) {
            let index = started.len();
            let worker = Worker::new(Equipment {
                snapshot: Arc::clone(&snapshot),
                registry: registry.clone(),
                handover,
                metrics: &metrics,
                tasks: tasks.clone(),
                watch: watch.clone(),
                drains: Arc::default(),
                push: push.clone(),
                index,
            });
            let worker = Arc::new(worker.unwrap());
            tasks.spawn(take_over(inbox, Arc::clone(&worker)));
            tasks.spawn(push.hub().desk(index).run());
            started.push(worker);
        }
        let settings = Arc::clone(&snapshot.load().listeners()[0]);
        let site = Site {
            workers: 1,
            metrics: &metrics,
            watch: &watch,
        };
        let (open, mut listeners) = bind(&settings, site).unwrap();
        let listener = listeners.remove(0);
        let address = listener.address();
        let berth = Berth::new(Arc::clone(&started[0]));
        tasks.spawn(registry.clone().keep_time());
        tasks.spawn(serve(listener, started.remove(0)));
        Self {
            address,
            registry,
            hub: push.hub().clone(),
            berth,
            receptions: vec![open.reception()],
            control,
            metrics,
        }
    }

    pub(crate) async fn connect(&self) -> Peer {
        Peer::connect(self.address).await
    }

    /// What one request is answered: the whole response, up to the end of the connection.
    pub(crate) async fn ask_once(&self, request: &str) -> String {
        let mut client = self.connect().await;
        client.send(request).await;
        client.rest().await
    }

    pub(crate) fn advance(&self, phase: Phase) {
        self.control.advance(phase);
    }

    /// Another process accepts.
    pub(crate) fn relieve(&self) {
        self.control.relieve();
    }

    /// The value of a series, by a text that only its line starts with.
    pub(crate) fn metric(&self, series: &str) -> Option<u64> {
        let text = self.metrics.render().unwrap();
        let line = text.lines().find(|line| line.starts_with(series))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Waits until a series has a value; counts follow what they count by a moment.
    pub(crate) async fn until_metric(&self, series: &str, value: u64) {
        let reached = async {
            while self.metric(series) != Some(value) {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(DEADLINE, reached).await;
        assert!(
            waited.is_ok(),
            "{series} is {:?} and not {value}",
            self.metric(series)
        );
    }
}
