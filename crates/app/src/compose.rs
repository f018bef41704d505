//! Puts the parts together: all or nothing.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use switchyard_admin::{Admin, ClusterControl};
use switchyard_config::Config;
use switchyard_drain::{Control, Tasks};
use switchyard_edge::Snapshot;
use switchyard_relay::Registry;
use switchyard_telemetry::log::LogGuard;
use switchyard_telemetry::{Build, Metrics};
use switchyard_upstream::Departures;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

use crate::admin::AdminDoor;
use crate::bind::{Bound, OpenListeners};
use crate::care::Care;
use crate::cores::Cores;
use crate::error::StartError;
use crate::live::{Live, Settings};
use crate::reload::{Reloader, Sockets, triggers};
use crate::shutdown::{self, Ending};
use crate::signals::{Hangups, Stops};
use crate::worker::{Common, Workers};
use crate::{descriptors, logging, rebalance};

/// A gateway that is serving.
pub struct Gateway {
    pub(crate) control: Control,
    pub(crate) workers: Workers,
    pub(crate) metrics: Metrics,
    pub(crate) live: Live,
    pub(crate) reloader: Arc<Reloader>,
    bound: Vec<Bound>,
    _log: LogGuard,
}

impl Gateway {
    /// Sets up the log, binds every listener and starts the workers. Logging is the process's, so this is called once, within
    /// the [control runtime](control_runtime). With a `path`, from which `config` was read, it can be read again.
    ///
    /// # Errors
    /// When any part could not start; then nothing is served.
    pub async fn start(config: &Config, path: Option<&Path>) -> Result<Self, StartError> {
        let log = logging::start(&config.log)?;
        let metrics = Metrics::new(build())?;
        metrics.count_dropped_lines(log.dropped_lines())?;
        descriptors::raise_limit();
        let snapshot = Snapshot::new(config, &metrics, None)?;
        let cores = Cores::of(config.workers);
        let listeners = OpenListeners::default();
        let opening = listeners.prepare(&snapshot, cores.workers(), &metrics)?;
        let live = Live::new(snapshot, Settings::of(config.clone())?);
        let (control, watch) = switchyard_drain::channel();
        let common = Common {
            live: live.clone(),
            metrics: metrics.clone(),
            watch,
            cores,
        };
        let workers = Workers::start(&common)?;
        let care = Care::new(workers.registries().to_vec());
        let admin = AdminDoor::new(admin(&common, workers.registries(), &care));
        let door = admin.prepare(config.admin.as_ref())?;
        let caretaker = care.begin(&live);
        let mut sockets = Sockets { listeners, admin };
        let opened = sockets.listeners.adopt(opening, workers.doors()).await;
        opened.iter().for_each(Bound::announce);
        sockets.admin.adopt(door, config.admin.as_ref());
        let bound = opened.into_iter().chain(sockets.admin.bound().cloned());
        tracing::info!(workers = workers.count(), "ready");
        Ok(Self {
            bound: bound.collect(),
            reloader: Arc::new(Reloader {
                path: path.map(Path::to_owned),
                live: live.clone(),
                metrics: metrics.clone(),
                watch: common.watch.clone(),
                registries: workers.registries().to_vec(),
                doors: workers.doors().clone(),
                caretaker,
                turn: Mutex::default(),
                sockets: Mutex::new(sockets),
            }),
            control,
            workers,
            metrics,
            live,
            _log: log,
        })
    }

    /// Every listener with the address it was bound to at first, the admin listener last.
    pub fn bound(&self) -> &[Bound] {
        &self.bound
    }

    /// Has the configuration read again whenever one of these comes, and when its file has become another.
    pub fn reload_on(&self, hangups: Hangups) {
        triggers::listen(hangups, &self.reloader, &Tasks::new());
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
    Ok(Snapshot::new(config, &unseen_metrics()?, None)?)
}

/// Metrics that nobody sees, for what is only tried.
pub(crate) fn unseen_metrics() -> Result<Metrics, StartError> {
    Ok(Metrics::new(build())?)
}

/// The admin API, over what there is to be asked and told.
fn admin(common: &Common, registries: &[Registry], care: &Care) -> Arc<Admin> {
    let clusters = cluster_control(common, registries, &care.departures);
    Admin::new(common.metrics.clone(), common.watch.clone(), clusters)
}

/// What the admin API asks and tells the clusters.
fn cluster_control(
    common: &Common,
    registries: &[Registry],
    departures: &Departures,
) -> ClusterControl {
    let (snapshot, registries) = (Arc::clone(&common.live.snapshot), registries.to_vec());
    ClusterControl {
        clusters: Box::new(move || Arc::clone(snapshot.load().clusters())),
        survey: Box::new(move |cluster, above| rebalance::survey(cluster, &registries, above).1),
        departures: departures.clone(),
    }
}

/// What this binary was built from.
fn build() -> Build<'static> {
    Build {
        version: env!("CARGO_PKG_VERSION"),
        revision: env!("SWITCHYARD_REVISION"),
        rustc: env!("SWITCHYARD_RUSTC"),
    }
}
