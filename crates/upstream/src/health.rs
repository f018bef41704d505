//! Active health: every endpoint is asked, again and again, whether it works.
//!
//! One task an endpoint, whatever the number of workers. The first answer decides at once; after that
//! it takes several in a row that say otherwise. The wait between two probes is spread, so that
//! replicas and endpoints do not keep step.
//!
//! Not here: what is asked (`probe`), and what becomes of an unhealthy endpoint (`ranking`).

mod fetch;
mod http2;
mod probe;
mod row;
mod websocket;

use std::sync::{Arc, Weak};
use std::time::Duration;

use switchyard_config as config;
use switchyard_telemetry::labels::ProbeResult;
use tokio::time;

use crate::cluster::Cluster;
use crate::endpoint::Endpoint;
use crate::health::row::{Row, Turn};

pub(crate) use probe::{Asking, Speech};

/// The first probes of a process are spread over this, or over the interval where that is shorter.
const FIRST_WITHIN: Duration = Duration::from_secs(1);

/// Whether an endpoint works, as far as probes can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Nobody has asked, or nobody asks.
    Unknown,
    /// It does.
    Up,
    /// It does not.
    Down,
}

/// Probes `endpoint` for as long as it is one of `cluster`; each probe's connection begins with `preface`.
pub(crate) async fn watch(
    cluster: Weak<Cluster>,
    endpoint: Weak<Endpoint>,
    health: Arc<config::Health>,
    asking: Asking,
) {
    let mut row = Row::new(health.unhealthy_after, health.healthy_after);
    time::sleep(fraction(FIRST_WITHIN.min(health.interval))).await;
    loop {
        let Some(endpoint) = still_there(&cluster, &endpoint) else {
            return;
        };
        let result = probe::probe(&health, &endpoint, &asking).await;
        tell(&endpoint, result, row.add(result));
        drop(endpoint);
        time::sleep(spread(health.interval)).await;
    }
}

/// The endpoint, while it is one of its cluster.
fn still_there(cluster: &Weak<Cluster>, endpoint: &Weak<Endpoint>) -> Option<Arc<Endpoint>> {
    let (cluster, endpoint) = (cluster.upgrade()?, endpoint.upgrade()?);
    cluster.has(&endpoint).then_some(endpoint)
}

fn tell(endpoint: &Endpoint, result: ProbeResult, turn: Option<Turn>) {
    endpoint.metrics().probed(result);
    let name = endpoint.name();
    let result = result.as_str();
    match turn {
        None => tracing::debug!(endpoint = %name, result, "probed"),
        Some(Turn::Up) => {
            endpoint.set_health(Health::Up);
            tracing::info!(endpoint = %name, "healthy");
        }
        Some(Turn::Down) => {
            endpoint.set_health(Health::Down);
            tracing::warn!(endpoint = %name, result, "unhealthy: it gets no new sessions");
        }
    }
}

/// From nine tenths of `interval` to eleven.
fn spread(interval: Duration) -> Duration {
    interval / 10 * 9 + fraction(interval / 5)
}

/// A part of `whole`, by chance. Without randomness from the system the whole of it: probes that keep
/// step are better than none.
fn fraction(whole: Duration) -> Duration {
    let parts = getrandom::u32().map_or(whole, |random| {
        whole.mul_f64(f64::from(random) / f64::from(u32::MAX))
    });
    parts.min(whole)
}

#[cfg(test)]
mod tests;
