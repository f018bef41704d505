//! Sessions that are asked to go one after the other: who is left, how far it is, and how to stop it.
//!
//! Not here: when it is the next one's turn (`drain::Pace`), and what becomes of those that do not go.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use switchyard_drain::{Budget, Pace, Share, Spread, Stagger};
use switchyard_proto::session::Cause;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clock;
use crate::drain::DrainPlan;
use crate::handle::Handle;
use crate::mailbox::Command;
use crate::registry::Registry;
use crate::session_info::SessionInfo;
use crate::walk::Walk;

/// Sessions that are to be asked to go, for one reason. Clones are the same asking.
///
/// It holds on to whoever has not gone when [`progress`](Self::progress) was last asked for.
#[derive(Clone)]
pub struct Asking {
    shared: Arc<Shared>,
}

struct Shared {
    stagger: Stagger,
    command: Command,
    total: usize,
    members: Mutex<Members>,
    stopped: Notify,
}

#[derive(Default)]
struct Members {
    /// Who was not asked yet, in the order in which they will be.
    waiting: VecDeque<Handle>,
    /// Who was asked and has not gone, as far as anybody has looked.
    asked: Vec<Handle>,
    times_asked: usize,
    /// When the last will have been asked.
    end: Option<Instant>,
}

/// How far an asking has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many were in it when it began.
    pub total: usize,
    /// How many were asked to go.
    pub asked: usize,
    /// How many wait to be asked.
    pub waiting: usize,
    /// How many are still open, asked or not.
    pub left: usize,
    /// How long it takes until the last was asked; nothing when nobody waits for it.
    pub eta: Duration,
}

impl Asking {
    /// All of `members`, in the order and at the pace of `plan`.
    pub fn of(members: Vec<Handle>, plan: &DrainPlan, cause: Cause) -> Self {
        let most = members.len();
        Self::first_of(most, members, plan, cause)
    }

    /// The first `count` of `members` in the order of `plan`.
    pub fn first_of(
        count: usize,
        mut members: Vec<Handle>,
        plan: &DrainPlan,
        cause: Cause,
    ) -> Self {
        plan.order.sort(&mut members, plan.seed, clock::now());
        members.truncate(count);
        let shared = Shared {
            stagger: Stagger::new(plan.over, plan.seed),
            command: Command::Close(cause, plan.close.clone()),
            total: members.len(),
            members: Mutex::new(Members {
                waiting: members.into(),
                // Until it is known at what pace they are asked.
                end: Instant::now().checked_add(plan.over),
                ..Members::default()
            }),
            stopped: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The sessions of these workers that `wanted` picks.
    pub fn among(
        registries: &[Registry],
        wanted: impl Fn(&SessionInfo) -> bool,
        plan: &DrainPlan,
        cause: Cause,
    ) -> Self {
        let members = Walk::all(registries).filter(|handle| wanted(handle.info()));
        Self::of(members.collect(), plan, cause)
    }

    /// Every session of these workers. One that opens from now on is asked at once.
    pub fn everyone(registries: &[Registry], plan: &DrainPlan, cause: Cause) -> Self {
        for registry in registries {
            registry.tell_later(Command::Close(cause, plan.close.clone()));
        }
        Self::among(registries, |_| true, plan, cause)
    }

    /// The pace that it was planned with, from now on.
    pub fn pace(&self) -> Spread {
        Spread::new(self.shared.stagger, self.shared.total)
    }

    /// Its part of the pace of all replicas that drain, from now on. A tenth of the time until the `deadline` is left to the
    /// last that is asked, unless it was planned with less.
    pub fn share(&self, budget: &Budget, deadline: Duration) -> Share {
        let by = deadline.saturating_sub(deadline / 10);
        budget.share(self.shared.stagger, self.shared.total, by)
    }

    /// Asks one after the other at this pace, for as long as it `holds`, and returns when nobody is left to
    /// be asked. Whoever has gone meanwhile is not asked, and the others are not asked any faster for it.
    pub async fn run(&self, mut pace: impl Pace, holds: impl Fn() -> bool) {
        while self.expects(&pace) {
            tokio::select! {
                biased;
                () = self.shared.stopped.notified() => return,
                () = pace.turn() => {}
            }
            if !holds() {
                return self.cancel();
            }
            self.ask_next();
        }
    }

    /// Asks nobody any more: whoever was asked goes, the others stay.
    pub fn cancel(&self) {
        let waiting = std::mem::take(&mut self.members().waiting);
        self.shared.stopped.notify_one();
        drop(waiting);
    }

    /// Ends whoever has not gone, asked or not.
    pub fn cut(&self, cause: Cause) {
        let left = {
            let mut members = self.members();
            let waiting = std::mem::take(&mut members.waiting);
            members.asked.extend(waiting);
            members.asked.clone()
        };
        self.shared.stopped.notify_one();
        for handle in left {
            handle.cut(cause);
        }
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let mut members = self.members();
        members.forget_gone();
        let (waiting, asked) = (members.waiting.len(), members.asked.len());
        let end = members.end.filter(|_| waiting > 0);
        Progress {
            total: self.shared.total,
            asked: members.times_asked,
            waiting,
            left: waiting + asked,
            eta: end.map_or(Duration::ZERO, |end| {
                end.saturating_duration_since(Instant::now())
            }),
        }
    }

    /// Whether somebody is to be asked, at this pace.
    fn expects(&self, pace: &impl Pace) -> bool {
        let mut members = self.members();
        members.end = Instant::now().checked_add(pace.remaining());
        !members.waiting.is_empty()
    }

    fn ask_next(&self) {
        let mut members = self.members();
        while let Some(handle) = members.waiting.pop_front() {
            if handle.is_gone() {
                continue;
            }
            handle.tell(self.shared.command.clone());
            members.asked.push(handle);
            members.times_asked += 1;
            return;
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.shared
            .members
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    fn forget_gone(&mut self) {
        self.waiting.retain(|handle| !handle.is_gone());
        self.asked.retain(|handle| !handle.is_gone());
    }
}

#[cfg(test)]
mod tests;
