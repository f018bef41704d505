//! The gateway's own answers: a short text, and the fields that the status asks for.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use switchyard_upstream::Body;

use crate::forward::{RequestId, X_REQUEST_ID};
use crate::refusal::{Fate, Refusal};

/// A client that is turned away for now comes back after this long at the earliest.
const RETRY_AFTER_AT_LEAST: Duration = Duration::from_secs(1);

/// And this much later at most, so that those turned away together do not come back together.
const RETRY_AFTER_SPREAD: Duration = Duration::from_secs(9);

/// A body without a byte.
pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn text(text: String) -> Body {
    Full::new(Bytes::from(text))
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Answers a refused request. `random` spreads those that may come again.
pub(crate) fn refuse(refusal: &Refusal, id: &RequestId, random: u64) -> Response<Body> {
    let status = refusal.status();
    let mut response = Response::new(text(format!("{status}: {refusal}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    set(headers, CONTENT_TYPE, "text/plain; charset=utf-8");
    set(headers, CACHE_CONTROL, "no-store");
    headers.insert(X_REQUEST_ID, id.to_value());
    if refusal.fate() == Fate::Close {
        close_after(headers);
    }
    explain_status(headers, status, random);
    response
}

/// Says that no more requests are taken on this connection.
pub(crate) fn close_after(headers: &mut HeaderMap) {
    set(headers, CONNECTION, "close");
}

/// Fields without which a status is incomplete (RFC 9110 section 15, RFC 6455 section 4.4).
fn explain_status(headers: &mut HeaderMap, status: StatusCode, random: u64) {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => set(headers, ALLOW, "GET"),
        StatusCode::UPGRADE_REQUIRED => {
            set(headers, SEC_WEBSOCKET_VERSION, "13");
            set(headers, UPGRADE, "websocket");
            set(headers, CONNECTION, "upgrade");
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after(random)));
        }
        _ => {}
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// Whole seconds.
fn retry_after(random: u64) -> u64 {
    let choices = RETRY_AFTER_SPREAD.as_secs().saturating_add(1);
    RETRY_AFTER_AT_LEAST
        .as_secs()
        .saturating_add(random.checked_rem(choices).unwrap_or(0))
}
