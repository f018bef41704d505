//! The timers of all sessions of a worker, in one list and with one runtime timer.
//!
//! Coarse: a deadline is rounded up to the next tick, so that the sessions of a tick are woken
//! together. An alarm is never taken back: a session that is woken early looks at its deadline
//! and sets a new alarm, and one that has gone is not found.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::SessionId;
use crate::clock;

/// How coarse alarms are.
const TICK: Duration = Duration::from_millis(100);

/// Alarms of sessions, by tick.
pub(crate) struct Timekeeper {
    epoch: Instant,
    alarms: Mutex<Alarms>,
    /// There is an alarm before the one that is waited for.
    sooner: Notify,
}

type Alarms = BTreeMap<u32, Vec<SessionId>>;

impl Timekeeper {
    pub(crate) fn new() -> Self {
        Self {
            epoch: clock::now(),
            alarms: Mutex::default(),
            sooner: Notify::new(),
        }
    }

    /// Sets an alarm for a session at `deadline` or up to a tick later.
    pub(crate) fn set(&self, id: SessionId, deadline: Instant) {
        let tick = self.tick_from(deadline);
        let mut alarms = self.lock();
        let first = alarms
            .first_key_value()
            .is_none_or(|(first, _)| tick < *first);
        alarms.entry(tick).or_default().push(id);
        drop(alarms);
        if first {
            self.sooner.notify_one();
        }
    }

    /// Calls `ring` with each session whose alarm has come. Sleeps while there is none; never ends.
    pub(crate) async fn run(&self, ring: impl Fn(SessionId)) {
        loop {
            self.wait().await;
            // The runtime looks at its sockets before this goes on. Without it, a process that was stopped for
            // a while would look at the time before it knows of the signs of life that have come meanwhile:
            // the wait for events is interrupted then, and timers go off first.
            tokio::task::yield_now().await;
            self.take_due(clock::now()).into_iter().for_each(&ring);
        }
    }

    /// Returns when the first alarm has come, or a sooner one was set.
    async fn wait(&self) {
        let first = self
            .lock()
            .first_key_value()
            .map(|(tick, _)| self.instant_of(*tick));
        let sooner = self.sooner.notified();
        match first.map(tokio::time::Instant::from_std) {
            None => sooner.await,
            Some(first) => {
                // Either way it is time to look again.
                let _ = tokio::time::timeout_at(first, sooner).await;
            }
        }
    }

    fn take_due(&self, now: Instant) -> Vec<SessionId> {
        let mut alarms = self.lock();
        let mut due = Vec::new();
        while let Some(first) = alarms.first_entry()
            && self.instant_of(*first.key()) <= now
        {
            due.extend(first.remove());
        }
        due
    }

    /// The first tick that is not before `at`.
    fn tick_from(&self, at: Instant) -> u32 {
        let ticks = at
            .saturating_duration_since(self.epoch)
            .as_nanos()
            .div_ceil(TICK.as_nanos());
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }

    fn instant_of(&self, tick: u32) -> Instant {
        self.epoch + TICK * tick
    }

    fn lock(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use switchyard_drain::Tasks;
    use tokio::sync::mpsc::{Receiver, channel};

    /// A timekeeper at work, and who was rung when.
    fn at_work() -> (Arc<Timekeeper>, Receiver<(SessionId, Instant)>) {
        let timekeeper = Arc::new(Timekeeper::new());
        let (sender, rings) = channel(100);
        let running = Arc::clone(&timekeeper);
        Tasks::new().spawn(async move {
            let ring = |id| sender.try_send((id, clock::now())).expect("there is room");
            running.run(ring).await;
        });
        (timekeeper, rings)
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_is_never_early_and_at_most_a_tick_late() {
        let (timekeeper, mut rings) = at_work();
        for millis in [1, 99, 100, 101, 250, 3000] {
            let (id, deadline) = (
                SessionId::next(),
                clock::now() + Duration::from_millis(millis),
            );
            timekeeper.set(id, deadline);
            let (rung, at) = rings.recv().await.expect("it rings");
            assert_eq!(rung, id);
            let late = at.checked_duration_since(deadline).expect("not early");
            // The runtime's own timers are exact to a millisecond.
            assert!(
                late <= TICK + Duration::from_millis(1),
                "{millis}: {late:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sooner_alarm_rings_first() {
        let (timekeeper, mut rings) = at_work();
        let (later, sooner) = (SessionId::next(), SessionId::next());
        let now = clock::now();
        timekeeper.set(later, now + Duration::from_mins(1));
        tokio::time::sleep(Duration::from_secs(1)).await;
        timekeeper.set(sooner, now + Duration::from_secs(5));
        assert_eq!(rings.recv().await.expect("it rings").0, sooner);
        assert_eq!(rings.recv().await.expect("it rings").0, later);
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_of_a_tick_ring_together() {
        let (timekeeper, mut rings) = at_work();
        let now = clock::now();
        for millis in 101..=200 {
            timekeeper.set(SessionId::next(), now + Duration::from_millis(millis));
        }
        let first = rings.recv().await.expect("it rings").1;
        for _ in 1..100 {
            assert_eq!(rings.recv().await.expect("it rings").1, first);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_in_the_past_rings_at_once() {
        let (timekeeper, mut rings) = at_work();
        let past = clock::now();
        tokio::time::sleep(Duration::from_secs(10)).await;
        timekeeper.set(SessionId::next(), past);
        let start = clock::now();
        let (_, at) = rings.recv().await.expect("it rings");
        assert_eq!(at, start);
    }
}
