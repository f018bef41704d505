//! Carries published messages between replicas: in memory, over Redis or over NATS.
//!
//! A [`Bus`] has bytes published under a [`Subject`], and gives its [`Sink`] what comes under those that are
//! followed. What the bytes say is `switchyard_push`'s. A bus that is gone costs nothing but its messages: publishing
//! fails at once, following is remembered and taken up again.

mod bus;
mod driver;
mod duty;
mod error;
mod history;
mod interest;
mod memory;
mod nats;
mod redis;
mod sink;
mod status;
mod subject;
#[cfg(test)]
mod testing;

pub use bus::{Bus, Kind, Reached};
pub use error::{BusError, PublishError};
pub use history::{Keep, MessageId, Missed, NoMessageId};
pub use sink::Sink;
pub use status::Status;
pub use subject::Subject;
