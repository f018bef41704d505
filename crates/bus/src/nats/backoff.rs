//! How long to wait before the servers are tried again.

use std::time::Duration;

/// At most before the second try.
const FIRST: Duration = Duration::from_millis(100);

/// At most before any.
const LAST: Duration = Duration::from_secs(5);

/// Twice as long each time, and each replica another part of it, so that they do not all come at once.
pub(super) struct Backoff {
    ceiling: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { ceiling: FIRST }
    }

    /// From half the ceiling to all of it.
    pub(super) fn next(&mut self) -> Duration {
        let ceiling = self.ceiling;
        self.ceiling = (ceiling * 2).min(LAST);
        // Without randomness the replicas come at once; they come.
        let random = getrandom::u32().unwrap_or(u32::MAX);
        let part = f64::from(random) / f64::from(u32::MAX);
        ceiling.mul_f64(0.5 + part / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_to_its_limit() {
        let mut backoff = Backoff::new();
        let first = backoff.next();
        assert!((FIRST / 2..=FIRST).contains(&first), "{first:?}");
        let later = (0..20).map(|_| backoff.next()).last().unwrap();
        assert!((LAST / 2..=LAST).contains(&later), "{later:?}");
    }
}
