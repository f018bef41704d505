//! A request as hyper writes it, for the case of the field names that hyper alone can read.
//!
//! hyper's server leaves the names as the client wrote them in the request's extensions, in a type
//! of its own that only its client understands. So its client writes the request, to nowhere.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::Empty;
use switchyard_config::HeaderCase;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::request::in_lower_case;
use crate::http1;

/// The head of `request` with the names as they are in its extensions, and in lower case where they
/// are not.
pub(super) async fn in_the_clients_case(request: Request<()>) -> Vec<u8> {
    let connection = http1::on(Capture::default(), HeaderCase::Preserve).await;
    let Ok((mut sender, mut driver)) = connection else {
        // Nothing can go wrong before a byte is read or written.
        return in_lower_case(&request);
    };
    let mut request = request.map(|()| Empty::<Bytes>::new());
    *request.version_mut() = Version::HTTP_11;
    let answer = sender.send_request(request);
    // It writes in one go, and then waits for an answer that does not come.
    poll_fn(|cx| Poll::Ready(driver.poll_without_shutdown(cx).is_ready())).await;
    drop(answer);
    driver.into_parts().io.into_inner().written
}

/// A connection that takes everything and says nothing.
#[derive(Debug, Default)]
struct Capture {
    written: Vec<u8>,
}

impl AsyncRead for Capture {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _area: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Capture {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
