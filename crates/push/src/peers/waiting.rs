//! What this replica asked others and waits to hear of.

use std::collections::BTreeMap;
use std::time::Instant;

use super::directory::Directory;
use super::wire::{Answer, Member};
use super::{Outcome, To};

/// How many may wait at once, and how many may answer one.
pub(super) const MOST: usize = 4096;

/// All that is waited for, by number. `T` is whoever waits.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    entries: BTreeMap<u64, Entry<T>>,
    next: u64,
}

#[derive(Debug)]
struct Entry<T> {
    ticket: T,
    to: To,
    until: Instant,
    answers: Vec<(Member, Answer)>,
    /// Nobody was there to hear it.
    is_unheard: bool,
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            next: 1,
        }
    }
}

impl<T> Waiting<T> {
    /// Waits for what comes of something, under a number. Gives the ticket back where there is no room.
    pub(super) fn enter(&mut self, ticket: T, to: To, until: Instant) -> Result<u64, T> {
        if self.entries.len() >= MOST {
            return Err(ticket);
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        let entry = Entry {
            ticket,
            to,
            until,
            answers: Vec::new(),
            is_unheard: false,
        };
        self.entries.insert(id, entry);
        Ok(id)
    }

    /// Someone answers. What nobody waits for, and what comes twice or from another than was asked, is not heard.
    pub(super) fn answer(&mut self, id: u64, from: Member, answer: Answer) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let is_asked = match entry.to {
            To::All => true,
            To::One(replica) => replica == from.replica,
        };
        let has_answered = entry.answers.iter().any(|(it, _)| *it == from);
        if is_asked && !has_answered && entry.answers.len() < MOST {
            entry.answers.push((from, answer));
        }
    }

    /// Whom something was asked of that is waited for.
    pub(super) fn asked(&self, id: u64) -> Option<To> {
        self.entries.get(&id).map(|entry| entry.to)
    }

    /// Nobody was there to hear it.
    pub(super) fn miss(&mut self, id: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.is_unheard = true;
        }
    }

    /// It could not be published.
    pub(super) fn fail(&mut self, id: u64) -> Option<T> {
        self.entries.remove(&id).map(|entry| entry.ticket)
    }

    /// Takes out what nobody has to wait for any longer, with what came of it.
    pub(super) fn take_done(
        &mut self,
        me: Member,
        directory: &Directory,
        now: Instant,
    ) -> Vec<(T, Outcome)> {
        let is_done = |_: &u64, entry: &mut Entry<T>| entry.is_done(me, directory, now);
        let done = self.entries.extract_if(.., is_done);
        done.map(|(_, entry)| {
            (
                entry.ticket,
                outcome(entry.to, entry.answers, entry.is_unheard),
            )
        })
        .collect()
    }

    /// When the first has waited long enough.
    pub(super) fn first_until(&self) -> Option<Instant> {
        self.entries.values().map(|entry| entry.until).min()
    }
}

impl<T> Entry<T> {
    fn is_done(&self, me: Member, directory: &Directory, now: Instant) -> bool {
        if now >= self.until || self.is_unheard {
            return true;
        }
        let has_answered = |member: Member| self.answers.iter().any(|(it, _)| *it == member);
        let mut others = directory.present().map(|(member, _)| member);
        match self.to {
            To::All => others.filter(|it| *it != me).all(has_answered),
            To::One(replica) => {
                // Another process of it may have what this one has not.
                let is_found = self.answers.iter().any(|(_, it)| *it != Answer::Gone);
                let is_heard = !self.answers.is_empty();
                let mut of_it = others
                    .by_ref()
                    .filter(|it| it.replica == replica && *it != me);
                is_found || (is_heard && of_it.all(has_answered))
            }
        }
    }
}

fn outcome(to: To, answers: Vec<(Member, Answer)>, is_unheard: bool) -> Outcome {
    if to == To::All {
        return Outcome::All(answers);
    }
    let has_gone = is_unheard || !answers.is_empty();
    let mut found = answers.into_iter().map(|(_, answer)| answer);
    match found.find(|answer| *answer != Answer::Gone) {
        Some(answer) => Outcome::One(answer),
        None if has_gone => Outcome::One(Answer::Gone),
        None => Outcome::Silent,
    }
}
