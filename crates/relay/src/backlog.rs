//! Messages that wait for one session, and what may wait.
//!
//! Not here: how they are written (`relay::publish`).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::message::Message;

/// What may wait for a session. A message that has its place in what is being written waits no more; where nothing waits, one
/// message may, however large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Messages; at least 1.
    pub messages: usize,
    /// Payload bytes of all of them.
    pub bytes: usize,
    /// What happens when one more comes.
    pub on_full: OnFull,
}

/// What happens when a message comes for which there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFull {
    /// Those that have waited longest are dropped.
    DropOldest,
    /// It is dropped.
    DropNewest,
    /// It is dropped, and the session is closed with 1013.
    Close,
}

/// What became of a message for one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It waits to be written. If others were dropped for it, the session counts them.
    Queued,
    /// The queue is full. The session counts it.
    Dropped,
    /// The session has gone or is to go. Nobody has counted it.
    Closing,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Backlog {
    waiting: VecDeque<Arc<Message>>,
    /// Their payload bytes.
    bytes: usize,
    /// How many more are being written and may come back.
    lent: usize,
    /// Their payload bytes.
    lent_bytes: usize,
    /// How many were dropped and are not counted yet.
    dropped: u64,
}

/// Messages that are being written.
pub(crate) struct Loan {
    pub(crate) first: Arc<Message>,
    pub(crate) rest: Vec<Arc<Message>>,
}

impl Backlog {
    /// Adds a message, or drops one.
    pub(crate) fn offer(&mut self, message: &Arc<Message>, queue: Queue) -> Delivery {
        while !self.has_room(message, queue) {
            let oldest = match queue.on_full {
                OnFull::DropOldest => self.waiting.pop_front(),
                OnFull::DropNewest | OnFull::Close => None,
            };
            self.dropped += 1;
            let Some(oldest) = oldest else {
                return Delivery::Dropped;
            };
            self.bytes -= oldest.len();
        }
        self.bytes += message.len();
        self.waiting.push_back(Arc::clone(message));
        Delivery::Queued
    }

    /// Whether a message would wait without another being dropped.
    pub(crate) fn has_room(&self, message: &Message, queue: Queue) -> bool {
        match self.waiting.len() + self.lent {
            0 => true,
            count => {
                let bytes = self.bytes + self.lent_bytes + message.len();
                count < queue.messages && bytes <= queue.bytes
            }
        }
    }

    /// Whether none waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether everything is written.
    pub(crate) fn is_written(&self) -> bool {
        self.waiting.is_empty() && self.lent == 0
    }

    /// Whether there is nothing to remember.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.lent == 0 && self.dropped == 0
    }

    /// Takes what comes first: one message, and those behind it as far as all their frames together have no more than `most`
    /// bytes. They count as waiting until [`settle`](Self::settle).
    pub(crate) fn lend(&mut self, most: usize) -> Option<Loan> {
        let first = self.waiting.pop_front()?;
        let mut bytes = first.frame().len();
        let mut rest = Vec::new();
        while let Some(next) = self.waiting.front() {
            bytes += next.frame().len();
            if bytes > most {
                break;
            }
            rest.extend(self.waiting.pop_front());
        }
        self.lent = 1 + rest.len();
        self.lent_bytes = first.len() + payload(&rest);
        self.bytes -= self.lent_bytes;
        Some(Loan { first, rest })
    }

    /// What was lent is written, but for these, which are the next again.
    pub(crate) fn settle(&mut self, unwritten: &[Arc<Message>]) {
        (self.lent, self.lent_bytes) = (0, 0);
        for message in unwritten.iter().rev() {
            self.waiting.push_front(Arc::clone(message));
        }
        self.bytes += payload(unwritten);
    }

    /// Whether any were dropped that are not counted.
    pub(crate) fn has_dropped(&self) -> bool {
        self.dropped > 0
    }

    /// Takes the count of those that were dropped.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

fn payload(messages: &[Arc<Message>]) -> usize {
    messages.iter().map(|message| message.len()).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(len: usize) -> Arc<Message> {
        Arc::new(Message::text(&"x".repeat(len), crate::now()))
    }

    fn queue(on_full: OnFull) -> Queue {
        Queue {
            messages: 3,
            bytes: 100,
            on_full,
        }
    }

    fn lengths(backlog: &mut Backlog) -> Vec<usize> {
        let mut all = Vec::new();
        while let Some(loan) = backlog.lend(1) {
            all.push(loan.first.len());
            backlog.settle(&[]);
        }
        all
    }

    #[test]
    fn what_happens_when_it_is_full_is_for_the_queue_to_say() {
        for (on_full, left) in [
            (OnFull::DropOldest, [2, 3, 4]),
            (OnFull::DropNewest, [1, 2, 3]),
            (OnFull::Close, [1, 2, 3]),
        ] {
            let mut backlog = Backlog::default();
            let offer = |len| backlog.offer(&message(len), queue(on_full));
            let last = [1, 2, 3, 4].map(offer)[3];
            assert_eq!(last == Delivery::Queued, on_full == OnFull::DropOldest);
            assert_eq!(backlog.take_dropped(), 1);
            assert_eq!(lengths(&mut backlog), left);
            assert!(backlog.is_idle());
        }
    }

    #[test]
    fn bytes_are_a_limit_but_not_for_a_message_alone() {
        let mut backlog = Backlog::default();
        let newest = queue(OnFull::DropNewest);
        assert_eq!(backlog.offer(&message(101), newest), Delivery::Queued);
        assert_eq!(backlog.offer(&message(1), newest), Delivery::Dropped);
        let oldest = queue(OnFull::DropOldest);
        assert_eq!(backlog.offer(&message(60), oldest), Delivery::Queued);
        assert_eq!(backlog.offer(&message(40), oldest), Delivery::Queued);
        assert_eq!(lengths(&mut backlog), [60, 40]);
        assert_eq!(backlog.take_dropped(), 2);
    }

    #[test]
    fn several_are_lent_up_to_so_many_bytes_and_one_always() {
        let mut backlog = Backlog::default();
        for len in [10, 10, 10] {
            backlog.offer(&message(len), queue(OnFull::DropNewest));
        }
        let loan = backlog.lend(24).expect("three wait");
        assert_eq!(loan.rest.len(), 1);
        backlog.settle(&loan.rest);
        let loan = backlog.lend(5).expect("two wait");
        assert!(loan.rest.is_empty());
        backlog.settle(&[]);
        assert_eq!(backlog.len(), 1);
    }

    #[test]
    fn what_is_lent_counts_until_it_is_settled() {
        let mut backlog = Backlog::default();
        let newest = queue(OnFull::DropNewest);
        for _ in 0..3 {
            backlog.offer(&message(10), newest);
        }
        let loan = backlog.lend(1000).expect("three wait");
        assert_eq!(backlog.offer(&message(1), newest), Delivery::Dropped);
        backlog.settle(&loan.rest[1..]);
        assert_eq!(backlog.offer(&message(1), newest), Delivery::Queued);
        assert_eq!(lengths(&mut backlog), [10, 1]);
    }

    proptest! {
        #[test]
        fn each_is_written_once_in_order_or_dropped(
            steps in proptest::collection::vec((0..40_usize, 0..4_usize, 0..3_usize), 1..60),
            on_full in prop_oneof![Just(OnFull::DropOldest), Just(OnFull::DropNewest)],
        ) {
            let (mut backlog, mut written) = (Backlog::default(), Vec::new());
            let (mut offered, mut dropped) = (0, 0);
            for (len, lend, take) in steps {
                let loan = (lend == 0).then(|| backlog.lend(50)).flatten();
                offered += 1;
                // The payload's length says which it is.
                backlog.offer(&message(offered), Queue { messages: 3, bytes: 40 + len * 50, on_full });
                if let Some(loan) = loan {
                    written.push(loan.first.len());
                    let cut = take.min(loan.rest.len());
                    written.extend(loan.rest[..cut].iter().map(|it| it.len()));
                    backlog.settle(&loan.rest[cut..]);
                }
                dropped += backlog.take_dropped();
                prop_assert!(backlog.len() <= 3);
                prop_assert_eq!(backlog.bytes, backlog.waiting.iter().map(|it| it.len()).sum::<usize>());
            }
            written.extend(lengths(&mut backlog));
            prop_assert!(written.is_sorted_by(|a, b| a < b), "{:?}", written);
            prop_assert_eq!(written.len() as u64 + dropped, offered as u64);
        }
    }
}
