//! The same questions over HTTP/2, each as the only stream of a connection of its own.

use std::pin::pin;

use http::uri::Scheme;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::upgrade;
use switchyard_config::{HttpProbe, WebSocketProbe};
use switchyard_drain::Tasks;
use switchyard_telemetry::labels::ProbeResult;
use tokio::time::{self, Instant};

use super::{fetch, websocket};
use crate::body::Body;
use crate::endpoint::Endpoint;
use crate::http2::{self, Ready, translate};
use crate::stream::Stream;
use crate::substream::Substream;

/// A connection on which nothing has been said.
pub(super) struct Line<'a> {
    pub(super) stream: Stream,
    pub(super) tasks: &'a Tasks,
    pub(super) scheme: &'a Scheme,
}

impl Line<'_> {
    /// Has the head of the answer by `deadline`; its body is not read.
    pub(super) async fn fetch(
        self,
        probe: &HttpProbe,
        endpoint: &Endpoint,
        deadline: Instant,
    ) -> Result<(), ProbeResult> {
        let mut request = Request::new(nothing());
        fetch::head(&mut request, &probe.path, probe.host.as_ref(), endpoint)?;
        let request = translate::address(request, self.scheme.clone());
        let expected = probe.expect;
        self.while_it_runs(
            async move |mut ready| {
                let asking = time::timeout_at(deadline, ready.sender.send_request(request));
                match asking.await {
                    Ok(Ok(answer)) if answer.status().as_u16() == expected => Ok(()),
                    Ok(Ok(_)) => Err(ProbeResult::Status),
                    Ok(Err(_)) => Err(ProbeResult::Closed),
                    Err(_) => Err(ProbeResult::Timeout),
                }
            },
            deadline,
        )
        .await
    }

    /// Has a WebSocket by `deadline`, and then the Pong in time.
    pub(super) async fn ping(
        self,
        probe: &WebSocketProbe,
        endpoint: &Endpoint,
        deadline: Instant,
    ) -> Result<(), ProbeResult> {
        let request = websocket::handshake(probe, endpoint)?;
        let request = translate::connect(request, self.scheme.clone(), nothing());
        let pong_within = probe.pong_within;
        self.while_it_runs(
            async move |ready| {
                let opening = time::timeout_at(deadline, open(ready, request));
                let stream = opening.await.map_err(|_elapsed| ProbeResult::Timeout)??;
                match time::timeout(pong_within, websocket::ping(stream)).await {
                    Ok(pong) => pong,
                    Err(_elapsed) => Err(ProbeResult::Pong),
                }
            },
            deadline,
        )
        .await
    }

    /// Asks once the endpoint has said its settings. The connection ends with the answer.
    async fn while_it_runs(
        self,
        ask: impl AsyncFnOnce(Ready) -> Result<(), ProbeResult>,
        deadline: Instant,
    ) -> Result<(), ProbeResult> {
        let begun = http2::on(self.stream, 1, self.tasks).await;
        let (begun, driver) = begun.map_err(|_broken| ProbeResult::Closed)?;
        let mut driver = pin!(driver);
        let asking = async {
            let ready = time::timeout_at(deadline, begun.ready()).await;
            let ready = ready.map_err(|_elapsed| ProbeResult::Timeout)?;
            ask(ready.ok_or(ProbeResult::Handshake)?).await
        };
        tokio::select! {
            biased;
            asked = asking => asked,
            _ended = &mut driver => Err(ProbeResult::Closed),
        }
    }
}

async fn open(mut ready: Ready, request: Request<Body>) -> Result<Substream, ProbeResult> {
    if !ready.settings.extended_connect {
        return Err(ProbeResult::Handshake);
    }
    let answer = ready.sender.send_request(request).await;
    let mut answer = answer.map_err(|_broken| ProbeResult::Closed)?;
    if answer.status() != StatusCode::OK {
        return Err(ProbeResult::Status);
    }
    let upgraded = upgrade::on(&mut answer).await;
    upgraded
        .map(Substream::new)
        .map_err(|_broken| ProbeResult::Closed)
}

fn nothing() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}
