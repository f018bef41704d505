//! Whether the bus is there.

use std::time::Instant;

/// Whether the bus is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is, and everything is followed.
    Connected,
    /// It has not been since then.
    Gone(Instant),
}
