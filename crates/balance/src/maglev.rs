//! Maglev hashing: the order follows from the affinity, and the owner is looked up in a table.
//!
//! It is for clusters of many hundreds, where a hash a member for each handshake is too much. The
//! price is that when a member comes or goes, some keys of other members move too: under 1 % of them
//! in a table with a hundred slots a member. Two replicas with the same key and members have the same
//! table, however they list the members.
//!
//! The table is filled in turns, as in the paper ("Maglev: A Fast and Reliable Software Network Load
//! Balancer", NSDI 2016, section 3.4): each member has a permutation of the slots of its own, and takes
//! the first of it that is free when it is its turn; a heavier member has more turns.
//!
//! Not here: load, and which members there are.

use std::hash::Hasher;
use std::iter;
use std::sync::Arc;

use crate::key::{Affinity, HashKey};
use crate::member::Member;

/// The slots of tables: primes far from one another. A table of another size gives nearly every key
/// another owner, so that a cluster must not get one whenever a member comes or goes.
const SIZES: [usize; 3] = [65_537, 655_373, 6_553_733];

/// Slots a member, at least, in all but the largest.
const SLOTS_PER_MEMBER: usize = 100;

/// Draws that are made to find the members behind the owner: of equal ones in large clusters, one in
/// three thousand is not found by them.
const DRAWS_PER_MEMBER: usize = 8;

/// Who owns which hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Indices of members; none only where there are no members.
    slots: Arc<[u32]>,
    members: usize,
}

impl Table {
    /// The table of `members`. It has 4 bytes a slot: 65,537 of them for up to 655 members, 655,373 for
    /// up to 6,553, and 6,553,733 for more.
    pub fn new(key: &HashKey, members: &[Member]) -> Self {
        Self::with_slots(key, members, size_for(members.len()))
    }

    fn with_slots(key: &HashKey, members: &[Member], size: usize) -> Self {
        let mut free = size;
        let mut slots = vec![FREE; size];
        let mut walkers = walkers(key, members, size as u64);
        let heaviest = walkers.iter().map(|walker| walker.weight).max();
        let heaviest = heaviest.unwrap_or(0);
        let mut round = 0;
        while free > 0 && !walkers.is_empty() {
            round += 1;
            for walker in &mut walkers {
                if free > 0 && walker.has_turn(round, heaviest) {
                    walker.take(&mut slots);
                    free -= 1;
                }
            }
        }
        Self {
            slots: slots.into(),
            members: members.len(),
        }
    }

    /// The indices of all members, the owner of `affinity` first. The order behind it is that of further
    /// draws from the slots, made only as far as it is asked for, so that it goes by weight as the slots
    /// do; whom these have not found comes after, and last who is too light for a slot.
    pub fn order(&self, key: &HashKey, affinity: Affinity) -> impl Iterator<Item = usize> + use<> {
        let mut keyed = key.hasher(b'g');
        keyed.write(&affinity.to_bytes());
        let draws = 0..self.members.saturating_mul(DRAWS_PER_MEMBER) as u64;
        let size = self.slots.len();
        let hits = draws.map(move |draw| {
            let mut hasher = keyed;
            hasher.write(&draw.to_le_bytes());
            let (_, slot) = (size as u64).carrying_mul(hasher.finish(), 0);
            usize::try_from(slot).unwrap_or(0)
        });
        let slots = Arc::clone(&self.slots);
        let found = hits
            .chain(0..size)
            .filter_map(move |slot| Some(*slots.get(slot)? as usize));
        distinct(found.chain(0..self.members), self.members)
    }
}

/// A slot that nobody has taken.
const FREE: u32 = u32::MAX;

/// Each index below `count` when it comes first.
fn distinct(indices: impl Iterator<Item = usize>, count: usize) -> impl Iterator<Item = usize> {
    let (mut first, mut left) = (None, count);
    // The first comes without this: nearly always it is the only one that is asked for.
    let mut seen = Vec::new();
    let mut indices = indices.filter(move |index| *index < count);
    iter::from_fn(move || {
        left = left.checked_sub(1)?;
        let Some(owner) = first else {
            first = indices.next();
            return first;
        };
        if seen.is_empty() {
            seen.resize(count, false);
            mark(&mut seen, owner);
        }
        indices.find(|index| mark(&mut seen, *index))
    })
}

/// Whether `index` had not been marked.
fn mark(seen: &mut [bool], index: usize) -> bool {
    let seen = seen.get_mut(index);
    seen.is_some_and(|seen| !std::mem::replace(seen, true))
}

/// A member on its way through its permutation of the slots.
struct Walker {
    index: u32,
    weight: u64,
    turns: u64,
    place: u64,
    step: u64,
    size: u64,
}

/// All members by identity, so that how they are listed makes no difference.
fn walkers(key: &HashKey, members: &[Member], size: u64) -> Vec<Walker> {
    let mut members: Vec<_> = (0..).zip(members).collect();
    members.sort_by_key(|(_, member)| (member.hash(), member.weight()));
    let draw = |member: &Member, which: u8| {
        let mut hasher = key.hasher(b't');
        hasher.write(&[which]);
        hasher.write(&member.hash().to_le_bytes());
        hasher.finish()
    };
    let walker = |(index, member): (u32, &Member)| Walker {
        index,
        weight: u64::from(member.weight().get()),
        turns: 0,
        place: draw(member, 0).checked_rem(size).unwrap_or(0),
        step: 1 + draw(member, 1).checked_rem(size - 1).unwrap_or(0),
        size,
    };
    members.into_iter().map(walker).collect()
}

impl Walker {
    /// Whether it may take one more in this round: the heaviest may in each.
    fn has_turn(&mut self, round: u64, heaviest: u64) -> bool {
        let due = round.saturating_mul(self.weight) >= (self.turns + 1).saturating_mul(heaviest);
        self.turns += u64::from(due);
        due
    }

    /// Takes the next slot that is free; there is one.
    fn take(&mut self, slots: &mut [u32]) {
        for _ in 0..self.size {
            let place = usize::try_from(self.place).unwrap_or(0);
            self.place = (self.place + self.step).checked_rem(self.size).unwrap_or(0);
            if let Some(slot) = slots.get_mut(place)
                && *slot == FREE
            {
                *slot = self.index;
                return;
            }
        }
    }
}

/// The slots of the table of so many members.
fn size_for(members: usize) -> usize {
    let wanted = members.saturating_mul(SLOTS_PER_MEMBER);
    let [small, large, largest] = SIZES;
    match wanted {
        _ if wanted <= small => small,
        _ if wanted <= large => large,
        _ => largest,
    }
}

#[cfg(test)]
mod tests;
