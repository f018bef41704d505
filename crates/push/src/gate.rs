//! Holds back what comes live for a session that is still to be given what it missed.
//!
//! Not here: reading what was missed (`history`).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arcstr::ArcStr;
use switchyard_bus::MessageId;
use switchyard_relay::{Message, Queue, SessionId};

/// How long after a session was given what it missed some of that may still come live: as long as a message may be on its
/// way through this process, and more.
const LINGER: Duration = Duration::from_secs(10);

/// The gates of one worker's subscriptions: those that are held back, or were until a moment ago.
#[derive(Default)]
pub(crate) struct Gates {
    gates: HashMap<(SessionId, ArcStr), Gate>,
    shut: Turn,
}

/// Which of the gates of a worker one is, in the order in which they were shut: a session that leaves a channel and comes
/// back has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Turn(u64);

/// How far a session has come in a channel, as its gate knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is still being given what it missed.
    Shut,
    /// It was given everything up to this one.
    Given(MessageId),
    /// As everyone.
    Free,
}

enum Gate {
    /// What comes is kept here.
    Shut(Held, Turn),
    /// What comes up to this one was given already.
    Ajar { last: MessageId, until: Instant },
}

/// A message that is held back.
#[derive(Clone)]
pub(crate) struct Late {
    pub(crate) id: MessageId,
    pub(crate) message: Arc<Message>,
    pub(crate) exclude: Option<SessionId>,
}

/// What came meanwhile.
#[derive(Default)]
pub(crate) struct Held {
    messages: VecDeque<Late>,
    bytes: usize,
    /// There was more than there was room for, so that what is here is not all.
    has_overflown: bool,
}

impl Gates {
    /// Holds back what comes for a session on a channel, from now on.
    pub(crate) fn shut(&mut self, id: SessionId, channel: &ArcStr) -> Turn {
        self.shut.0 += 1;
        let key = (id, channel.clone());
        let gate = Gate::Shut(Held::default(), self.shut);
        self.gates.insert(key, gate);
        self.shut
    }

    /// Whether this very gate is shut still.
    pub(crate) fn is_shut(&self, id: SessionId, channel: &ArcStr, turn: Turn) -> bool {
        let gate = self.gates.get(&(id, channel.clone()));
        matches!(gate, Some(Gate::Shut(_, own)) if *own == turn)
    }

    /// How far a session has come.
    pub(crate) fn standing(&self, id: SessionId, channel: &ArcStr) -> Standing {
        match self.gates.get(&(id, channel.clone())) {
            Some(Gate::Shut(..)) => Standing::Shut,
            Some(Gate::Ajar { last, .. }) => Standing::Given(*last),
            None => Standing::Free,
        }
    }

    /// Whether a message that came live is not to be handed on: because it is held back, or was given already.
    pub(crate) fn keeps(
        &mut self,
        (session, channel): (SessionId, &ArcStr),
        id: MessageId,
        message: &Arc<Message>,
        queue: Queue,
    ) -> bool {
        if self.gates.is_empty() {
            return false;
        }
        let key = (session, channel.clone());
        match self.gates.get_mut(&key) {
            None => false,
            Some(Gate::Shut(held, _)) => {
                let late = Late {
                    id,
                    message: Arc::clone(message),
                    exclude: None,
                };
                held.add(late, queue);
                true
            }
            Some(Gate::Ajar { last, until }) => {
                let is_known = id <= *last && message.came() < *until;
                if !is_known {
                    self.gates.remove(&key);
                }
                is_known
            }
        }
    }

    /// Opens a gate for a session that has everything up to `last`: what was held back and comes after it. `Err`: some of it
    /// was not held back for want of room; the gate stays shut, and holds nothing. `None`: there is no such gate any more.
    pub(crate) fn open(
        &mut self,
        id: SessionId,
        channel: &ArcStr,
        turn: Turn,
        last: MessageId,
        now: Instant,
    ) -> Option<Result<Vec<Arc<Message>>, Overflow>> {
        let gate = self.gates.get_mut(&(id, channel.clone()))?;
        let Gate::Shut(held, own) = gate else {
            return None;
        };
        if *own != turn {
            return None;
        }
        let held = match held.take() {
            Ok(held) => held,
            Err(overflow) => return Some(Err(overflow)),
        };
        let newest = held.back().map_or(last, |late| last.max(late.id));
        let until = now + LINGER;
        *gate = Gate::Ajar {
            last: newest,
            until,
        };
        let later = held.into_iter().filter(|late| late.id > last);
        Some(Ok(later.map(|late| late.message).collect()))
    }

    /// A subscription has ended.
    pub(crate) fn forget(&mut self, id: SessionId, channel: &ArcStr) {
        if !self.gates.is_empty() {
            self.gates.remove(&(id, channel.clone()));
        }
    }
}

/// More came than there was room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overflow;

impl Held {
    /// Holds one back. There is as much room as in the queue of a session, where one of any size may wait alone; what does
    /// not fit has to be read anew, and all that is held with it.
    pub(crate) fn add(&mut self, late: Late, queue: Queue) {
        self.bytes = self.bytes.saturating_add(late.message.len());
        let is_alone = self.messages.is_empty();
        if self.messages.len() >= queue.messages || (self.bytes > queue.bytes && !is_alone) {
            self.has_overflown = true;
        }
        if self.has_overflown {
            self.messages.clear();
            return;
        }
        self.messages.push_back(late);
    }

    /// Takes what is held, unless that is not all that came; either way nothing is held after it.
    pub(crate) fn take(&mut self) -> Result<VecDeque<Late>, Overflow> {
        let held = std::mem::take(self);
        if held.has_overflown {
            return Err(Overflow);
        }
        Ok(held.messages)
    }
}

#[cfg(test)]
mod tests {
    use switchyard_relay::OnFull;

    use super::*;

    const SESSION: SessionId = SessionId::of(7);
    const ROOM: Queue = Queue {
        messages: 2,
        bytes: 100,
        on_full: OnFull::DropOldest,
    };

    fn id(minor: u64) -> MessageId {
        MessageId { major: 0, minor }
    }

    struct World {
        gates: Gates,
        turn: Turn,
        channel: ArcStr,
        now: Instant,
    }

    impl World {
        fn shut() -> Self {
            let mut world = Self {
                gates: Gates::default(),
                turn: Turn::default(),
                channel: "a".into(),
                now: Instant::now(),
            };
            world.turn = world.gates.shut(SESSION, &world.channel);
            world
        }

        fn keeps(&mut self, minor: u64) -> bool {
            self.keeps_long(minor, &minor.to_string())
        }

        fn keeps_long(&mut self, minor: u64, text: &str) -> bool {
            let message = Arc::new(Message::text(text, self.now));
            let key = (SESSION, &self.channel);
            self.gates.keeps(key, id(minor), &message, ROOM)
        }

        fn open(&mut self, last: u64) -> Option<Result<Vec<String>, Overflow>> {
            let opened = self.open_as(self.turn, last);
            let text = |message: &Arc<Message>| {
                String::from_utf8_lossy(&message.frame()[2..]).into_owned()
            };
            opened.map(|it| it.map(|all| all.iter().map(text).collect()))
        }

        fn open_as(
            &mut self,
            turn: Turn,
            last: u64,
        ) -> Option<Result<Vec<Arc<Message>>, Overflow>> {
            let (channel, last) = (self.channel.clone(), id(last));
            self.gates.open(SESSION, &channel, turn, last, self.now)
        }
    }

    #[test]
    fn a_gate_is_not_opened_by_whoever_was_to_open_the_one_before() {
        let mut world = World::shut();
        let (first, channel) = (world.turn, world.channel.clone());
        world.gates.forget(SESSION, &channel);
        world.turn = world.gates.shut(SESSION, &channel);
        assert!(world.keeps(5));
        assert!(!world.gates.is_shut(SESSION, &channel, first));
        assert_eq!(world.open_as(first, 4).map(|it| it.is_ok()), None);
        assert!(world.gates.is_shut(SESSION, &channel, world.turn));
        assert_eq!(world.gates.standing(SESSION, &channel), Standing::Shut);
        assert_eq!(world.open(4), Some(Ok(vec!["5".to_owned()])));
        let standing = world.gates.standing(SESSION, &channel);
        assert_eq!(standing, Standing::Given(id(5)));
    }

    #[test]
    fn one_of_any_size_may_wait_alone() {
        let mut world = World::shut();
        let long = "x".repeat(ROOM.bytes + 1);
        assert!(world.keeps_long(1, &long));
        assert!(matches!(world.open_as(world.turn, 0), Some(Ok(held)) if held.len() == 1));
        let mut world = World::shut();
        assert!(world.keeps_long(1, &long) && world.keeps(2));
        assert_eq!(world.open(0), Some(Err(Overflow)));
    }

    #[test]
    fn what_was_held_back_comes_once() {
        let mut world = World::shut();
        assert!(world.keeps(4) && world.keeps(5));
        assert_eq!(world.open(4), Some(Ok(vec!["5".to_owned()])));
        // Those that were under way still.
        assert!(world.keeps(3) && world.keeps(5));
        assert!(!world.keeps(6));
        // Only the first that is new needs the gate.
        assert!(world.gates.gates.is_empty() && !world.keeps(5));
    }

    #[test]
    fn nothing_is_kept_for_ever_when_ids_begin_anew() {
        let mut world = World::shut();
        world.open(1000);
        assert!(world.keeps(1));
        world.now += LINGER;
        assert!(!world.keeps(2));
    }

    #[test]
    fn what_does_not_fit_has_to_be_read_anew() {
        let mut world = World::shut();
        assert!((1..=5).all(|minor| world.keeps(minor)));
        assert_eq!(world.open(0), Some(Err(Overflow)));
        assert!(world.keeps(6));
        assert_eq!(world.open(5), Some(Ok(vec!["6".to_owned()])));
        assert_eq!(world.open(5), None);
    }

    #[test]
    fn an_ended_subscription_has_no_gate() {
        let mut world = World::shut();
        let channel = world.channel.clone();
        world.gates.forget(SESSION, &channel);
        assert!(!world.keeps(1));
        assert_eq!(world.open(0), None);
    }
}
