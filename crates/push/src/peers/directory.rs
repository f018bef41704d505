//! Which replicas there are: whoever was heard of lately.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::wire::{Member, Standing};
use crate::name::ReplicaId;

/// How long a replica that says nothing is still counted: three beats may be lost.
pub(super) const SILENCE: Duration = Duration::from_secs(7);

/// Whom there is room for. More than any fleet has.
const MOST: usize = 4096;

/// Other processes, each with what it said last.
#[derive(Debug, Default)]
pub(super) struct Directory {
    entries: HashMap<Member, Entry>,
}

#[derive(Debug)]
struct Entry {
    heard: Instant,
    /// Which of its words that was: later ones have greater numbers.
    nth: u64,
    /// `None`: it has said farewell, and nothing that comes late makes it come back.
    standing: Option<Standing>,
}

impl Directory {
    /// Notes what someone said, unless it said something later before. Whether it was not there until now.
    pub(super) fn note(
        &mut self,
        member: Member,
        nth: u64,
        standing: Option<Standing>,
        now: Instant,
    ) -> bool {
        let known = self.entries.get(&member);
        let is_old = known.is_some_and(|entry| nth <= entry.nth);
        if is_old || (known.is_none() && self.entries.len() >= MOST) {
            return false;
        }
        let is_new = known.is_none() && standing.is_some();
        let entry = Entry {
            heard: now,
            nth,
            standing,
        };
        self.entries.insert(member, entry);
        is_new
    }

    /// Forgets whoever was silent for too long.
    pub(super) fn forget_silent(&mut self, now: Instant) {
        self.entries
            .retain(|_, entry| now.saturating_duration_since(entry.heard) <= SILENCE);
    }

    /// Everyone who is there.
    pub(super) fn present(&self) -> impl Iterator<Item = (Member, Standing)> {
        let entries = self.entries.iter();
        entries.filter_map(|(member, entry)| Some((*member, entry.standing?)))
    }

    /// How many processes go by a replica's name.
    pub(super) fn processes(&self, replica: ReplicaId) -> usize {
        let present = self.present();
        present.filter(|(it, _)| it.replica == replica).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(number: u64) -> Member {
        Member {
            replica: ReplicaId::of(number),
            process: 1,
        }
    }

    const HERE: Option<Standing> = Some(Standing {
        sessions: 1,
        load: switchyard_drain::Load { left: 0, rate: 0.0 },
    });

    #[test]
    fn who_says_nothing_is_forgotten_and_who_goes_does_not_come_back() {
        let (mut directory, now) = (Directory::default(), Instant::now());
        assert!(directory.note(member(1), 5, HERE, now));
        assert!(directory.note(member(2), 1, HERE, now + SILENCE));
        assert!(!directory.note(member(2), 2, HERE, now + SILENCE));
        directory.forget_silent(now + SILENCE);
        assert_eq!(directory.present().count(), 2);
        directory.forget_silent(now + SILENCE + Duration::from_millis(1));
        assert_eq!(
            directory.present().map(|it| it.0).collect::<Vec<_>>(),
            [member(2)]
        );
        directory.note(member(2), 4, None, now + SILENCE);
        directory.note(member(2), 3, HERE, now + SILENCE);
        assert_eq!(directory.processes(ReplicaId::of(2)), 0);
    }

    #[test]
    fn there_is_no_room_for_everyone_who_could_be_made_up() {
        let (mut directory, now) = (Directory::default(), Instant::now());
        for number in 0..2 * MOST as u64 {
            directory.note(member(number), 1, HERE, now);
        }
        assert_eq!(directory.present().count(), MOST);
        directory.note(member(0), 2, None, now);
        assert_eq!(directory.present().count(), MOST - 1);
    }
}
