//! One question to one endpoint, on a connection of its own.

use switchyard_config::{self as config, Probe};
use switchyard_telemetry::labels::ProbeResult;
use tokio::io::AsyncWriteExt as _;
use tokio::time;

use super::{fetch, websocket};
use crate::endpoint::Endpoint;
use crate::stream::Stream;
use crate::tls::NoTls;

/// Asks `endpoint` once. It takes no longer than the `timeout`, and a WebSocket's `pong_within` on top.
pub(super) async fn probe(health: &config::Health, endpoint: &Endpoint) -> ProbeResult {
    let connecting = endpoint.sources().connect(endpoint.address());
    let deadline = time::Instant::now() + health.timeout;
    let tcp = match time::timeout_at(deadline, connecting).await {
        Ok(Ok(tcp)) => tcp,
        Ok(Err(_)) => return ProbeResult::Connect,
        Err(_) => return ProbeResult::Timeout,
    };
    let stream = match endpoint.secure(tcp, deadline).await {
        Ok(stream) => stream,
        Err(NoTls::Late) => return ProbeResult::Timeout,
        Err(NoTls::Failed(_)) => return ProbeResult::Tls,
    };
    let asked = match &health.probe {
        Probe::Tcp => take_leave(stream, deadline).await,
        Probe::Http(probe) => fetch::ask(stream, probe, endpoint, deadline).await,
        Probe::WebSocket(probe) => websocket::ask(stream, probe, endpoint, deadline).await,
    };
    asked.err().unwrap_or(ProbeResult::Ok)
}

/// It has shown that it is there; how it takes the end of the connection does not matter.
async fn take_leave(mut stream: Stream, deadline: time::Instant) -> Result<(), ProbeResult> {
    drop(time::timeout_at(deadline, stream.shutdown()).await);
    Ok(())
}
