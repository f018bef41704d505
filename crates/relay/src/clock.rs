//! The time, as the session machine is given it. Not the time of day.

pub(crate) mod timekeeper;

use std::time::Instant;

/// Now, on the runtime's clock: the same as [`Instant::now`] unless a test has paused it.
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
