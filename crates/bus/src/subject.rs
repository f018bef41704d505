//! What messages are published under.

use arcstr::ArcStr;

/// What a message is published under. Each kind of bus has its own way to write it; see docs/push.md.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A channel that sessions subscribe to; a name of 1 to 255 bytes without white space and control characters.
    Channel(ArcStr),
    /// Every replica.
    Replicas,
    /// One replica, by its name: lower-case letters and digits.
    Replica(ArcStr),
    /// Whoever wants to know of sessions; no gateway follows it.
    Events,
}
