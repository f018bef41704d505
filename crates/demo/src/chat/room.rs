//! Rooms and who is in them. Whoever reads too slowly is put out: a room never waits for anyone.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arcstr::ArcStr;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use super::message::ToPage;

/// Messages that may wait for one person.
const MAILBOX: usize = 64;
/// The longest name of a room, bytes.
const MAX_ROOM: usize = 32;

/// The name of a room: 1 to 32 ASCII letters, digits, hyphens or underscores.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Room(ArcStr);

impl Room {
    /// The room that a path segment names, if it names one.
    pub(crate) fn parse(segment: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let named = (1..=MAX_ROOM).contains(&segment.len()) && segment.bytes().all(allowed);
        named.then(|| Self(segment.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is on its way to one person: messages as JSON text.
pub(super) type Mailbox = mpsc::Receiver<ArcStr>;

/// The rooms of one server.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    inner: Mutex<Inner>,
    /// Told whenever someone comes or goes.
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Inner {
    rooms: HashMap<Room, BTreeMap<u64, Member>>,
    next: u64,
}

#[derive(Debug)]
struct Member {
    nickname: String,
    mailbox: mpsc::Sender<ArcStr>,
}

/// One person's place in a room; leaving is dropping it.
#[derive(Debug)]
pub(super) struct Seat {
    rooms: Arc<Rooms>,
    room: Room,
    nickname: String,
    id: u64,
}

impl Rooms {
    /// Empty rooms that tell `changes` whenever someone comes or goes.
    pub(crate) fn new(changes: watch::Sender<()>) -> Self {
        Self {
            inner: Mutex::default(),
            changes,
        }
    }

    /// People in all rooms.
    pub(crate) fn people(&self) -> usize {
        self.lock().rooms.values().map(BTreeMap::len).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Takes a seat and tells the others. Also gives who is in the room now, this person included.
    pub(super) fn take(
        rooms: &Arc<Rooms>,
        room: &Room,
        nickname: String,
    ) -> (Self, Mailbox, Vec<String>) {
        let (mailbox, mail) = mpsc::channel(MAILBOX);
        let mut inner = rooms.lock();
        let people = inner.rooms.get(room).map_or(0, BTreeMap::len) + 1;
        inner.broadcast(
            room,
            &ToPage::Joined {
                nickname: &nickname,
                people,
            },
        );
        let id = inner.next;
        inner.next = inner.next.wrapping_add(1);
        let members = inner.rooms.entry(room.clone()).or_default();
        members.insert(
            id,
            Member {
                nickname: nickname.clone(),
                mailbox,
            },
        );
        let present = members
            .values()
            .map(|member| member.nickname.clone())
            .collect();
        drop(inner);
        rooms.changes.send_replace(());
        let seat = Self {
            rooms: Arc::clone(rooms),
            room: room.clone(),
            nickname,
            id,
        };
        (seat, mail, present)
    }

    /// Says something to the whole room.
    pub(super) fn say(&self, text: &str) {
        let message = ToPage::Message {
            nickname: &self.nickname,
            text,
        };
        self.rooms.lock().broadcast(&self.room, &message);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.rooms.lock().leave(&self.room, self.id);
        self.rooms.changes.send_replace(());
    }
}

impl Inner {
    /// To everyone in the room; whoever has no place left in the mailbox leaves.
    fn broadcast(&mut self, room: &Room, message: &ToPage<'_>) {
        let Some(members) = self.rooms.get(room) else {
            return;
        };
        let text: ArcStr = message.to_json().into();
        let deaf = |member: &Member| {
            matches!(
                member.mailbox.try_send(text.clone()),
                Err(TrySendError::Full(_))
            )
        };
        let slow: Vec<u64> = members
            .iter()
            .filter(|(_, member)| deaf(member))
            .map(|(id, _)| *id)
            .collect();
        for id in slow {
            self.leave(room, id);
        }
    }

    fn leave(&mut self, room: &Room, id: u64) {
        let Some(members) = self.rooms.get_mut(room) else {
            return;
        };
        let Some(Member { nickname, .. }) = members.remove(&id) else {
            return;
        };
        let people = members.len();
        if people == 0 {
            self.rooms.remove(room);
        } else {
            self.broadcast(
                room,
                &ToPage::Left {
                    nickname: &nickname,
                    people,
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> Room {
        Room::parse(name).unwrap()
    }

    fn mail(mailbox: &mut Mailbox) -> Vec<String> {
        std::iter::from_fn(|| mailbox.try_recv().ok())
            .map(|text| text.to_string())
            .collect()
    }

    #[test]
    fn a_room_has_a_plain_name() {
        assert!(Room::parse("lobby-2_b").is_some());
        for bad in ["", "a/b", "a b", "%41", "é", &"x".repeat(33)] {
            assert_eq!(Room::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_room_hears_what_is_said_in_it_and_nothing_else() {
        let rooms = Arc::new(Rooms::default());
        let (ada, mut to_ada, _) = Seat::take(&rooms, &room("x"), "Ada".into());
        let (bob, mut to_bob, present) = Seat::take(&rooms, &room("x"), "Bob".into());
        let (_eve, mut to_eve, _) = Seat::take(&rooms, &room("y"), "Eve".into());
        assert_eq!(present, ["Ada", "Bob"]);
        ada.say("hi");
        drop(bob);
        assert_eq!(
            mail(&mut to_ada),
            [
                r#"{"type":"joined","nickname":"Bob","people":2}"#,
                r#"{"type":"message","nickname":"Ada","text":"hi"}"#,
                r#"{"type":"left","nickname":"Bob","people":1}"#,
            ]
        );
        assert_eq!(
            mail(&mut to_bob),
            [r#"{"type":"message","nickname":"Ada","text":"hi"}"#]
        );
        assert!(mail(&mut to_eve).is_empty());
    }

    #[test]
    fn who_does_not_read_is_put_out_and_the_others_are_told() {
        let rooms = Arc::new(Rooms::default());
        let (ada, mut to_ada, _) = Seat::take(&rooms, &room("x"), "Ada".into());
        let (_sloth, mut to_sloth, _) = Seat::take(&rooms, &room("x"), "Sloth".into());
        mail(&mut to_ada);
        for _ in 0..=MAILBOX {
            ada.say("hi");
            mail(&mut to_ada);
        }
        assert_eq!(rooms.people(), 1);
        assert_eq!(mail(&mut to_sloth).len(), MAILBOX);
        assert_eq!(
            to_sloth.try_recv(),
            Err(mpsc::error::TryRecvError::Disconnected)
        );
    }

    #[test]
    fn an_empty_room_takes_no_memory() {
        let rooms = Arc::new(Rooms::default());
        drop(Seat::take(&rooms, &room("x"), "Ada".into()));
        assert!(rooms.lock().rooms.is_empty());
    }
}
