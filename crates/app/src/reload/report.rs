//! What came of a reload, or would come of it.

use std::collections::BTreeMap;

use arcstr::ArcStr;
use switchyard_config::Diff;
use switchyard_edge::Fate;
use switchyard_relay::SessionInfo;

/// Keys that a running process does not change: what they say comes with a restart.
const AT_START: [&str; 2] = ["bus", "workers"];

/// What a reload changed, or would change.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// What was done.
    pub(crate) outcome: Outcome,
    /// What is different in the configuration.
    pub(crate) diff: Diff,
    /// Keys whose change comes with a restart.
    pub(crate) needs_restart: Vec<&'static str>,
    /// What becomes of the sessions that are open.
    pub(crate) sessions: Touched,
}

/// What a reload did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The configuration is another, and in use.
    Applied,
    /// It is the same.
    Unchanged,
    /// It was asked what would be.
    DryRun,
}

/// How many sessions a configuration touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    /// Nothing is different for them.
    pub(crate) unchanged: usize,
    /// They stay, under other limits.
    pub(crate) adopting: usize,
    /// They are asked to go, by route.
    pub(crate) closing: BTreeMap<ArcStr, usize>,
}

impl Report {
    pub(super) fn new(outcome: Outcome, diff: Diff, sessions: Touched) -> Self {
        let changed = diff.settings.iter().copied();
        Self {
            outcome,
            needs_restart: changed.filter(|key| AT_START.contains(key)).collect(),
            diff,
            sessions,
        }
    }

    pub(super) fn unchanged() -> Self {
        Self::new(Outcome::Unchanged, Diff::default(), Touched::default())
    }

    pub(super) fn log(&self) {
        let Touched {
            unchanged,
            adopting,
            closing,
        } = &self.sessions;
        match self.outcome {
            Outcome::DryRun => {}
            Outcome::Unchanged => {
                tracing::info!("nothing to reload: the configuration is the same");
            }
            Outcome::Applied => tracing::info!(
                unchanged,
                adopting,
                closing = closing.values().sum::<usize>(),
                "reloaded"
            ),
        }
        for key in &self.needs_restart {
            tracing::warn!(key, "a change of this key comes with a restart");
        }
    }
}

impl Touched {
    pub(super) fn count(&mut self, session: &SessionInfo, fate: &Fate) {
        match fate {
            Fate::Stays => self.unchanged += 1,
            Fate::Adopts(..) => self.adopting += 1,
            Fate::Goes => *self.closing.entry(session.route.clone()).or_default() += 1,
        }
    }
}
