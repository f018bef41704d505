//! The end of a session that no endpoint has: `proto`'s answerer, as a connection that can be read and written.
//!
//! What is written to it is what a client sends; what is read from it are the answers that RFC 6455 wants. It has
//! no buffer, no task and no descriptor. Not here: what a client is published.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use switchyard_proto::Answerer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// See the module.
#[derive(Debug, Default)]
pub struct Within {
    answerer: Answerer,
    /// Who waits to read until there is an answer.
    reader: Option<Waker>,
    /// Who waits to write until the answer has been read.
    writer: Option<Waker>,
}

impl Within {
    /// Whether a new one can take its place, as in another process.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.answerer.is_at_rest()
    }
}

/// Wakes whoever waited.
fn wake(waiting: &mut Option<Waker>) {
    if let Some(waker) = waiting.take() {
        waker.wake();
    }
}

/// Has whoever asks woken later.
fn wait<T>(waiting: &mut Option<Waker>, cx: &Context<'_>) -> Poll<T> {
    *waiting = Some(cx.waker().clone());
    Poll::Pending
}

impl AsyncRead for Within {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        area: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let within = self.get_mut();
        if !within.answerer.has_answer() {
            return if within.answerer.is_over() {
                Poll::Ready(Ok(()))
            } else {
                wait(&mut within.reader, cx)
            };
        }
        let len = within.answerer.poll_output(area.initialize_unfilled());
        area.advance(len);
        if !within.answerer.has_answer() {
            wake(&mut within.writer);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Within {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let within = self.get_mut();
        if within.answerer.has_answer() {
            return wait(&mut within.writer, cx);
        }
        let taken = within.answerer.handle_input(bytes);
        if within.answerer.has_answer() || within.answerer.is_over() {
            wake(&mut within.reader);
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let within = self.get_mut();
        within.answerer.handle_eof();
        wake(&mut within.reader);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, split};
    use tokio::time::timeout;

    use super::*;

    const PING: &[u8] = b"\x89\x82\x00\x00\x00\x00hi";
    const PONG: &[u8] = b"\x8a\x02hi";

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_an_answer_is_woken_by_it() {
        let (mut reader, mut writer) = split(Within::default());
        let reading = async {
            let mut answers = [0; 8];
            reader.read_exact(&mut answers).await.expect("answers");
            let rest = reader.read(&mut [0]).await.expect("an end");
            (answers, rest)
        };
        let writing = async {
            // The second waits until the first is answered.
            writer.write_all(PING).await.expect("taken");
            writer.write_all(PING).await.expect("taken");
            writer.shutdown().await.expect("shut down");
        };
        // The reader is asked first, and again only when it is woken.
        let both = timeout(Duration::from_secs(1), async {
            tokio::join!(reading, writing)
        });
        let ((answers, rest), ()) = both.await.expect("nobody waits for ever");
        assert_eq!((&answers[..], rest), (&[PONG, PONG].concat()[..], 0));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_at_rest_between_frames() {
        let mut within = Within::default();
        assert!(within.is_at_rest());
        within.write_all(&PING[..3]).await.expect("taken");
        assert!(!within.is_at_rest());
        within.write_all(&PING[3..]).await.expect("taken");
        let waiting = timeout(Duration::from_secs(1), within.write_all(PING)).await;
        assert!(waiting.is_err());
        assert_eq!(within.read(&mut [0; 9]).await.expect("an answer"), 4);
        assert!(within.is_at_rest());
    }
}
