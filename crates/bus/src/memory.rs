//! The bus of one process: what is published is received at once.
//!
//! What is kept is gone with the process. Ids begin with the time at which it started, so that those of an earlier one are
//! known to be from before.

mod ring;
mod store;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arcstr::ArcStr;
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::bus::Reached;
use crate::history::{Keep, MessageId, Missed};
use crate::sink::Sink;
use crate::status::Status;
use crate::subject::Subject;

use store::Store;

/// The bus of one process.
pub(crate) struct Memory {
    replica: ArcStr,
    sink: Arc<dyn Sink>,
    state: Mutex<State>,
    status: watch::Sender<Status>,
    /// Held while a message is received, so that they come one after the other. The state is not locked meanwhile: whoever
    /// receives may be waiting for somebody who follows.
    turn: Mutex<()>,
}

struct State {
    followed: HashSet<ArcStr>,
    kept: Store,
}

impl Memory {
    /// For the replica of this name.
    pub(crate) fn new(replica: &str, sink: Arc<dyn Sink>) -> Self {
        Self {
            replica: replica.into(),
            sink,
            state: Mutex::new(State {
                followed: HashSet::new(),
                kept: Store::new(),
            }),
            status: watch::Sender::new(Status::Connected),
            turn: Mutex::default(),
        }
    }

    /// See [`Bus::publish`](crate::Bus::publish).
    pub(crate) fn publish(&self, subject: &Subject, payload: Bytes) -> Reached {
        let _turn = self.turn();
        let is_followed = match subject {
            Subject::Channel(channel) => self.state().followed.contains(channel),
            Subject::Replicas => true,
            Subject::Replica(name) => *name == self.replica,
            Subject::Events => false,
        };
        if is_followed {
            self.sink.receive(subject.clone(), payload, None);
        }
        Reached::Replicas(is_followed.into())
    }

    /// See [`Bus::follow`](crate::Bus::follow).
    pub(crate) fn follow(&self, channel: &ArcStr) {
        self.state().followed.insert(channel.clone());
    }

    /// See [`Bus::unfollow`](crate::Bus::unfollow).
    pub(crate) fn unfollow(&self, channel: &str) {
        self.state().followed.remove(channel);
    }

    /// It is always there.
    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// See [`Bus::append`](crate::Bus::append).
    pub(crate) fn append(&self, channel: &str, payload: Bytes, keep: Keep) -> MessageId {
        let _turn = self.turn();
        let (id, followed) = {
            let mut state = self.state();
            let kept = &mut state.kept;
            let id = kept.append(channel, payload.clone(), keep, Instant::now());
            (id, state.followed.get(channel).cloned())
        };
        if let Some(channel) = followed {
            let subject = Subject::Channel(channel);
            self.sink.receive(subject, payload, Some(id));
        }
        id
    }

    /// See [`Bus::since`](crate::Bus::since).
    pub(crate) fn since(
        &self,
        channel: &str,
        after: Option<MessageId>,
        most: usize,
        keep: Keep,
    ) -> Missed {
        let mut state = self.state();
        state.kept.since(channel, after, most, keep, Instant::now())
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::Tape;

    const KEEP: Keep = Keep {
        messages: 3,
        age: Duration::from_mins(1),
    };

    fn channel(name: &str) -> Subject {
        Subject::Channel(name.into())
    }

    #[test]
    fn what_is_followed_is_received() {
        let tape = Tape::new();
        let memory = Memory::new("a1", tape.sink());
        let publish = |subject| memory.publish(&subject, "x".into());
        memory.follow(&"a".into());
        assert_eq!(publish(channel("a")), Reached::Replicas(1));
        assert_eq!(publish(channel("b")), Reached::Replicas(0));
        assert_eq!(publish(Subject::Replicas), Reached::Replicas(1));
        assert_eq!(publish(Subject::Replica("a1".into())), Reached::Replicas(1));
        assert_eq!(publish(Subject::Replica("b2".into())), Reached::Replicas(0));
        assert_eq!(publish(Subject::Events), Reached::Replicas(0));
        memory.unfollow("a");
        assert_eq!(publish(channel("a")), Reached::Replicas(0));
        let subjects: Vec<_> = tape.received().into_iter().map(|(s, ..)| s).collect();
        let own = Subject::Replica("a1".into());
        assert_eq!(subjects, [channel("a"), Subject::Replicas, own]);
    }

    #[test]
    fn what_is_kept_is_received_with_its_id() {
        let tape = Tape::new();
        let memory = Memory::new("a1", tape.sink());
        memory.follow(&"a".into());
        let first = memory.append("a", "1".into(), KEEP);
        let second = memory.append("a", "2".into(), KEEP);
        assert!(first < second);
        let received = tape.received();
        let expected = |text, id| (channel("a"), Bytes::from_static(text), Some(id));
        assert_eq!(received, [expected(b"1", first), expected(b"2", second)]);
        let missed = memory.since("a", Some(first), 10, KEEP);
        assert_eq!(missed.messages, [(second, "2".into())]);
        assert!(!missed.has_gap);
        assert_eq!(missed.last, second);
    }
}
