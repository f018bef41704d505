//! The HTTP probe: one `GET`, and the status that is expected.

use arcstr::ArcStr;
use bytes::Bytes;
use http::header::{CONNECTION, HOST, USER_AGENT};
use http::{HeaderValue, Request};
use http_body_util::Empty;
use switchyard_config::{HeaderCase, HttpProbe};
use switchyard_telemetry::labels::ProbeResult;
use tokio::time::{self, Instant};

use crate::endpoint::Endpoint;
use crate::http1;
use crate::stream::Stream;

/// By which endpoints know probes in their logs.
pub(super) const AGENT: &str = concat!("switchyard-probe/", env!("CARGO_PKG_VERSION"));

/// Has the head of the answer by `deadline`; its body is not read.
pub(super) async fn ask(
    stream: Stream,
    probe: &HttpProbe,
    endpoint: &Endpoint,
    deadline: Instant,
) -> Result<(), ProbeResult> {
    let mut request = Request::new(Empty::<Bytes>::new());
    head(&mut request, &probe.path, probe.host.as_ref(), endpoint)?;
    request
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    let asking = async {
        let (sender, driver) = http1::on(stream, HeaderCase::Lower).await?;
        http1::exchange(sender, driver, request).await
    };
    match time::timeout_at(deadline, asking).await {
        Ok(Ok((response, _))) if response.status().as_u16() == probe.expect => Ok(()),
        Ok(Ok(_)) => Err(ProbeResult::Status),
        Ok(Err(_)) => Err(ProbeResult::Closed),
        Err(_) => Err(ProbeResult::Timeout),
    }
}

/// What the requests of all probes have. Without a `host` the endpoint is called by its address.
pub(super) fn head<B>(
    request: &mut Request<B>,
    path: &str,
    host: Option<&ArcStr>,
    endpoint: &Endpoint,
) -> Result<(), ProbeResult> {
    let host = host.unwrap_or_else(|| endpoint.name());
    let host = HeaderValue::from_str(host).map_err(|_invalid| ProbeResult::Handshake)?;
    *request.uri_mut() = path.parse().map_err(|_invalid| ProbeResult::Handshake)?;
    request.headers_mut().insert(HOST, host);
    request
        .headers_mut()
        .insert(USER_AGENT, HeaderValue::from_static(AGENT));
    Ok(())
}
