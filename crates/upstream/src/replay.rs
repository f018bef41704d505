//! A connection on which a request was sent and an answer begun, as an HTTP client wants to see it
//! that shall read the rest: one on which nothing has happened.
//!
//! What the client writes is the request that was sent, so it goes nowhere; then it is shown what
//! was read already, and after that the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::socket::Socket;

/// See the module.
#[derive(Debug)]
pub(crate) struct Replay {
    socket: Socket,
    received: Bytes,
    request: Request,
}

#[derive(Debug)]
enum Request {
    /// The client has not written it. Clients do not like an answer that comes before.
    Awaited(Option<Waker>),
    Swallowed,
}

impl Replay {
    /// `received` is what was read of the answer.
    pub(crate) fn new(socket: Socket, received: Bytes) -> Self {
        Self {
            socket,
            received,
            request: Request::Awaited(None),
        }
    }
}

impl AsyncRead for Replay {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        area: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let replay = self.get_mut();
        if let Request::Awaited(reader) = &mut replay.request {
            *reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if replay.received.is_empty() {
            return Pin::new(&mut replay.socket).poll_read(cx, area);
        }
        let shown = replay.received.len().min(area.remaining());
        area.put_slice(replay.received.get(..shown).unwrap_or_default());
        replay.received.advance(shown);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Replay {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let replay = self.get_mut();
        if let Request::Awaited(Some(reader)) = &replay.request {
            reader.wake_by_ref();
        }
        replay.request = Request::Swallowed;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::nursery::Nursery;
    use crate::stream::Stream;
    use crate::testing::{Script, connection, within};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn the_answer_comes_after_the_request_and_goes_on_where_it_was() {
        let script = Script::bind().await;
        let (stream, mut peer) =
            tokio::join!(TcpStream::connect(script.address()), script.accept());
        let socket = Socket::new(
            Stream::Plain(stream.unwrap()),
            Nursery::default().enter(),
            connection(),
        );
        let mut replay = Replay::new(socket, Bytes::from_static(b"read "));
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut area = [0; 8];
        let early = Pin::new(&mut replay).poll_read(
            &mut Context::from_waker(&waker),
            &mut ReadBuf::new(&mut area),
        );
        assert!(early.is_pending());
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        replay.write_all(b"GET / HTTP/1.1").await.unwrap();
        replay.flush().await.unwrap();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        let first =
            poll_fn(|cx| Pin::new(&mut replay).poll_read(cx, &mut ReadBuf::new(&mut area[..3])));
        first.await.unwrap();
        assert_eq!(&area[..3], b"rea");
        peer.say("on").await;
        within(replay.read_exact(&mut area[..4])).await.unwrap();
        assert_eq!(&area[..4], b"d on");
        replay.shutdown().await.unwrap();
        let mut request = Vec::new();
        within(peer.0.read_to_end(&mut request)).await.unwrap();
        assert!(request.is_empty(), "it was sent before");
    }
}
