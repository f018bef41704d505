//! The body of an answer that came on a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};

use super::connections::Room;
use crate::body::{Body, BoxError, from_endpoint};

/// It takes its room until it is done.
pub(crate) struct Streamed {
    body: Body,
    _room: Room,
}

impl Streamed {
    pub(crate) fn boxed(incoming: Incoming, room: Room) -> Body {
        let body = from_endpoint(incoming);
        Self { body, _room: room }.boxed_unsync()
    }
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
