//! The body of a request on its way to an endpoint, counted against the route's limit.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use switchyard_upstream::{Body, BoxError};

use crate::reply;

/// The body is larger than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body of the request is larger than the route allows")]
pub(crate) struct TooLarge;

/// Tells how far the client has come with its body.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<AtomicBool>);

impl Progress {
    /// Whether all of the body has come in.
    pub(crate) fn is_complete(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Bounds `incoming` to `limit` bytes.
///
/// # Errors
/// The length that the request announces is over the limit. One that is not announced is counted
/// on the way, and ends the body with [`TooLarge`].
pub(crate) fn upload(incoming: Incoming, limit: Option<u64>) -> Result<(Body, Progress), TooLarge> {
    let progress = Progress(Arc::new(AtomicBool::new(incoming.is_end_stream())));
    if progress.is_complete() {
        return Ok((reply::empty(), progress));
    }
    let left = limit.unwrap_or(u64::MAX);
    if incoming.size_hint().lower() > left {
        return Err(TooLarge);
    }
    let body = Upload {
        incoming,
        left,
        progress: progress.clone(),
    };
    Ok((body.boxed_unsync(), progress))
}

struct Upload {
    incoming: Incoming,
    left: u64,
    progress: Progress,
}

impl Upload {
    fn count(&mut self, frame: &Frame<Bytes>) -> Result<(), TooLarge> {
        let len = frame.data_ref().map_or(0, Buf::remaining);
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(len).ok_or(TooLarge)?;
        Ok(())
    }

    fn complete(&self) {
        self.progress.0.store(true, Ordering::Relaxed);
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
            None => {
                self.complete();
                return Poll::Ready(None);
            }
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            Some(Ok(frame)) => frame,
        };
        let counted = self.count(&frame);
        if self.incoming.is_end_stream() {
            self.complete();
        }
        Poll::Ready(Some(counted.map(|()| frame).map_err(BoxError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
