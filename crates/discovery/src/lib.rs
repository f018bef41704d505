//! Who is in a cluster: sources of endpoints that are followed as they change.
//!
//! A source is a future that runs until its updates are no longer wanted. It tells everyone that it
//! found each time that changes, and tells a failure as such, so that whoever listens can keep the
//! last good answer: a source never tells an empty set because it could not ask.
//!
//! Not here: what becomes of the sessions of an endpoint that has left.

pub mod dns;
mod error;
mod found;
pub mod kubernetes;

pub use error::Error;
pub use found::{Found, Stance, Update, Updates};
