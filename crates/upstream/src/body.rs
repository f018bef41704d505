//! The body type that crosses this crate's door, both ways.
//!
//! Boxed here so that nothing above or below is generic over bodies.

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;

/// What a streaming body may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A streaming body: a request's towards the endpoint, a response's from it.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Boxes what hyper reads; it keeps its length and whether it is empty.
pub(crate) fn from_endpoint(incoming: Incoming) -> Body {
    incoming.map_err(Into::into).boxed_unsync()
}
