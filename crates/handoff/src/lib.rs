//! Open sockets from one process to the one that takes its place.
//!
//! The two have a socket pair between them. [`Giver`] and [`Taker`] are the two ends of one conversation:
//!
//! ```text
//! taker                            giver
//!   hello: what it understands  ->
//!                               <- hello, or no version in common
//!                               <- the listening sockets, by name
//!   ready                       ->
//!                               <- a batch: records, and the connections they are of   (again and again)
//!   parked: which of them       ->
//!                               <- go: these are yours
//!                               <- finish: accept from now on
//!   serving                     ->
//!                               <- batches as before, for what came meanwhile
//!                               <- done
//! ```
//!
//! Until *go* the giver can take a batch back by saying nothing more, or that it gives up; the taker
//! touches nothing before. If the giver is gone without a word, the taker goes on with what it has: nobody
//! else does. Everything is answered within a time that the caller says.
//!
//! Not here: what is in a record, whose the sockets are, and what becomes of those that stay.

mod channel;
mod error;
mod giver;
mod message;
mod packet;
mod taker;

#[cfg(test)]
mod tests;

pub use channel::{Channel, MOST_DESCRIPTORS};
pub use error::Error;
pub use giver::Giver;
pub use message::{Identity, LONGEST};
pub use taker::{Batch, Inheritance, Step, Taker};
