//! The small replies that the other modules share.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN};
use hyper::{HeaderMap, Request, StatusCode, header};

use super::Answer;
use crate::identity::Identity;

/// A reply of the given type that nobody stores.
pub(super) fn reply(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Answer::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().extend([
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ]);
    answer
}

/// One line for a person.
pub(super) fn text(status: StatusCode, line: &str) -> Answer {
    reply(status, "text/plain; charset=utf-8", format!("{line}\n"))
}

/// The field that says which server answers.
pub(super) fn served_by(identity: Identity) -> (HeaderName, HeaderValue) {
    (
        HeaderName::from_static("x-served-by"),
        HeaderValue::from_static(identity.name),
    )
}

/// Whether a request comes from another site's page (RFC 6454): a browser then names an origin
/// that is not the host it sends the request to.
pub(super) fn is_foreign<B>(request: &Request<B>) -> bool {
    let text = |headers: &HeaderMap, name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default().to_owned())
    };
    let Some(origin) = text(request.headers(), ORIGIN) else {
        return false;
    };
    let host = text(request.headers(), header::HOST).unwrap_or_default();
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority != Some(host.as_str())
}
