//! File descriptors: every session takes two, so the soft limit is raised to the hard one at start.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises `RLIMIT_NOFILE` to its hard limit and logs what was reached.
pub(crate) fn raise_limit() {
    let before = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::warn!(%error, "the descriptor limit could not be raised");
    }
    let reached = getrlimit(Resource::Nofile).current;
    tracing::info!(
        limit = reached,
        sessions = reached.map(|limit| limit / 2),
        "descriptors"
    );
}
