//! The bus over NATS: one connection, with one subscription for each channel that is followed.
//!
//! - [`Follower`](follower::Follower) keeps the connection and reports what comes; [`Carrier`](carrier::Carrier) publishes.
//! - [`Sequence`](sequence::Sequence): what comes from the stream, in the order of the stream.
//! - [`Subjects`](subjects::Subjects): how everything is named there.
//! - [`History`](history::History): what is kept, in a stream of `JetStream`.
//!
//! All that comes on one subject comes in the order in which it was published. Not here: what a message says.

mod backoff;
mod carrier;
mod echo;
mod events;
mod followed;
mod follower;
mod history;
mod link;
mod sequence;
mod serving;
mod settings;
mod subjects;
mod tls;

use std::sync::Arc;

use switchyard_config as config;

use crate::driver::Remote;
use crate::error::BusError;
use crate::sink::Sink;

pub(crate) use carrier::Carrier;
use follower::Follower;
use link::Slot;
use settings::Settings;
use subjects::Subjects;

/// Connects in the background and never gives up.
pub(crate) fn start(
    config: &config::Nats,
    replica: &str,
    sink: Arc<dyn Sink>,
) -> Result<Remote<Carrier>, BusError> {
    let subjects = Arc::new(Subjects::new(&config.prefix, replica));
    let settings = Settings::new(config, &subjects)?;
    let slot = Slot::default();
    let carrier = Carrier::new(slot.clone(), Arc::clone(&subjects));
    let follower = Follower::new(settings, subjects, slot);
    let timeout = config.link.timeout;
    Ok(Remote::start(carrier, replica, sink, timeout, |duty| {
        follower.run(duty)
    }))
}
