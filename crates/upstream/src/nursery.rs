//! When connections have reached the age at which keep-alive is armed, one nursery a worker.
//!
//! All wait equally long, so they wait in a queue: to enter is to be put behind, and one task
//! sleeps until the first has grown. A connection that ends before only leaves its place empty.
//! The task is in a group of its own: nobody who leaves waits for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use switchyard_drain::Tasks;
use tokio::time::{self, Instant};

use crate::socket::KEEPALIVE_IDLE;

/// Connections that grow within this time grow together, with the last of them.
const STEP: Duration = Duration::from_millis(500);

/// The young connections of one worker.
#[derive(Debug, Default)]
pub(crate) struct Nursery {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    tasks: Tasks,
    queue: Mutex<Queue>,
    /// The places below have left the queue. For who asks each time that bytes move.
    grown: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    /// How many have left the queue: the place of the one at the front.
    first: u64,
    /// For each, the waker of the task that waits for something to read.
    young: VecDeque<Option<Waker>>,
    /// When they grow. There are thousands in one of these, so that each is no more than its waker.
    batches: VecDeque<Batch>,
    sleeper: Sleeper,
}

/// Those who grow together.
#[derive(Debug)]
struct Batch {
    grown: Instant,
    /// The place behind the last of them.
    end: u64,
}

/// Whether the task runs that waits for the first to grow; it does while there is one.
#[derive(Debug, Default, PartialEq, Eq)]
enum Sleeper {
    #[default]
    Asleep,
    Awake,
}

/// Whether it is time to arm keep-alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// Not yet; the waker is called when it is.
    Young,
    /// It is.
    Grown,
}

/// A connection's place in the queue; given up on drop.
#[derive(Debug)]
pub(crate) struct Youth {
    shared: Arc<Shared>,
    place: u64,
}

impl Nursery {
    /// Takes in a connection that was just made.
    pub(crate) fn enter(&self) -> Youth {
        let mut queue = self.shared.lock();
        let place = queue.push(Instant::now() + KEEPALIVE_IDLE);
        if queue.sleeper == Sleeper::Asleep {
            queue.sleeper = Sleeper::Awake;
            self.shared.tasks.spawn(Arc::clone(&self.shared).sleep());
        }
        drop(queue);
        Youth {
            shared: Arc::clone(&self.shared),
            place,
        }
    }
}

impl Youth {
    /// Whether it is over. While it is not, `waker` is called when it is, and no earlier one.
    pub(crate) fn look(&self, waker: &Waker) -> Age {
        match self.shared.lock().at(self.place) {
            None => Age::Grown,
            Some(young) => {
                match young {
                    Some(known) => known.clone_from(waker),
                    none => *none = Some(waker.clone()),
                }
                Age::Young
            }
        }
    }

    /// Whether it is over, without anybody being called when it is.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.place < self.shared.grown.load(Ordering::Acquire)
    }
}

impl Drop for Youth {
    /// A waker holds the memory of its task, so it does not stay behind.
    fn drop(&mut self) {
        let left = self.shared.lock().at(self.place).map(Option::take);
        drop(left);
    }
}

impl Shared {
    /// The lock is held for a few instructions and never across an await.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes connections when they have grown, until there is none left.
    async fn sleep(self: Arc<Self>) {
        while let Some(next) = self.let_go(Instant::now()) {
            time::sleep_until(next).await;
        }
    }

    /// Wakes those that have grown; when to look again, or `None` when the task may end.
    fn let_go(&self, now: Instant) -> Option<Instant> {
        let mut queue = self.lock();
        let woken = queue.take_grown(now);
        self.grown.store(queue.first, Ordering::Release);
        let next = queue.batches.front().map(|batch| batch.grown);
        if next.is_none() {
            queue.sleeper = Sleeper::Asleep;
            (queue.young, queue.batches) = Default::default();
        }
        drop(queue);
        woken.into_iter().for_each(Waker::wake);
        next
    }
}

impl Queue {
    /// The place of the one that was put behind.
    fn push(&mut self, grown: Instant) -> u64 {
        let place = self.first + self.young.len() as u64;
        let end = place + 1;
        self.young.push_back(None);
        match self.batches.back_mut() {
            Some(last) if grown <= last.grown => last.end = end,
            _ => self.batches.push_back(Batch {
                grown: grown + STEP,
                end,
            }),
        }
        place
    }

    fn at(&mut self, place: u64) -> Option<&mut Option<Waker>> {
        let index = place.checked_sub(self.first)?;
        self.young.get_mut(usize::try_from(index).ok()?)
    }

    /// Lets those that have grown leave, and gives back whom to wake.
    fn take_grown(&mut self, now: Instant) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while let Some(batch) = self.batches.pop_front_if(|batch| batch.grown <= now) {
            while self.first < batch.end {
                wakers.extend(self.young.pop_front().flatten());
                self.first += 1;
            }
        }
        wakers
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    /// By when whoever has grown has been woken.
    const LATE: Duration = Duration::from_secs(1);

    /// Counts how often it was woken.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    fn woken(count: &Count) -> usize {
        count.0.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn each_grows_in_its_own_time() {
        let nursery = Nursery::default();
        let (first, second) = (nursery.enter(), {
            time::sleep(KEEPALIVE_IDLE / 2).await;
            nursery.enter()
        });
        let ((one, one_waker), (two, two_waker)) = (count(), count());
        assert_eq!(first.look(&one_waker), Age::Young);
        assert_eq!(second.look(&two_waker), Age::Young);
        time::sleep(KEEPALIVE_IDLE / 2 + LATE).await;
        assert_eq!((woken(&one), woken(&two)), (1, 0));
        assert_eq!(first.look(&one_waker), Age::Grown);
        assert_eq!(second.look(&two_waker), Age::Young);
        time::sleep(KEEPALIVE_IDLE / 2).await;
        assert_eq!((woken(&one), woken(&two)), (1, 1));
        assert_eq!(second.look(&two_waker), Age::Grown);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_waker_is_the_one_that_is_called() {
        let nursery = Nursery::default();
        let youth = nursery.enter();
        let ((one, one_waker), (two, two_waker)) = (count(), count());
        youth.look(&one_waker);
        youth.look(&two_waker);
        time::sleep(KEEPALIVE_IDLE + LATE).await;
        assert_eq!((woken(&one), woken(&two)), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_leaves_is_not_woken_and_leaves_nothing_behind() {
        let nursery = Nursery::default();
        let (left, stayed) = (nursery.enter(), nursery.enter());
        let ((one, one_waker), (two, two_waker)) = (count(), count());
        left.look(&one_waker);
        stayed.look(&two_waker);
        drop((left, one_waker));
        assert_eq!(Arc::strong_count(&one), 1);
        time::sleep(KEEPALIVE_IDLE + LATE).await;
        assert_eq!((woken(&one), woken(&two)), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_ends_with_the_last_and_starts_again() {
        let nursery = Nursery::default();
        let tasks = nursery.shared.tasks.clone();
        for _ in 0..2 {
            let _youth = nursery.enter();
            assert_eq!(tasks.len(), 1);
            time::sleep(KEEPALIVE_IDLE + LATE).await;
            assert!(tasks.is_empty());
            assert_eq!(nursery.shared.lock().young.capacity(), 0);
        }
    }
}
