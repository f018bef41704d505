//! Channels, who is subscribed to them, and the way of a message to every subscriber.
//!
//! [`Hub`] has the subscriptions of the process and gives each message to the workers that have subscribers; the [`Desk`] of
//! a worker hands it to them, and a session writes it when its turn comes.
//!
//! Not here: what carries messages between replicas (`switchyard_bus`), and how a message gets between the frames of a
//! session (`switchyard_relay`).

mod book;
mod census;
mod channel;
mod desk;
mod directory;
mod duplicates;
mod envelope;
mod events;
mod exchange;
mod fault;
mod gate;
mod history;
mod hub;
mod intake;
mod local;
mod members;
mod name;
mod peers;
mod places;
mod push;
mod sink;
#[cfg(test)]
mod testing;

pub use census::Census;
pub use channel::{ChannelName, NoChannel};
pub use desk::Desk;
pub use duplicates::Duplicates;
pub use envelope::{Envelope, Malformed};
pub use events::{Ended, Events};
pub use fault::Fault;
pub use history::Resume;
pub use hub::{Hub, Interest, TooMany};
pub use intake::{Intake, Taken};
pub use local::{Describe, Describing};
pub use name::{NoSessionName, ReplicaId, SessionName};
pub use push::{Parts, Payload, Published, Push, StartError};
