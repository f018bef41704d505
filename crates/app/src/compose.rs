//! Puts the parts together: all or nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use switchyard_admin::Admin;
use switchyard_config::Config;
use switchyard_drain::{Control, Tasks};
use switchyard_edge::{Snapshot, SnapshotCell};
use switchyard_telemetry::log::LogGuard;
use switchyard_telemetry::{Build, Metrics};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::bind::{self, Bound};
use crate::cores::Cores;
use crate::error::StartError;
use crate::shutdown::{self, Ending};
use crate::signals::Stops;
use crate::worker::{Common, Workers};
use crate::{departures, descriptors, logging, plan};

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
        if let (Some(listener), Some(admin)) = (sockets.admin, &config.admin) {
            let token = admin.token.as_ref();
            let cell = Arc::clone(&snapshot);
            let clusters = move || Arc::clone(cell.load().clusters());
            let departures = departures.clone();
            let admin = Admin::new(metrics.clone(), watch.clone(), token, clusters, departures);
            let tasks = Tasks::new();
            tasks.spawn(switchyard_admin::serve(listener, admin, tasks.clone()));
        }
        let plan = plan::of(&config.drain)?;
        let common = Common {
            snapshot,
            metrics: metrics.clone(),
            watch,
            plan,
            cores,
        };
        let clusters = Arc::clone(&common.snapshot);
        let plan = common.plan.clone();
        let workers = Workers::start(sockets.workers, &common)?;
        let (tasks, registries) = (Tasks::new(), workers.registries().to_vec());
        clusters.load().clusters().start(&tasks, &departures);
        tasks.spawn(departures::see_off(told, registries, plan, tasks.clone()));
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
