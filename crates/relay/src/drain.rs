//! Asks the sessions of a worker to go, one after the other, so that they do not all come back to
//! the next worker at once.
//!
//! Not here: when a drain begins, when it has taken too long, and what is counted.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_drain::Stagger;
use switchyard_proto::Close;
use switchyard_proto::session::Cause;

use crate::clock;
use crate::handle::{Command, Handle};
use crate::registry::Registry;

/// Who is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainOrder {
    /// Whoever has been quiet the longest: the least is interrupted.
    IdleFirst,
    /// Whoever has been there the longest.
    OldestFirst,
    /// By lot.
    Random,
}

/// How a drain goes.
#[derive(Clone, Debug)]
pub struct DrainPlan {
    /// The time over which the asking is spread; zero for all at once.
    pub over: Duration,
    /// Who is asked first.
    pub order: DrainOrder,
    /// What both peers are told.
    pub close: Close,
    /// Makes the order by lot and the jitter; another number for each worker.
    pub seed: u64,
}

impl Registry {
    /// Asks every open session to go, as planned, and returns when the last was asked. Sessions that
    /// open meanwhile, or after it, are asked at once. Whoever has gone is not asked.
    pub async fn drain(self, plan: DrainPlan) {
        let command = Command::Close(Cause::Drain, plan.close.clone());
        let leaving = self.tell_all_later(command.clone());
        plan.ask(leaving, &command, || true).await;
    }

    /// Asks the open sessions of one endpoint to go, as planned, and returns when the last was asked,
    /// or when it is no longer so that the endpoint `leaves`.
    pub async fn part(
        self,
        cluster: Arc<str>,
        endpoint: Arc<str>,
        plan: DrainPlan,
        leaves: impl Fn() -> bool,
    ) {
        let mut leaving = self.handles();
        leaving.retain(|handle| {
            let info = handle.info();
            info.endpoint == endpoint && info.cluster == cluster
        });
        let command = Command::Close(Cause::EndpointLeft, plan.close.clone());
        plan.ask(leaving, &command, leaves).await;
    }
}

impl DrainPlan {
    /// Asks the first `count` of `leaving`, in the plan's order, to go for this reason, and returns when the
    /// last was asked.
    pub async fn ask_first(&self, count: usize, mut leaving: Vec<Handle>, cause: Cause) {
        self.order.sort(&mut leaving, self.seed, clock::now());
        leaving.truncate(count);
        let command = Command::Close(cause, self.close.clone());
        self.ask(leaving, &command, || true).await;
    }

    /// Leaves `command` with one after the other, for as long as it `holds`.
    async fn ask(&self, mut leaving: Vec<Handle>, command: &Command, holds: impl Fn() -> bool) {
        self.order.sort(&mut leaving, self.seed, clock::now());
        let begin = tokio::time::Instant::now();
        let stagger = Stagger::new(self.over, self.seed);
        for (offset, handle) in stagger.offsets(leaving.len()).zip(leaving) {
            tokio::time::sleep_until(begin + offset).await;
            if !holds() {
                return;
            }
            handle.tell(command.clone());
        }
    }
}

impl DrainOrder {
    /// Puts handles, which are oldest first, in this order.
    fn sort(self, handles: &mut [Handle], seed: u64, now: Instant) {
        match self {
            Self::OldestFirst => {}
            Self::IdleFirst => handles.sort_by_cached_key(|handle| Reverse(handle.idle(now))),
            Self::Random => {
                handles.sort_by_cached_key(|handle| scramble(seed ^ handle.info().id.get()));
            }
        }
    }
}

/// A permutation of all numbers without visible order: the finaliser of splitmix64.
fn scramble(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests;
