//! Starts what is published to sessions with: the bus, and the subscriptions of all workers.

use switchyard_config::{Bus, Config};
use switchyard_push::{Parts, Push, ReplicaId};
use switchyard_telemetry::Metrics;
use switchyard_telemetry::labels::BusKind;

use crate::error::StartError;

/// Connects to the bus in the background, on the control runtime. `replica` is the name that sessions of a process before
/// this one go by, if there are any.
pub(crate) fn start(
    config: &Config,
    replica: Option<ReplicaId>,
    workers: usize,
    metrics: &Metrics,
) -> Result<Push, StartError> {
    let replica = match replica {
        Some(replica) => replica,
        None => ReplicaId::draw()?,
    };
    let kind = kind(&config.bus);
    Ok(Push::start(Parts {
        replica,
        bus: &config.bus,
        push: config.push.clone(),
        workers,
        push_metrics: metrics.push(kind)?,
        bus_metrics: metrics.bus(kind)?,
    })?)
}

fn kind(bus: &Bus) -> BusKind {
    match bus {
        Bus::Memory => BusKind::Memory,
        Bus::Redis(_) => BusKind::Redis,
        Bus::Nats(_) => BusKind::Nats,
    }
}
