//! One question to one endpoint, on a connection of its own.

use http::uri::Scheme;
use switchyard_config::{self as config, Probe};
use switchyard_drain::Tasks;
use switchyard_telemetry::labels::ProbeResult;
use switchyard_tls::Application;
use tokio::io::AsyncWriteExt as _;
use tokio::time;

use super::http2::Line;
use super::{fetch, websocket};
use crate::cluster::Cluster;
use crate::dial;
use crate::endpoint::Endpoint;
use crate::stream::Stream;
use crate::tcp::Told;
use crate::tls::NoTls;

/// What endpoints are asked in.
#[derive(Debug, Clone)]
pub(crate) enum Speech {
    Http1,
    /// Tasks of a connection, and what targets begin with.
    Http2(Tasks, Scheme),
}

impl Speech {
    /// What the endpoints of `cluster` are spoken to in.
    pub(crate) fn of(cluster: &Cluster, tasks: &Tasks) -> Self {
        match cluster.http2() {
            Some(_) => Self::Http2(tasks.clone(), cluster.scheme()),
            None => Self::Http1,
        }
    }

    fn application(&self) -> Application {
        match self {
            Self::Http1 => Application::Http1,
            Self::Http2(..) => Application::Http2,
        }
    }
}

/// How all endpoints of a cluster are asked.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) speech: Speech,
    /// What a connection begins with.
    pub(crate) preface: Vec<u8>,
}

/// Asks `endpoint` once. It takes no longer than the `timeout`, and a WebSocket's `pong_within` on top.
pub(super) async fn probe(
    health: &config::Health,
    endpoint: &Endpoint,
    asking: &Asking,
) -> ProbeResult {
    let Asking { speech, preface } = asking;
    let connecting = endpoint.sources().connect(endpoint.address(), Told::AtOnce);
    let deadline = time::Instant::now() + health.timeout;
    let Ok(connected) = time::timeout_at(deadline, connecting).await else {
        return ProbeResult::Timeout;
    };
    let Ok(tcp) = connected.and_then(|tcp| dial::introduce(tcp, preface)) else {
        return ProbeResult::Connect;
    };
    let stream = match endpoint.secure(tcp, deadline, speech.application()).await {
        Ok(stream) => stream,
        Err(NoTls::Late) => return ProbeResult::Timeout,
        Err(NoTls::Failed(_) | NoTls::NoHttp2) => return ProbeResult::Tls,
    };
    let asked = match (&health.probe, speech) {
        (Probe::Tcp, _) => take_leave(stream, deadline).await,
        (Probe::Http(probe), Speech::Http1) => fetch::ask(stream, probe, endpoint, deadline).await,
        (Probe::WebSocket(probe), Speech::Http1) => {
            websocket::ask(stream, probe, endpoint, deadline).await
        }
        (Probe::Http(probe), Speech::Http2(tasks, scheme)) => {
            let line = Line {
                stream,
                tasks,
                scheme,
            };
            line.fetch(probe, endpoint, deadline).await
        }
        (Probe::WebSocket(probe), Speech::Http2(tasks, scheme)) => {
            let line = Line {
                stream,
                tasks,
                scheme,
            };
            line.ping(probe, endpoint, deadline).await
        }
    };
    asked.err().unwrap_or(ProbeResult::Ok)
}

/// It has shown that it is there; how it takes the end of the connection does not matter.
async fn take_leave(mut stream: Stream, deadline: time::Instant) -> Result<(), ProbeResult> {
    drop(time::timeout_at(deadline, stream.shutdown()).await);
    Ok(())
}
