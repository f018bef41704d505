//! Puts the parts together: all or nothing.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use switchyard_admin::Admin;
use switchyard_config::Config;
use switchyard_drain::{Control, Tasks};
use switchyard_edge::{Site, Snapshot};
use switchyard_push::Push;
use switchyard_relay::Registry;
use switchyard_telemetry::log::LogGuard;
use switchyard_telemetry::{Build, Metrics, Panics};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, mpsc};

use crate::admin::AdminDoor;
use crate::bind::{Bound, OpenListeners};
use crate::care::Care;
use crate::cores::Cores;
use crate::drains::{Drains, Means};
use crate::error::StartError;
use crate::first_answers::FirstAnswers;
use crate::live::{Live, Settings};
use crate::logging::LiveLog;
use crate::reload::{Reloader, Sockets, triggers};
use crate::shutdown::{self, Ending};
use crate::signals::{self, Hangups, Stops};
use crate::systemd::{self, Manager, Passed};
use crate::upgrade::Heritage;
use crate::worker::{Common, Workers};
use crate::{bind, controls, descriptors, periodic, push};

/// Orders to reload that wait for the one before.
const RELOADS: usize = 16;

/// A gateway that is serving.
pub struct Gateway {
    pub(crate) control: Control,
    pub(crate) workers: Workers,
    pub(crate) drains: Drains,
    pub(crate) metrics: Metrics,
    pub(crate) live: Live,
    pub(crate) reloader: Arc<Reloader>,
    pub(crate) manager: Manager,
    pub(crate) push: Push,
    pub(crate) first_answers: FirstAnswers,
    bound: Vec<Bound>,
    /// Last, so that it has the last word.
    _log: LogGuard,
}

/// What a gateway is given beside its configuration.
#[derive(Debug, Default)]
pub struct Given {
    /// Where the configuration was read; without it, it cannot be read again.
    pub path: Option<PathBuf>,
    /// Sockets that listen already.
    pub passed: Passed,
    /// Who is told how it goes.
    pub manager: Manager,
}

impl Gateway {
    /// Sets up the log, binds every listener that was not passed, starts the workers and tells the manager. Logging is the
    /// process's, so this is called once, within the [control runtime](control_runtime).
    ///
    /// # Errors
    /// When any part could not start; then nothing is served.
    pub async fn start(config: &Config, given: Given) -> Result<Self, StartError> {
        let gateway = Prepared::new(config)?.start(given, None).await?;
        gateway.announce();
        Ok(gateway)
    }

    /// Accepts from now on, where another process did until now.
    pub(crate) fn take_post(&self) {
        self.control.take_post();
        self.announce();
    }

    /// Says where everything listens, and that it does.
    fn announce(&self) {
        self.bound.iter().for_each(Bound::announce);
        self.manager.ready();
        tracing::info!(workers = self.workers.count(), "ready");
    }

    /// Every listener with the address it was bound to at first, the admin listener last.
    pub fn bound(&self) -> &[Bound] {
        &self.bound
    }

    /// Has the configuration read again whenever one of these comes.
    pub fn reload_on(&self, hangups: Hangups) {
        Tasks::new().spawn(triggers::on_signal(hangups, Arc::clone(&self.reloader)));
    }

    /// Serves until `stops` says to stop, then drains and returns how that ended.
    pub async fn run(self, stops: Stops) -> Ending {
        shutdown::run(self, stops).await
    }
}

/// What can be known to work before anything is bound.
pub(crate) struct Prepared<'a> {
    config: &'a Config,
    guard: LogGuard,
    log: LiveLog,
    metrics: Metrics,
    snapshot: Snapshot,
}

impl<'a> Prepared<'a> {
    /// Sets up the log and reads what the configuration names.
    pub(crate) fn new(config: &'a Config) -> Result<Self, StartError> {
        let (guard, log) = LiveLog::start(&config.log)?;
        signals::reopen_on_signal(log.control().clone()).map_err(StartError::Signals)?;
        let metrics = Metrics::new(build())?;
        metrics.count_dropped_lines(guard.dropped_lines())?;
        metrics.count_panics(Panics::watch())?;
        metrics.count_access_file(log.control().access_file())?;
        descriptors::raise_limit();
        let snapshot = Snapshot::new(config, &metrics, None)?;
        Ok(Self {
            config,
            guard,
            log,
            metrics,
            snapshot,
        })
    }

    /// Binds what is neither passed nor in the `heritage`, and starts the workers. With a heritage they do not
    /// accept yet.
    pub(crate) async fn start(
        self,
        given: Given,
        heritage: Option<Heritage>,
    ) -> Result<Gateway, StartError> {
        let Self {
            config,
            guard,
            log,
            metrics,
            snapshot,
        } = self;
        let manager = given.manager;
        let cores = Cores::of(config.workers);
        let (control, watch) = match heritage {
            None => switchyard_drain::channel(),
            Some(_) => switchyard_drain::channel_in_waiting(),
        };
        let heritage = heritage.unwrap_or_default();
        let replica = heritage.replica;
        let mut passed = bind::claim(given.passed, heritage, config)?;
        let mut listeners = OpenListeners::default();
        let site = Site {
            workers: cores.workers(),
            metrics: &metrics,
            watch: &watch,
        };
        let opening = listeners.prepare(&snapshot, &passed, site)?;
        let first_answers = FirstAnswers::of(snapshot.clusters());
        let live = Live::new(snapshot, Settings::of(config.clone())?);
        let common = Common {
            push: push::start(config, replica, cores.workers(), &metrics)?,
            live: live.clone(),
            metrics: metrics.clone(),
            watch,
            drains: Arc::default(),
            first_answers,
            cores,
        };
        let workers = Workers::start(&common)?;
        let registries = workers.registries();
        let drains = Drains::new(means(&common, registries));
        let care = Care::new(registries.to_vec(), drains.clone());
        let (reload, orders) = mpsc::channel(RELOADS);
        let mut admin = AdminDoor::new(Admin::new(
            metrics.clone(),
            common.watch.clone(),
            controls::parts(&common, registries, &care, &drains, reload),
        ));
        let door = admin.prepare(config.admin.as_ref(), &mut passed)?;
        let caretaker = care.begin(&live);
        let mut bound = listeners.adopt(opening, workers.doors()).await;
        bound.extend(admin.adopt(door, config.admin.as_ref()));
        let reloader = Arc::new(Reloader {
            path: given.path,
            live: live.clone(),
            metrics: metrics.clone(),
            push: common.push.clone(),
            watch: common.watch.clone(),
            registries: registries.to_vec(),
            doors: workers.doors().clone(),
            caretaker,
            log,
            manager: manager.clone(),
            turn: Mutex::default(),
            sockets: Mutex::new(Sockets { listeners, admin }),
        });
        triggers::listen(orders, &reloader, &Tasks::new());
        Tasks::new().spawn(periodic::record(registries.to_vec(), reloader.log.every()));
        keep_told(&manager, registries, &common);
        Ok(Gateway {
            bound,
            reloader,
            control,
            workers,
            drains,
            live,
            metrics,
            manager,
            push: common.push,
            first_answers: common.first_answers,
            _log: guard,
        })
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

/// What drains work with.
fn means(common: &Common, registries: &[Registry]) -> Means {
    Means {
        registries: registries.to_vec(),
        live: common.live.clone(),
        gate: Arc::clone(&common.drains),
        metrics: common.metrics.drain().clone(),
        watch: common.watch.clone(),
        budget: common.push.budget().clone(),
    }
}

/// Has the log and the service manager, if there is one, told of what goes on.
fn keep_told(manager: &Manager, registries: &[Registry], common: &Common) {
    let tasks = Tasks::new();
    let first_answers = &common.first_answers;
    tasks.spawn(first_answers.clone().warn_of_missing());
    if manager.is_there() {
        tasks.spawn(systemd::show_life(manager.clone()));
        tasks.spawn(systemd::report(
            manager.clone(),
            registries.to_vec(),
            first_answers.clone(),
            common.watch.clone(),
        ));
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
