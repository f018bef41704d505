//! One pace for all replicas that drain at once, so that those who come back do not come from all of them together.
//!
//! The pace of the fleet is the fastest that one of them has of its own, and each goes at the part of it that its sessions
//! are of all that are left. None goes faster than alone, and none so slowly that its own deadline would pass. Where
//! nobody is heard of, a [`Share`] is exactly a [`Spread`](crate::Spread).
//!
//! Not here: how replicas hear of one another.

mod course;
mod load;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::pace::Pace;
use crate::stagger::Stagger;
use course::Course;
pub use load::Load;

/// All drains of this process, and what is known of those of others. Clones are the same.
#[derive(Clone, Debug)]
pub struct Budget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ledger: Mutex<Ledger>,
    /// Others have said something else than before.
    heard: watch::Sender<()>,
    /// A drain of this process began or ended.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Ledger {
    own: HashMap<u64, Load>,
    next: u64,
    others: Vec<Load>,
}

/// The pace of one of this process's drains.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    key: u64,
    course: Course,
    slots: usize,
    over: Duration,
    begun: Instant,
    heard: watch::Receiver<()>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            shared: Arc::new(Shared {
                ledger: Mutex::default(),
                heard: watch::Sender::default(),
                changed: watch::Sender::default(),
            }),
        }
    }
}

impl Budget {
    /// `slots` turns by `stagger`, counted from now, the last of them `by` this time even if others take theirs.
    #[must_use]
    pub fn share(&self, stagger: Stagger, slots: usize, by: Duration) -> Share {
        let over = stagger.over();
        let key = self.ledger().enter(Load::of(slots, slots, over));
        self.shared.changed.send_replace(());
        Share {
            key,
            course: Course::new(stagger, slots, by),
            slots,
            over,
            begun: Instant::now(),
            heard: self.shared.heard.subscribe(),
            budget: self.clone(),
        }
    }

    /// What this process has to do: what others are to be told.
    #[must_use]
    pub fn load(&self) -> Load {
        self.ledger().load()
    }

    /// What others have to do, each that was heard of lately.
    pub fn hear(&self, others: Vec<Load>) {
        let is_new = {
            let mut ledger = self.ledger();
            let is_new = ledger.others != others;
            ledger.others = others;
            is_new
        };
        if is_new {
            self.shared.heard.send_replace(());
        }
    }

    /// Changes when a drain of this process begins or ends: others should be told at once.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.shared.changed.subscribe()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        let ledger = &self.shared.ledger;
        ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    fn enter(&mut self, load: Load) -> u64 {
        let key = self.next;
        self.next = self.next.wrapping_add(1);
        self.own.insert(key, load);
        key
    }

    fn load(&self) -> Load {
        self.own.values().copied().fold(Load::default(), Load::and)
    }

    fn speed(&self) -> f64 {
        load::speed(self.load(), &self.others)
    }
}

impl Share {
    /// Has the course go as the others leave room for, and says when its next turn is.
    fn due(&mut self) -> Option<Instant> {
        let speed = self.budget.ledger().speed();
        self.course.go(self.begun.elapsed(), speed);
        self.begun.checked_add(self.course.due())
    }

    fn take(&mut self) {
        self.course.take();
        let load = Load::of(self.course.left(), self.slots, self.over);
        self.budget.ledger().own.insert(self.key, load);
    }
}

impl Pace for Share {
    async fn turn(&mut self) {
        loop {
            self.heard.mark_unchanged();
            let due = self.due();
            let waiting = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => sleep(Duration::MAX).await,
                }
            };
            tokio::select! {
                biased;
                () = waiting => break,
                // The budget is held here, so there is always somebody to hear.
                _ = self.heard.changed() => {}
            }
        }
        self.take();
    }

    fn remaining(&self) -> Duration {
        self.course.remaining(self.begun.elapsed())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.ledger().own.remove(&self.key);
        self.budget.shared.changed.send_replace(());
    }
}
