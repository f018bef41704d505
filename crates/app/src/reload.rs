//! Another configuration in the place of the one in use, while everything runs.
//!
//! It is read, checked, put together and bound before anything changes: what cannot be used changes
//! nothing. Then requests are answered under it, and of the sessions those go that have no place any
//! more, at the pace of a drain. All others stay, and go by their limits as they are now.
//!
//! Not here: what becomes of which session (`edge`), and who asks for it (`triggers`).

mod report;
mod told;
pub(crate) mod triggers;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use switchyard_config::{Config, Diff, Errors};
use switchyard_drain::{Phase, Tasks, Watch};
use switchyard_edge::{Fate, Site, Snapshot};
use switchyard_proto::session::Cause;
use switchyard_push::Push;
use switchyard_relay::{Asking, Handle, Registry, Terms, Walk};
use switchyard_telemetry::Metrics;
use tokio::sync::Mutex;
use tokio::task::{block_in_place, spawn_blocking};

use crate::admin::AdminDoor;
use crate::bind::{Bound, OpenListeners, Opening, PassedTo};
use crate::care::Caretaker;
use crate::compose;
use crate::error::StartError;
use crate::live::{Live, Settings};
use crate::logging::LiveLog;
use crate::systemd::Manager;
use crate::worker::Doors;

use report::{Outcome, Report, Touched};

/// Whether a reload is done, or only worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is done.
    Apply,
    /// What would come of it is said.
    DryRun,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// There is nothing that could be read again.
    #[error("the configuration did not come from a file")]
    NoFile,
    /// The process ends.
    #[error("the gateway is on its way out")]
    Leaving,
    /// The file is wrong.
    #[error("{0}")]
    Config(Errors),
    /// What the file asks for cannot be had.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The work could not be done on its thread.
    #[error("the configuration could not be looked at: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// What a reload replaces, and with what.
pub(crate) struct Reloader {
    pub(crate) path: Option<PathBuf>,
    pub(crate) live: Live,
    pub(crate) metrics: Metrics,
    pub(crate) push: Push,
    pub(crate) watch: Watch,
    pub(crate) registries: Vec<Registry>,
    pub(crate) doors: Doors,
    pub(crate) caretaker: Caretaker,
    pub(crate) log: LiveLog,
    pub(crate) manager: Manager,
    /// Held by the one reload that is under way.
    pub(crate) turn: Mutex<()>,
    /// Held while they change, and never while files are read: who leaves does not wait for those.
    pub(crate) sockets: Mutex<Sockets>,
}

/// Everything that is listened on.
pub(crate) struct Sockets {
    pub(crate) listeners: OpenListeners,
    pub(crate) admin: AdminDoor,
}

/// A configuration that was put together.
struct Prepared {
    config: Config,
    snapshot: Arc<Snapshot>,
    diff: Diff,
}

impl Reloader {
    /// Reads the configuration again. Where another reload is under way, it goes first.
    ///
    /// # Errors
    /// The configuration cannot be used; then nothing has changed.
    pub(crate) async fn reload(&self, mode: Mode) -> Result<Report, ReloadError> {
        if mode == Mode::Apply {
            self.manager.reloading();
        }
        let reloaded = self.try_reload(mode).await;
        if mode == Mode::Apply && self.watch.phase() < Phase::Leaving {
            self.manager.ready();
        }
        match (mode, &reloaded) {
            (Mode::DryRun, _) => {}
            (Mode::Apply, Ok(report)) => {
                self.metrics.config().succeeded();
                report.log();
            }
            (Mode::Apply, Err(error)) => {
                self.metrics.config().failed();
                tracing::error!(%error, "not reloaded: the configuration before it is still in use");
            }
        }
        reloaded
    }

    /// Closes the public listeners: the gateway is on its way out.
    pub(crate) async fn close_listeners(&self) {
        self.sockets.lock().await.listeners.close();
    }

    async fn try_reload(&self, mode: Mode) -> Result<Report, ReloadError> {
        let path = self.path.clone().ok_or(ReloadError::NoFile)?;
        let _turn = self.turn.lock().await;
        let prepared = self.prepare(path, mode).await?;
        if prepared.diff.is_empty() {
            return Ok(Report::unchanged());
        }
        if mode == Mode::DryRun {
            let in_use = self.live.snapshot.load();
            let touched = fates(&self.registries, &prepared.snapshot, &in_use, |_, _| {});
            return Ok(Report::new(Outcome::DryRun, prepared.diff, touched));
        }
        let mut sockets = self.sockets.lock().await;
        if self.watch.phase() >= Phase::Leaving || self.watch.is_relieved() {
            return Err(ReloadError::Leaving);
        }
        self.apply(prepared, &mut sockets).await
    }

    /// Reads files and works out tables, which takes its time: not on the thread that the others run on.
    async fn prepare(&self, path: PathBuf, mode: Mode) -> Result<Prepared, ReloadError> {
        let live = self.live.clone();
        let metrics = match mode {
            Mode::Apply => self.metrics.clone(),
            Mode::DryRun => compose::unseen_metrics()?,
        };
        spawn_blocking(move || prepare(&path, &live, &metrics)).await?
    }

    /// Binds what is new, and then nothing can fail any more.
    async fn apply(
        &self,
        prepared: Prepared,
        sockets: &mut Sockets,
    ) -> Result<Report, ReloadError> {
        let Prepared {
            config,
            snapshot,
            diff,
        } = prepared;
        let (site, mut none) = (self.site(), PassedTo::new());
        let opening = sockets.listeners.prepare(&snapshot, &none, site)?;
        let admin = sockets.admin.prepare(config.admin.as_ref(), &mut none)?;
        self.log.adopt(&config.log)?;
        let settings = Settings::of(config)?;
        let former = self.live.snapshot.load_full();
        self.live.replace(Arc::clone(&snapshot), settings);
        // Before anybody can come in by a new listener of an old name.
        let touched = self.settle(&snapshot, &former);
        self.caretaker.take_over(&snapshot, Some(&former));
        self.open(opening, sockets).await;
        let asked = self.live.settings();
        self.push.adopt(asked.config.push.clone());
        let moved = sockets.admin.adopt(admin, asked.config.admin.as_ref());
        moved.iter().for_each(Bound::announce);
        Ok(Report::new(Outcome::Applied, diff, touched))
    }

    /// What listeners are opened for.
    fn site(&self) -> Site<'_> {
        Site {
            workers: self.doors.len(),
            metrics: &self.metrics,
            watch: &self.watch,
        }
    }

    async fn open(&self, opening: Opening, sockets: &mut Sockets) {
        for bound in sockets.listeners.adopt(opening, &self.doors).await {
            bound.announce();
        }
    }

    /// Tells each session what has changed for it, and has those asked to go that have no place any more.
    fn settle(&self, snapshot: &Snapshot, former: &Snapshot) -> Touched {
        let mut going = Vec::new();
        let touched = fates(
            &self.registries,
            snapshot,
            former,
            |handle, fate| match fate {
                Fate::Stays => {}
                Fate::Goes => going.push(handle.clone()),
                Fate::Adopts(policy, limits) => {
                    let random = std::array::from_fn(|_| getrandom::u64().unwrap_or_default());
                    handle.adopt(Terms {
                        policy,
                        limits,
                        random,
                    });
                }
            },
        );
        let plan = self.live.plan();
        let asking = block_in_place(|| Asking::of(going, &plan, Cause::Reload));
        Tasks::new().spawn(async move { asking.run(asking.pace(), || true).await });
        touched
    }
}

fn prepare(path: &Path, live: &Live, metrics: &Metrics) -> Result<Prepared, ReloadError> {
    let config = switchyard_config::load(path).map_err(ReloadError::Config)?;
    let diff = Diff::between(&live.settings().config, &config);
    let former = live.snapshot.load();
    let snapshot = Snapshot::new(&config, metrics, Some(&former)).map_err(StartError::from)?;
    Ok(Prepared {
        config,
        snapshot: Arc::new(snapshot),
        diff,
    })
}

/// Has `act` know of each open session what becomes of it, and counts. With many sessions this takes a while: the
/// runtime's thread is left to its other tasks.
fn fates(
    registries: &[Registry],
    snapshot: &Snapshot,
    former: &Snapshot,
    mut act: impl FnMut(&Handle, Fate),
) -> Touched {
    let mut touched = Touched::default();
    block_in_place(|| {
        for handle in Walk::all(registries) {
            let fate = snapshot.fate(handle.info(), former);
            touched.count(handle.info(), &fate);
            act(&handle, fate);
        }
    });
    touched
}
