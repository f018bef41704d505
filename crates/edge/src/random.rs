//! The random numbers of one worker: unguessable, without a system call each.

use std::hash::Hasher;
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip::SipHasher13;

/// SipHash-1-3 of a counter, under a key that the system made.
#[derive(Debug)]
pub(crate) struct Random {
    keyed: SipHasher13,
    counter: AtomicU64,
}

impl Random {
    /// # Errors
    /// The system has no randomness to give.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 16];
        getrandom::fill(&mut key)?;
        Ok(Self {
            keyed: SipHasher13::new_with_key(&key),
            counter: AtomicU64::new(0),
        })
    }

    pub(crate) fn next(&self) -> u64 {
        let mut hasher = self.keyed;
        hasher.write_u64(self.counter.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }

    pub(crate) fn next_wide(&self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_number_comes_twice() {
        let (one, other) = (Random::new().unwrap(), Random::new().unwrap());
        let numbers: HashSet<u64> = (0..1_000)
            .flat_map(|_| [one.next(), other.next()])
            .collect();
        assert_eq!(numbers.len(), 2_000);
        assert_ne!(one.next_wide(), one.next_wide());
    }
}
