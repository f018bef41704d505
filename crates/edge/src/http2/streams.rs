//! Streams that are open: what a connection is not idle for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body as HttpBody, Frame, SizeHint};
use switchyard_upstream::Body;

use crate::connection::Connection;

/// A stream counts as open while one of these lives: a request's, its answer's, its session's.
pub(crate) struct Open(Arc<Connection>);

impl Open {
    pub(super) fn on(connection: &Arc<Connection>) -> Self {
        connection.streams.enter();
        Self(Arc::clone(connection))
    }

    /// Holds on until `body` is done.
    pub(super) fn through(self, body: Body) -> Answer {
        Answer { body, _open: self }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.streams.leave();
    }
}

/// The body of an answer.
pub(super) struct Answer {
    body: Body,
    _open: Open,
}

impl HttpBody for Answer {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
