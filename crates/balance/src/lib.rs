//! Who gets the session: pure functions over keys, weights and counts.
//!
//! Each balancer gives the members of a cluster in the order in which one handshake should try
//! them: the first is its choice, the others are where it goes when that one fails. Nothing here
//! has a clock, a socket, state or randomness of its own; whatever a choice depends on is handed
//! in, so that two replicas that are handed the same choose the same.
//!
//! - [`rendezvous`], [`maglev`]: the order follows from the affinity alone.
//! - [`bounded`]: how many sessions a member may have before its keys go on to the next.
//! - [`least_sessions`], [`round_robin`], [`random`]: the order follows from the moment.
//! - [`split`]: which cluster of a weighted split, before any of the above.
//! - [`HashKey`], [`Affinity`], [`Member`], [`EndpointToken`]: what they are made from.
//!
//! Not here: which endpoints there are, and whether they are healthy.

pub mod bounded;
mod key;
pub mod least_sessions;
mod log2;
pub mod maglev;
mod member;
mod race;
pub mod random;
pub mod rendezvous;
pub mod round_robin;
pub mod split;
mod token;

pub use key::{Affinity, HashKey};
pub use member::Member;
pub use token::EndpointToken;

#[cfg(test)]
mod testing;
