//! A connection to an endpoint, which finds out when the endpoint has vanished without a FIN.
//!
//! Keep-alive costs four system calls and is of no use before a connection has been silent for
//! [`KEEPALIVE_IDLE`]. So it is armed when the connection is that old: a handshake does not pay for
//! it, and what ends sooner never does. Not here: when that is (`nursery`), and how connections are
//! made (`dial`).

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use switchyard_telemetry::metrics::endpoint::EndpointConnection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::nursery::{Age, Youth};
use crate::stream::Stream;
use crate::tcp;

/// A session may be silent for hours; an endpoint that vanished without a FIN is found after
/// `IDLE + PROBES * INTERVAL` = 60 s of silence.
pub(crate) const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
/// Between two unanswered keep-alive probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// Unanswered probes that end the connection.
const KEEPALIVE_PROBES: u32 = 3;

/// A connection to an endpoint, with or without TLS.
///
/// Whoever reads it is woken once when it has reached the age at which keep-alive is armed.
#[derive(Debug)]
pub struct Socket {
    stream: Stream,
    /// Until keep-alive is armed.
    youth: Option<Youth>,
    /// Counts it while it is open.
    _connection: EndpointConnection,
}

impl Socket {
    pub(crate) fn new(stream: Stream, youth: Youth, connection: EndpointConnection) -> Self {
        Self {
            stream,
            youth: Some(youth),
            _connection: connection,
        }
    }

    /// The connection itself, for as long as a handshake takes: keep-alive is not armed meanwhile.
    pub(crate) fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// The socket, where nothing is encrypted.
    pub(crate) fn plain(&self) -> Option<&TcpStream> {
        match &self.stream {
            Stream::Plain(tcp) => Some(tcp),
            Stream::Tls(_) => None,
        }
    }

    /// The first bytes are written: from here on the endpoint hears at once that what it writes has come.
    pub(crate) fn has_begun(&self) {
        if let Some(tcp) = self.plain() {
            tcp::acknowledge(tcp);
        }
    }

    /// Whether keep-alive is to be armed by the next who finds nothing to read.
    pub(crate) fn is_due(&self) -> bool {
        self.youth.as_ref().is_some_and(Youth::is_over)
    }

    /// Arms keep-alive if it is time. It is looked at where a reader finds nothing to read: while
    /// data comes the endpoint is there.
    #[cold]
    fn mature(&mut self, cx: &Context<'_>) {
        if let Some(youth) = &self.youth
            && youth.look(cx.waker()) == Age::Grown
        {
            self.youth = None;
            self.arm();
        }
    }

    /// The silence so far counts: the system asks how long it has been when the time is set.
    ///
    /// A connection that the system does not do this for is about to end, or lives as well without.
    fn arm(&self) {
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE_IDLE)
            .with_interval(KEEPALIVE_INTERVAL)
            .with_retries(KEEPALIVE_PROBES);
        if let Err(error) = SockRef::from(self.stream.tcp()).set_tcp_keepalive(&keepalive) {
            tracing::debug!(%error, "a connection to an endpoint has no keep-alive");
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.tcp().as_fd()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        area: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let read = Pin::new(&mut socket.stream).poll_read(cx, area);
        if read.is_pending() && socket.youth.is_some() {
            socket.mature(cx);
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;
    use tokio::time;

    use super::*;
    use crate::nursery::Nursery;
    use crate::testing::{Peer, Script, connection, within};

    async fn connected(nursery: &Nursery) -> (Socket, Peer) {
        let script = Script::bind().await;
        let (stream, peer) = tokio::join!(TcpStream::connect(script.address()), script.accept());
        (
            Socket::new(
                Stream::Plain(stream.unwrap()),
                nursery.enter(),
                connection(),
            ),
            peer,
        )
    }

    fn is_armed(socket: &Socket) -> bool {
        SockRef::from(socket).keepalive().unwrap()
    }

    /// One look at what there is to read.
    async fn look(socket: &mut Socket) -> Poll<io::Result<()>> {
        let mut area = [0; 16];
        poll_fn(|cx| {
            let read = Pin::new(&mut *socket).poll_read(cx, &mut ReadBuf::new(&mut area));
            Poll::Ready(read)
        })
        .await
    }

    #[tokio::test]
    async fn a_silent_connection_is_armed_when_it_is_old_enough_and_not_before() {
        let nursery = Nursery::default();
        let (mut socket, _peer) = connected(&nursery).await;
        time::pause();
        let mut area = [0; 16];
        let reading = time::timeout(KEEPALIVE_IDLE * 9 / 10, async {
            socket.read(&mut area).await
        });
        reading.await.unwrap_err();
        assert!(!is_armed(&socket));
        // Nobody else wakes it: it is armed because it was woken.
        let reading = time::timeout(Duration::from_secs(5), socket.read(&mut area));
        reading.await.unwrap_err();
        assert!(is_armed(&socket) && socket.youth.is_none());
    }

    /// Lets it become old without being looked at.
    async fn age(nursery: &Nursery) -> (Socket, Peer) {
        let (socket, peer) = connected(nursery).await;
        time::pause();
        time::sleep(KEEPALIVE_IDLE + Duration::from_secs(2)).await;
        time::resume();
        (socket, peer)
    }

    #[tokio::test]
    async fn an_armed_connection_finds_a_vanished_endpoint_after_a_minute_of_silence() {
        let (mut socket, _peer) = age(&Nursery::default()).await;
        assert!(look(&mut socket).await.is_pending());
        let option = SockRef::from(&socket);
        assert!(option.keepalive().unwrap());
        let silence = option.tcp_keepalive_time().unwrap()
            + option.tcp_keepalive_interval().unwrap() * option.tcp_keepalive_retries().unwrap();
        assert_eq!(silence, Duration::from_mins(1));
    }

    #[tokio::test]
    async fn a_connection_that_has_something_to_read_is_not_armed() {
        let (mut socket, mut peer) = age(&Nursery::default()).await;
        peer.say("here").await;
        within(socket.stream.tcp().readable()).await.unwrap();
        assert!(look(&mut socket).await.is_ready());
        assert!(!is_armed(&socket));
        assert!(look(&mut socket).await.is_pending());
        assert!(is_armed(&socket));
    }
}
