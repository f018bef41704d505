//! Puts the parts together: all or nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use switchyard_admin::{Admin, ClusterControl};
use switchyard_config::Config;
use switchyard_drain::{Control, Tasks};
use switchyard_edge::{Snapshot, SnapshotCell};
use switchyard_relay::Registry;
use switchyard_telemetry::log::LogGuard;
use switchyard_telemetry::{Build, Metrics};
use switchyard_upstream::{Departure, Departures};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::bind::{self, Bound};
use crate::cores::Cores;
use crate::error::StartError;
use crate::shutdown::{self, Ending};
use crate::signals::Stops;
use crate::worker::{Common, Workers};
use crate::{departures, descriptors, logging, plan, rebalance};

/// Endpoints that leave while the one before is being told.
const DEPARTURES: usize = 16;

/// A gateway that is serving.
pub struct Gateway {
    pub(crate) control: Control,
    pub(crate) workers: Workers,
    pub(crate) metrics: Metrics,
    pub(crate) ready_delay: Duration,
    pub(crate) deadline: Duration,
    bound: Vec<Bound>,
    _log: LogGuard,
}

impl Gateway {
    /// Sets up the log, binds every listener and starts the workers. Logging is the process's, so this is called once, within
    /// the [control runtime](control_runtime).
    ///
    /// # Errors
    /// When any part could not start; then nothing is served.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let log = logging::start(&config.log)?;
        let metrics = Metrics::new(build())?;
        metrics.count_dropped_lines(log.dropped_lines())?;
        descriptors::raise_limit();
        let snapshot = Arc::new(SnapshotCell::from_pointee(Snapshot::new(config, &metrics)?));
        let cores = Cores::of(config.workers);
        let sockets = bind::all(config, cores.workers(), &metrics)?;
        let (control, watch) = switchyard_drain::channel();
        let (departures, told) = mpsc::channel(DEPARTURES);
        let plan = plan::of(&config.drain)?;
        let common = Common {
            snapshot,
            metrics: metrics.clone(),
            watch,
            plan,
            cores,
        };
        let workers = Workers::start(sockets.workers, &common)?;
        let registries = workers.registries();
        if let (Some(listener), Some(admin)) = (sockets.admin, &config.admin) {
            let clusters = cluster_control(&common, registries, &departures);
            let token = admin.token.as_ref();
            let admin = Admin::new(metrics.clone(), common.watch.clone(), token, clusters);
            let tasks = Tasks::new();
            tasks.spawn(switchyard_admin::serve(listener, admin, tasks.clone()));
        }
        look_after_clusters(&common, registries, &departures, told);
        common.snapshot.load().follow_files(&Tasks::new());
        announce(&sockets.bound, workers.count());
        let (ready_delay, deadline) = (config.drain.ready_delay, config.drain.deadline);
        Ok(Self {
            control,
            workers,
            metrics,
            ready_delay,
            deadline,
            bound: sockets.bound,
            _log: log,
        })
    }

    /// Every listener with the address it was bound to, the admin listener last.
    pub fn bound(&self) -> &[Bound] {
        &self.bound
    }

    /// Serves until `stops` says to stop, then drains and returns how that ended.
    pub async fn run(self, stops: Stops) -> Ending {
        shutdown::run(self, stops).await
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

/// The runtime of what is not the data path: admin API, signals, the clock of the drain.
///
/// # Errors
/// When the system gives no thread or no epoll descriptor.
pub fn control_runtime() -> Result<Runtime, StartError> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(StartError::Thread)
}

/// What `config` gives to answer requests by, where none are answered.
pub(crate) fn snapshot(config: &Config) -> Result<Snapshot, StartError> {
    let metrics = Metrics::new(build())?;
    Ok(Snapshot::new(config, &metrics)?)
}

/// What the admin API asks and tells the clusters.
fn cluster_control(
    common: &Common,
    registries: &[Registry],
    departures: &Departures,
) -> ClusterControl {
    let (snapshot, registries) = (Arc::clone(&common.snapshot), registries.to_vec());
    ClusterControl {
        clusters: Box::new(move || Arc::clone(snapshot.load().clusters())),
        survey: Box::new(move |cluster, above| rebalance::survey(cluster, &registries, above).1),
        departures: departures.clone(),
    }
}

/// Has the clusters probed, followed and levelled, and the sessions of who leaves seen off.
fn look_after_clusters(
    common: &Common,
    registries: &[Registry],
    departures: &Departures,
    told: mpsc::Receiver<Departure>,
) {
    let (tasks, plan) = (Tasks::new(), common.plan.clone());
    let snapshot = common.snapshot.load();
    let clusters = snapshot.clusters();
    clusters.start(&tasks, departures);
    for cluster in clusters.iter() {
        if let Some(settings) = cluster.rebalance() {
            let (cluster, registries) = (Arc::clone(cluster), registries.to_vec());
            tasks.spawn(rebalance::level(
                cluster,
                settings,
                registries,
                plan.clone(),
            ));
        }
    }
    tasks.spawn(departures::see_off(
        told,
        registries.to_vec(),
        plan,
        tasks.clone(),
    ));
}

/// What this binary was built from.
fn build() -> Build<'static> {
    Build {
        version: env!("CARGO_PKG_VERSION"),
        revision: env!("SWITCHYARD_REVISION"),
        rustc: env!("SWITCHYARD_RUSTC"),
    }
}

/// Says where everything listens. Scripts and tests that bind to port 0 read these lines.
fn announce(bound: &[Bound], workers: usize) {
    for Bound { listener, address } in bound {
        tracing::info!(%listener, %address, "listening");
    }
    tracing::info!(workers, "ready");
}
