//! What a listener's TLS is made of, replaced when its files change.
//!
//! Each pair of a certificate and its key stands for itself, and so does every other file: what
//! cannot be used leaves what was there before, and stops nothing else. Not here: what can be wrong
//! with a file, and what is said about it.

use switchyard_config as config;
use switchyard_tls::{self as tls, Acceptor, TicketSecret, UnixTime};

use super::followed::Followed;
use super::load;
use super::pair::Pair;

/// What a listener works with, and the files it came from.
pub(super) struct Material {
    pub(super) acceptor: Acceptor,
    pub(super) pairs: Vec<Pair>,
    pub(super) ticket_key: Option<Followed<config::TicketKey>>,
    pub(super) client_ca: Option<Followed<config::ClientCa>>,
}

impl Material {
    /// Looks at the files, and uses what can be used of those that have changed. Reads files: not
    /// for the runtime's own threads.
    pub(super) fn look(&mut self, now: UnixTime) {
        self.look_at_pairs(now);
        self.look_at_ticket_key();
        self.look_at_client_ca();
    }

    fn look_at_client_ca(&mut self) {
        let Some(ca) = &mut self.client_ca else {
            return;
        };
        if ca.look() {
            let authority = load::authority(ca.files());
            match authority.and_then(|it| self.acceptor.ask(&it)) {
                Ok(()) => ca.succeeded(),
                Err(error) => ca.failed(&error),
            }
        }
    }

    fn look_at_ticket_key(&mut self) {
        let Some(key) = &mut self.ticket_key else {
            return;
        };
        if key.look() {
            let secret = TicketSecret::of(key.files().file.content.expose());
            self.acceptor.seal_with(secret);
            key.succeeded();
        }
    }

    fn look_at_pairs(&mut self, now: UnixTime) {
        let mut changed = false;
        for pair in &mut self.pairs {
            changed |= pair.look(now);
        }
        if changed {
            self.settle();
        }
        for pair in &mut self.pairs {
            pair.tell_when_it_expires(now);
        }
    }

    /// Shows what waits: all of it, or else one after the other as far as they get along. One whose
    /// names leave none to another waits until others change.
    fn settle(&mut self) {
        if self.show(|_| true).is_ok() {
            return;
        }
        while self.show_any() {}
        for index in 0..self.pairs.len() {
            let refused = self.show(|it| it == index);
            if let (Err(error), Some(pair)) = (refused, self.pairs.get_mut(index)) {
                pair.refused(&error);
            }
        }
    }

    /// Shows the first that waits and can be shown; whether there was one.
    fn show_any(&mut self) -> bool {
        (0..self.pairs.len()).any(|index| matches!(self.show(|it| it == index), Ok(1..)))
    }

    /// Shows what waits of the pairs that are `meant`; how many there were.
    fn show(&mut self, meant: impl Fn(usize) -> bool) -> Result<usize, tls::Error> {
        let pairs = self.pairs.iter().enumerate();
        let next = pairs.map(|(index, pair)| pair.identity(meant(index)).clone());
        self.acceptor.show(&next.collect::<Vec<_>>())?;
        let pairs = self.pairs.iter_mut().enumerate();
        let adopted = pairs.filter(|(index, _)| meant(*index));
        Ok(adopted.filter_map(|(_, pair)| pair.adopt()).count())
    }
}
