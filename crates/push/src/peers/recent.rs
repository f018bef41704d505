//! What was asked lately, so that what comes twice is done once.

use std::collections::{HashMap, VecDeque};

use super::wire::{Answer, Member};

/// How much is remembered.
const MOST: usize = 4096;

/// Asked by whom, under which number.
pub(super) type Key = (Member, u64);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Recent {
    answers: HashMap<Key, Option<Answer>>,
    /// The oldest first.
    order: VecDeque<Key>,
}

/// Whether something was asked before.
#[derive(Debug, PartialEq)]
pub(super) enum Before {
    /// No.
    Never,
    /// It is being done.
    UnderWay,
    /// It was done, with this answer.
    Answered(Answer),
}

impl Recent {
    /// Notes that this was asked, and says whether it was before.
    pub(super) fn ask(&mut self, key: Key) -> Before {
        match self.answers.get(&key) {
            Some(Some(answer)) => return Before::Answered(answer.clone()),
            Some(None) => return Before::UnderWay,
            None => {}
        }
        if self.order.len() >= MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
        self.order.push_back(key);
        self.answers.insert(key, None);
        Before::Never
    }

    /// Notes what came of it.
    pub(super) fn answer(&mut self, key: Key, answer: &Answer) {
        if let Some(known) = self.answers.get_mut(&key) {
            *known = Some(answer.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ReplicaId;

    #[test]
    fn what_comes_twice_is_done_once() {
        let (mut recent, asker) = (Recent::default(), |process| Member {
            replica: ReplicaId::of(1),
            process,
        });
        assert_eq!(recent.ask((asker(1), 1)), Before::Never);
        assert_eq!(recent.ask((asker(1), 1)), Before::UnderWay);
        recent.answer((asker(1), 1), &Answer::Full);
        assert_eq!(recent.ask((asker(1), 1)), Before::Answered(Answer::Full));
        assert_eq!(recent.ask((asker(2), 1)), Before::Never);
        for id in 2..=1 + MOST as u64 {
            recent.ask((asker(1), id));
        }
        assert_eq!(recent.answers.len(), MOST);
        assert_eq!(recent.ask((asker(1), 1)), Before::Never);
        assert_eq!((recent.answers.len(), recent.order.len()), (MOST, MOST));
    }
}
