//! What has the configuration read again: SIGHUP, an order, and its files becoming others.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use switchyard_admin::ReloadOrder;
use switchyard_config::{self as config, Config, Watch};
use switchyard_drain::Tasks;
use tokio::sync::mpsc::Receiver;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::{Mode, Reloader};
use crate::signals::Hangups;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Has `reloader` reload when it is ordered to, or files have changed, for as long as the process lives.
pub(crate) fn listen(orders: Receiver<ReloadOrder>, reloader: &Arc<Reloader>, tasks: &Tasks) {
    tasks.spawn(on_order(orders, Arc::clone(reloader)));
    if let Some(path) = reloader.path.clone() {
        tasks.spawn(on_change(path, Arc::clone(reloader)));
    }
}

async fn on_order(mut orders: Receiver<ReloadOrder>, reloader: Arc<Reloader>) {
    while let Some(ReloadOrder { dry_run, answer }) = orders.recv().await {
        let mode = if dry_run { Mode::DryRun } else { Mode::Apply };
        let done = reloader.reload(mode).await;
        let told = done.map(|report| report.told());
        // Whoever ordered it may have gone.
        answer.send(told.map_err(|error| error.told())).ok();
    }
}

pub(crate) async fn on_signal(mut hangups: Hangups, reloader: Arc<Reloader>) {
    while hangups.0.recv().await.is_some() && !reloader.watch.is_relieved() {
        tracing::info!(signal = "SIGHUP", "reloading");
        // Whatever comes of it is said.
        let _ = reloader.reload(Mode::Apply).await;
    }
}

/// Looks at the file, and at the secrets that it names, whatever is in use: a file that could not be used
/// is tried again once it or one of them is another.
async fn on_change(path: PathBuf, reloader: Arc<Reloader>) {
    let mut watched = Watched::default();
    // The process that has taken over looks for itself.
    while !reloader.watch.is_relieved() {
        let settings = reloader.live.settings();
        if settings.config.reload == config::Reload::WhenAsked {
            watched = Watched::default();
            sleep(LOOK_EVERY).await;
            continue;
        }
        let path = path.clone();
        let look = spawn_blocking(move || {
            let is_other = watched.look(&path, &settings.config);
            (watched, is_other)
        });
        match look.await {
            Ok((back, is_other)) => {
                watched = back;
                if is_other {
                    tracing::info!("reloading: a file has changed");
                    let _ = reloader.reload(Mode::Apply).await;
                }
            }
            Err(error) => {
                return tracing::error!(%error, "the configuration is not followed any more");
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// The files that a configuration is made of, and what was in them.
#[derive(Default)]
struct Watched {
    /// Not before it is known which files these are.
    watch: Option<Watch>,
    /// What was read last, or what was wrong with it.
    last: Option<Result<Config, String>>,
}

impl Watched {
    /// Whether something else is in the files than what is in use, and than what was read last.
    fn look(&mut self, path: &Path, in_use: &Config) -> bool {
        let Some(watch) = &mut self.watch else {
            self.watch = Some(begin(path, in_use));
            return false;
        };
        if !watch.look() {
            return false;
        }
        let loaded = config::load(path).map_err(|errors| errors.to_string());
        let is_other = !is_same(&loaded, in_use) && self.last.as_ref() != Some(&loaded);
        self.last = Some(loaded);
        if is_other {
            // It may name other files.
            self.watch = None;
        }
        is_other
    }
}

/// Begins to watch the files. Unless what is in use is in them, they are found to be others.
fn begin(path: &Path, in_use: &Config) -> Watch {
    let (loaded, files) = config::load_with_files(path);
    let mut watch = Watch::new(apart(files, in_use));
    if is_same(&loaded, in_use) && is_same(&config::load(path), in_use) {
        // Between the two nothing has changed: there is no first change to be told of.
        let _ = watch.look();
    }
    watch
}

/// Whether that is in use. The files of listeners' TLS are followed apart.
fn is_same<E>(loaded: &Result<Config, E>, in_use: &Config) -> bool {
    let same = |it: &Config| it.without_listener_files() == in_use.without_listener_files();
    loaded.as_ref().is_ok_and(same)
}

/// Those of `files` that nobody else follows.
fn apart(files: Vec<PathBuf>, config: &Config) -> impl Iterator<Item = PathBuf> {
    let listeners = config
        .listeners
        .iter()
        .filter_map(|listener| listener.tls.as_ref());
    let followed: HashSet<_> = listeners.flat_map(config::Tls::paths).collect();
    files
        .into_iter()
        .filter(move |file| !followed.contains(file))
}
