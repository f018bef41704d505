//! What the metrics say of all drains together.

use std::time::Duration;

use switchyard_admin::DrainStage;
use switchyard_drain::{Phase, Scope};
use switchyard_relay::{Asking, Progress};
use switchyard_telemetry::labels::DrainState;

use super::Drains;

impl Drains {
    /// Brings the metrics up to date. A drain of everything has everybody in it; without one, a session
    /// that two drains have counts for both.
    pub(crate) fn show(&self) {
        let mut whole: Vec<Progress> = Vec::new();
        let mut parts: Vec<Progress> = Vec::new();
        let mut state = state(self.shared.means.watch.phase());
        whole.extend(self.shared.process.get().map(Asking::progress));
        for order in self.orders().iter().map(|order| order.status()) {
            let progress = order.progress;
            if order.scope == Scope::Gateway {
                state = state.max(match order.stage() {
                    DrainStage::Waiting => DrainState::Leaving,
                    DrainStage::Asking | DrainStage::Closing | DrainStage::Done => {
                        DrainState::Draining
                    }
                });
                whole.extend(progress);
            } else {
                parts.extend(progress);
            }
        }
        {
            let mut partings = self.partings();
            partings.retain(super::Parting::is_of_interest);
            parts.extend(partings.iter().map(|parting| parting.asking.progress()));
        }
        let eta = whole.iter().chain(&parts).map(|progress| progress.eta);
        let eta = eta.max().unwrap_or(Duration::ZERO);
        let left = match whole.iter().map(|progress| progress.left).max() {
            Some(left) => left,
            None => parts.iter().map(|progress| progress.left).sum(),
        };
        let metrics = &self.shared.means.metrics;
        metrics.state(state);
        metrics.sessions_left(left);
        metrics.eta(eta);
    }
}

fn state(phase: Phase) -> DrainState {
    match phase {
        Phase::Serving => DrainState::Serving,
        Phase::Leaving => DrainState::Leaving,
        Phase::Draining => DrainState::Draining,
        Phase::Cut => DrainState::Cut,
    }
}
