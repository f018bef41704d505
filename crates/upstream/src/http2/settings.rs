//! What an endpoint says of itself at the beginning of a connection.
//!
//! The library keeps the settings of its peer to itself, and says nothing when they come. They are the
//! first frame on a connection (RFC 9113 section 3.4), so they are read along, ahead of the library,
//! which checks them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

/// Bytes before the payload of a frame (RFC 9113 section 4.1).
const HEAD: usize = 9;

/// The type of a SETTINGS frame (RFC 9113 section 6.5).
const SETTINGS: u8 = 4;

/// More is nobody's settings: there are a dozen that are known, of six bytes each.
const MAX_PAYLOAD: usize = 4 * 1024;

/// RFC 9113 section 6.5.2.
const MAX_CONCURRENT_STREAMS: u16 = 3;

/// RFC 8441 section 3.
const ENABLE_CONNECT_PROTOCOL: u16 = 8;

/// What of the settings makes a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Whether WebSockets may be opened (RFC 8441).
    pub(crate) extended_connect: bool,
    /// Streams that may be open at a time; any number where the endpoint does not say.
    pub(crate) max_concurrent_streams: u32,
}

/// A connection that is listened in on until the settings have come.
pub(crate) struct Listening<I> {
    io: I,
    ear: Option<Ear>,
}

struct Ear {
    heard: Vec<u8>,
    tell: oneshot::Sender<Settings>,
}

impl<I> Listening<I> {
    /// The receiver is told once, or dropped when something else comes.
    pub(crate) fn to(io: I) -> (Self, oneshot::Receiver<Settings>) {
        let (tell, told) = oneshot::channel();
        let ear = Ear {
            heard: Vec::new(),
            tell,
        };
        let listening = Self { io, ear: Some(ear) };
        (listening, told)
    }

    #[cold]
    fn hear(&mut self, fresh: &[u8]) {
        let Some(mut ear) = self.ear.take() else {
            return;
        };
        ear.heard.extend_from_slice(fresh);
        match parse(&ear.heard) {
            Heard::Part => self.ear = Some(ear),
            Heard::Settings(settings) => {
                // Who waited may have gone.
                let _ = ear.tell.send(settings);
            }
            Heard::SomethingElse => {}
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Part,
    Settings(Settings),
    SomethingElse,
}

fn parse(bytes: &[u8]) -> Heard {
    let Some((head, rest)) = bytes.split_at_checked(HEAD) else {
        return Heard::Part;
    };
    let &[high, middle, low, kind, ..] = head else {
        return Heard::Part;
    };
    let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    if kind != SETTINGS || length > MAX_PAYLOAD {
        return Heard::SomethingElse;
    }
    match rest.get(..length) {
        None => Heard::Part,
        Some(payload) => Heard::Settings(read(payload)),
    }
}

/// The last of a setting counts (RFC 9113 section 6.5.3).
fn read(payload: &[u8]) -> Settings {
    let mut settings = Settings {
        extended_connect: false,
        max_concurrent_streams: u32::MAX,
    };
    for setting in payload.chunks_exact(6) {
        if let &[high, low, ref value @ ..] = setting
            && let Ok(value) = <[u8; 4]>::try_from(value).map(u32::from_be_bytes)
        {
            match u16::from_be_bytes([high, low]) {
                MAX_CONCURRENT_STREAMS => settings.max_concurrent_streams = value,
                ENABLE_CONNECT_PROTOCOL => settings.extended_connect = value == 1,
                _ => {}
            }
        }
    }
    settings
}

impl<I: AsyncRead + Unpin> AsyncRead for Listening<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        if this.ear.is_some() {
            this.hear(buf.filled().get(before..).unwrap_or_default());
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Listening<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const NOTHING: Settings = Settings {
        extended_connect: false,
        max_concurrent_streams: u32::MAX,
    };

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let [.., high, middle, low] = payload.len().to_be_bytes();
        let mut frame = vec![high, middle, low, kind, 0, 0, 0, 0, 0];
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn the_last_of_a_setting_counts() {
        let payload = [
            [0, 3, 0, 0, 0, 100],
            [0, 8, 0, 0, 0, 1],
            [0, 99, 1, 2, 3, 4],
            [0, 3, 0, 0, 1, 0],
        ];
        let settings = Settings {
            extended_connect: true,
            max_concurrent_streams: 256,
        };
        let frame = frame(SETTINGS, payload.as_flattened());
        assert_eq!(parse(&frame), Heard::Settings(settings));
    }

    #[test]
    fn an_endpoint_may_say_nothing_of_itself() {
        assert_eq!(parse(&frame(SETTINGS, &[])), Heard::Settings(NOTHING));
    }

    #[test]
    fn what_is_no_settings_is_something_else() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            &frame(7, &[0; 8]),
            &[0xff, 0xff, 0xff, SETTINGS, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(parse(bytes), Heard::SomethingElse);
        }
    }

    #[tokio::test]
    async fn they_are_heard_however_they_come_and_all_of_it_is_passed_on() {
        let mut sent = frame(SETTINGS, &[0, 8, 0, 0, 0, 1]);
        sent.extend_from_slice(b"and more");
        for size in 1..=sent.len() {
            let (mut endpoint, io) = tokio::io::duplex(size);
            let (mut listening, told) = Listening::to(io);
            let mut passed = Vec::new();
            let saying = async {
                endpoint.write_all(&sent).await.unwrap();
                drop(endpoint);
            };
            let reading = listening.read_to_end(&mut passed);
            let ((), read) = tokio::join!(saying, reading);
            read.unwrap();
            assert_eq!(passed, sent);
            assert!(told.await.unwrap().extended_connect);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_comes_is_too_much(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
