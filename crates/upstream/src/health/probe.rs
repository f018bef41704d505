//! One question to one endpoint, on a connection of its own.

use switchyard_config::{self as config, Probe};
use switchyard_telemetry::labels::ProbeResult;
use tokio::time;

use super::{fetch, websocket};
use crate::endpoint::Endpoint;

/// Asks `endpoint` once. It takes no longer than the `timeout`, and a WebSocket's `pong_within` on top.
pub(super) async fn probe(health: &config::Health, endpoint: &Endpoint) -> ProbeResult {
    let connecting = endpoint.sources().connect(endpoint.address());
    let deadline = time::Instant::now() + health.timeout;
    let stream = match time::timeout_at(deadline, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(_)) => return ProbeResult::Connect,
        Err(_) => return ProbeResult::Timeout,
    };
    let asked = match &health.probe {
        Probe::Tcp => return ProbeResult::Ok,
        Probe::Http(probe) => fetch::ask(stream, probe, endpoint, deadline).await,
        Probe::WebSocket(probe) => websocket::ask(stream, probe, endpoint, deadline).await,
    };
    asked.err().unwrap_or(ProbeResult::Ok)
}
