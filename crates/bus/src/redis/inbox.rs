//! Messages between the connections and the sink: bounded, because a connection must not wait for the sink and memory has
//! an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use redis::aio::{AsyncPushSender, SendError};
use redis::{PushInfo, PushKind, Value};
use tokio::sync::{Notify, mpsc};

use super::history;
use super::names::Names;
use crate::duty::Duty;

/// How many messages may wait.
const MESSAGES: usize = 16 * 1024;

/// How many bytes of them; one that is larger may wait alone.
const BYTES: usize = 64 << 20;

/// Where all connections put what comes.
#[derive(Clone)]
pub(super) struct Intake {
    queue: mpsc::Sender<Arrival>,
    room: Arc<Room>,
}

/// Where it is taken from.
pub(super) struct Inbox {
    queue: mpsc::Receiver<Arrival>,
    room: Arc<Room>,
}

/// What came.
struct Arrival {
    channel: Vec<u8>,
    payload: Vec<u8>,
}

#[derive(Default)]
struct Room {
    bytes: AtomicUsize,
    lost: AtomicU64,
}

/// One connection's way to it.
pub(super) struct Entrance {
    intake: Intake,
    notices: Arc<Notices>,
}

/// What the servers say beside messages.
#[derive(Default)]
pub(super) struct Notices {
    /// How many times it will say that something is not followed any more because it was told so.
    asked: AtomicUsize,
    /// It said so once more: the slot has moved. Every answer after that is counted wrongly by the library.
    pub(super) moved: Notify,
}

/// Both ends.
pub(super) fn inbox() -> (Intake, Inbox) {
    let (sender, queue) = mpsc::channel(MESSAGES);
    let room = Arc::new(Room::default());
    let intake = Intake {
        queue: sender,
        room: Arc::clone(&room),
    };
    (intake, Inbox { queue, room })
}

impl Inbox {
    /// Reports everything, for as long as there is an intake.
    pub(super) async fn deliver(mut self, names: &Names, duty: &Duty) {
        while let Some(arrival) = self.queue.recv().await {
            self.room.bytes.fetch_sub(arrival.len(), Ordering::Relaxed);
            if let Some(subject) = names.subject(&arrival.channel) {
                let id = history::id_in(&arrival.payload);
                duty.receive(subject, Bytes::from(arrival.payload), id);
            }
            let lost = self.room.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                duty.overrun(lost);
            }
        }
    }
}

impl Intake {
    /// The way of a connection whose server says what is in `notices`.
    pub(super) fn entrance(&self, notices: &Arc<Notices>) -> Entrance {
        Entrance {
            intake: self.clone(),
            notices: Arc::clone(notices),
        }
    }

    fn put(&self, arrival: Arrival) {
        let bytes = arrival.len();
        let held = self.room.bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = held == 0 || held.saturating_add(bytes) <= BYTES;
        if !has_room || self.queue.try_send(arrival).is_err() {
            self.room.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.room.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Arrival {
    fn len(&self) -> usize {
        self.channel.len() + self.payload.len()
    }
}

impl AsyncPushSender for Entrance {
    fn send(&self, push: PushInfo) -> Result<(), SendError> {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "of many kinds, these concern us"
        )]
        match push.kind {
            PushKind::Message | PushKind::SMessage => {
                if let Ok([Value::BulkString(channel), Value::BulkString(payload)]) =
                    <[Value; 2]>::try_from(push.data)
                {
                    self.intake.put(Arrival { channel, payload });
                }
            }
            PushKind::SUnsubscribe => self.notices.unfollowed(),
            _ => {}
        }
        Ok(())
    }
}

impl Notices {
    /// So many channels will be unfollowed.
    pub(super) fn expect(&self, channels: usize) {
        self.asked.fetch_add(channels, Ordering::Relaxed);
    }

    fn unfollowed(&self) {
        let less = |asked: usize| asked.checked_sub(1);
        let was_asked = self
            .asked
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        if was_asked.is_err() {
            self.moved.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interest::Interest;
    use crate::redis::names::Dialect;
    use crate::testing::Tape;

    fn message(payload: Vec<u8>) -> PushInfo {
        PushInfo {
            kind: PushKind::Message,
            data: vec![
                Value::BulkString(b"switchyard:replicas".into()),
                Value::BulkString(payload),
            ],
        }
    }

    async fn delivered(intake: Intake, inbox: Inbox) -> Arc<Tape> {
        let tape = Tape::new();
        drop(intake);
        let names = Names::new("switchyard:", Dialect::Plain);
        let interest = Arc::new(Interest::new("a1"));
        let (duty, _) = Duty::new(interest, tape.sink());
        inbox.deliver(&names, &duty).await;
        tape
    }

    #[tokio::test]
    async fn what_is_too_many_is_lost_and_counted() {
        let (intake, inbox) = inbox();
        let entrance = intake.entrance(&Arc::default());
        for i in 0..MESSAGES + 7 {
            entrance.send(message(i.to_string().into())).expect("taken");
        }
        drop(entrance);
        let tape = delivered(intake, inbox).await;
        assert_eq!(tape.received().len(), MESSAGES);
        assert_eq!(tape.overrun(), 7);
        assert_eq!(tape.received()[MESSAGES - 1].1, (MESSAGES - 1).to_string());
    }

    #[tokio::test]
    async fn what_is_too_large_is_lost_and_counted() {
        let (intake, inbox) = inbox();
        let entrance = intake.entrance(&Arc::default());
        for bytes in [BYTES + 1, 1, 1] {
            entrance.send(message(vec![0; bytes])).expect("taken");
        }
        drop(entrance);
        let tape = delivered(intake, inbox).await;
        assert_eq!(tape.received().len(), 1, "the large one waits alone");
        assert_eq!(tape.overrun(), 2);
    }

    #[tokio::test]
    async fn an_unfollowing_that_was_not_asked_for_is_noticed() {
        let notices = Arc::new(Notices::default());
        let (intake, _inbox) = inbox();
        let entrance = intake.entrance(&notices);
        let say = || {
            let push = PushInfo {
                kind: PushKind::SUnsubscribe,
                data: Vec::new(),
            };
            entrance.send(push).expect("taken");
        };
        let is_moved = async || {
            let wait = std::time::Duration::from_millis(1);
            tokio::time::timeout(wait, notices.moved.notified())
                .await
                .is_ok()
        };
        notices.expect(2);
        say();
        say();
        assert!(!is_moved().await);
        say();
        assert!(is_moved().await);
    }
}
