//! Which messages of its channel a session has had. Messages are numbered over all channels, which take turns.

use anyhow::{Result, ensure};

pub(super) struct Ledger {
    /// The next that is to come.
    next: u64,
    /// From one message of the channel to the next: the number of channels.
    step: u64,
    /// Those that have not come when one after them did.
    skipped: Vec<u64>,
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// After those before it that have come at all.
    InOrder,
    /// After one that was published later.
    Late,
    /// Once more.
    Again,
}

impl Ledger {
    /// Of one of so many channels.
    pub(super) fn new(channel: usize, channels: usize) -> Self {
        Self {
            next: channel as u64,
            step: channels as u64,
            skipped: Vec::new(),
        }
    }

    /// Notes one. An error if it is not of this channel.
    pub(super) fn note(&mut self, number: u64) -> Result<Came> {
        ensure!(
            number % self.step == self.next % self.step,
            "message {number} is of another channel"
        );
        if number >= self.next {
            while self.next < number {
                self.skipped.push(self.next);
                self.next += self.step;
            }
            self.next += self.step;
            return Ok(Came::InOrder);
        }
        let skipped = self.skipped.iter().position(|skipped| *skipped == number);
        Ok(match skipped {
            Some(at) => {
                self.skipped.swap_remove(at);
                Came::Late
            }
            None => Came::Again,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_once_and_in_order_is_well() {
        let mut ledger = Ledger::new(2, 3);
        for number in [2, 5, 8, 11] {
            assert_eq!(ledger.note(number).unwrap(), Came::InOrder);
        }
        assert!(ledger.note(15).is_err());
    }

    #[test]
    fn late_is_not_again() {
        let mut ledger = Ledger::new(0, 1);
        let came: Vec<Came> = [0, 3, 1, 1, 0, 3, 4, 2, 2]
            .map(|number| ledger.note(number).unwrap())
            .into();
        let (fine, late, again) = (Came::InOrder, Came::Late, Came::Again);
        assert_eq!(
            came,
            [fine, fine, late, again, again, again, fine, late, again]
        );
    }
}
