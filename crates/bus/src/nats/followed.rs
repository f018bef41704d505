//! The subscriptions of one connection, and what comes on them.
//!
//! Each has a bell that rings when something comes; they are asked in the order in which they rang, each until it has
//! nothing more, or until it is another's turn. An idle one costs nothing but its memory.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::stream::{Stream, StreamExt as _};
use futures_util::task::AtomicWaker;

/// Messages that one may give in a row while others wait.
const ROW: u32 = 64;

/// All subscriptions, by what they are for.
pub(super) struct Followed<K, S> {
    subscriptions: HashMap<K, Subscription<K, S>>,
    rung: Arc<Rung<K>>,
    /// The one whose turn it is, and how many messages it has given.
    turn: Option<(K, u32)>,
}

struct Subscription<K, S> {
    stream: S,
    bell: Arc<Bell<K>>,
    waker: Waker,
}

struct Bell<K> {
    key: K,
    has_rung: AtomicBool,
    rung: Arc<Rung<K>>,
}

/// Those that have rung and were not asked since.
struct Rung<K> {
    keys: Mutex<VecDeque<K>>,
    listener: AtomicWaker,
}

impl<K, S> Followed<K, S>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    S: Stream + Unpin,
{
    pub(super) fn new() -> Self {
        let rung = Rung {
            keys: Mutex::default(),
            listener: AtomicWaker::new(),
        };
        Self {
            subscriptions: HashMap::new(),
            rung: Arc::new(rung),
            turn: None,
        }
    }

    pub(super) fn insert(&mut self, key: K, stream: S) {
        let bell = Arc::new(Bell {
            key: key.clone(),
            has_rung: AtomicBool::new(false),
            rung: Arc::clone(&self.rung),
        });
        bell.wake_by_ref();
        let subscription = Subscription {
            stream,
            waker: Arc::clone(&bell).into(),
            bell,
        };
        self.subscriptions.insert(key, subscription);
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.subscriptions.remove(key);
    }

    /// What came next; `None`: a subscription has ended, which it does with the connection.
    pub(super) async fn next(&mut self) -> Option<(K, S::Item)> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<(K, S::Item)>> {
        self.rung.listener.register(cx.waker());
        while let Some((key, given)) = self.turn.take().or_else(|| self.rung.first()) {
            let Some(subscription) = self.subscriptions.get_mut(&key) else {
                continue;
            };
            match subscription.ask() {
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(item)) if given < ROW => {
                    self.turn = Some((key.clone(), given + 1));
                    return Poll::Ready(Some((key, item)));
                }
                Poll::Ready(Some(item)) => {
                    subscription.bell.wake_by_ref();
                    return Poll::Ready(Some((key, item)));
                }
                // It would give more, and the task has had its time: it has been woken.
                Poll::Pending if subscription.bell.has_rung() => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        Poll::Pending
    }
}

impl<K, S> Subscription<K, S>
where
    K: Clone + Send + Sync + 'static,
    S: Stream + Unpin,
{
    fn ask(&mut self) -> Poll<Option<S::Item>> {
        self.bell.has_rung.store(false, Ordering::Release);
        self.stream
            .poll_next_unpin(&mut Context::from_waker(&self.waker))
    }
}

impl<K> Bell<K> {
    fn has_rung(&self) -> bool {
        self.has_rung.load(Ordering::Acquire)
    }
}

impl<K: Clone + Send + Sync + 'static> Wake for Bell<K> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.has_rung.swap(true, Ordering::AcqRel) {
            self.rung.keys().push_back(self.key.clone());
            self.rung.listener.wake();
        }
    }
}

impl<K> Rung<K> {
    fn first(&self) -> Option<(K, u32)> {
        self.keys().pop_front().map(|key| (key, 0))
    }

    fn keys(&self) -> MutexGuard<'_, VecDeque<K>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use tokio::sync::mpsc;

    use super::*;

    /// More than a task may take at once.
    const MANY: usize = 10_000;

    struct Numbers(mpsc::Receiver<u32>);

    impl Stream for Numbers {
        type Item = u32;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
            self.0.poll_recv(cx)
        }
    }

    fn following<const N: usize>(
        keys: [char; N],
    ) -> (Followed<char, Numbers>, [mpsc::Sender<u32>; N]) {
        let mut followed = Followed::new();
        let senders = keys.map(|key| {
            let (sender, receiver) = mpsc::channel(MANY);
            followed.insert(key, Numbers(receiver));
            sender
        });
        (followed, senders)
    }

    /// All that has come.
    async fn all(followed: &mut Followed<char, Numbers>) -> Vec<(char, u32)> {
        let mut all = Vec::new();
        loop {
            tokio::select! {
                biased;
                item = followed.next() => all.push(item.expect("nothing has ended")),
                () = std::future::ready(()) => return all,
            }
        }
    }

    #[tokio::test]
    async fn they_are_asked_in_the_order_in_which_something_came() {
        let (mut followed, [a, b, c]) = following(['a', 'b', 'c']);
        assert!(all(&mut followed).await.is_empty());
        for (sender, number) in [(&c, 1), (&a, 2), (&c, 3), (&b, 4)] {
            sender.try_send(number).unwrap();
        }
        let expected = [('c', 1), ('c', 3), ('a', 2), ('b', 4)];
        assert_eq!(all(&mut followed).await, expected);
        a.try_send(5).unwrap();
        assert_eq!(all(&mut followed).await, [('a', 5)]);
    }

    #[tokio::test]
    async fn none_keeps_the_others_waiting() {
        let (mut followed, [a, b]) = following(['a', 'b']);
        for number in 0..2 * ROW {
            a.try_send(number).unwrap();
        }
        b.try_send(7).unwrap();
        let mut before = 0;
        while followed.next().await.unwrap() != ('b', 7) {
            before += 1;
        }
        assert_eq!(before, ROW + 1);
    }

    #[tokio::test]
    async fn more_than_a_task_may_take_at_once_is_taken_after_it_has_yielded() {
        let (mut followed, [a]) = following(['a']);
        let numbers = 0..u32::try_from(MANY).unwrap();
        for number in numbers.clone() {
            a.try_send(number).unwrap();
        }
        for number in numbers {
            assert_eq!(followed.next().await, Some(('a', number)));
        }
    }

    #[tokio::test]
    async fn what_was_removed_is_not_asked_and_what_ends_is_the_end() {
        let (mut followed, [a, b]) = following(['a', 'b']);
        a.try_send(1).unwrap();
        followed.remove(&'a');
        assert!(all(&mut followed).await.is_empty());
        assert!(a.is_closed());
        drop(b);
        assert_eq!(followed.next().await, None);
    }
}
