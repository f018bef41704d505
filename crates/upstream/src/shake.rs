//! One WebSocket handshake on one connection: a request written, the head of its answer read.
//!
//! A 101 needs no more than that, so no HTTP client is put on the connection. Any other answer is
//! handed to one, through `replay`. Not here: deadlines, and which endpoint is asked.

mod capture;
mod head;
mod request;

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use switchyard_proto::handshake::Offer;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use head::Reader;
pub(crate) use head::{Accepted, Answer, Fault};
pub(crate) use request::encode;

use crate::stream::Stream;

/// What is read at once. A 101 is some 200 bytes; frames may come right behind it.
const READ: usize = 16 * 1024;

thread_local! {
    /// What a worker reads answers into. It is borrowed for one call and holds nothing between two.
    static AREA: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
}

/// Why a request was not sent.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// No byte of it was.
    Unsent(io::Error),
    /// Some of it may have been.
    Broken(io::Error),
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The connection ended before.
    Ended(io::Error),
    /// What came is none.
    Faulty(Fault),
}

/// Writes a request, which nearly always is one call.
pub(crate) async fn send(stream: &mut Stream, request: &[u8]) -> Result<(), Unwritten> {
    let begun = poll_fn(|cx| Poll::Ready(begin(stream, cx, request))).await;
    let rest = begun.map_err(Unwritten::Unsent)?;
    let finishing = async {
        stream.write_all(rest).await?;
        stream.flush().await
    };
    finishing.await.map_err(Unwritten::Broken)
}

/// What was not taken of `request` at once.
fn begin<'a>(stream: &mut Stream, cx: &mut Context<'_>, request: &'a [u8]) -> io::Result<&'a [u8]> {
    check_silence(stream, cx)?;
    let written = match Pin::new(stream).poll_write(cx, request) {
        Poll::Ready(written) => written?,
        Poll::Pending => 0,
    };
    Ok(request.get(written..).unwrap_or_default())
}

/// An endpoint that ended the connection, or speaks before it was asked, is not asked. It costs no
/// system call where nothing has come.
fn check_silence(stream: &mut Stream, cx: &mut Context<'_>) -> io::Result<()> {
    let mut byte = [0; 1];
    let mut area = ReadBuf::new(&mut byte);
    match Pin::new(stream).poll_read(cx, &mut area) {
        Poll::Pending => Ok(()),
        Poll::Ready(Err(error)) => Err(error),
        Poll::Ready(Ok(())) if area.filled().is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
        Poll::Ready(Ok(())) => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "bytes came before the request was sent",
        )),
    }
}

/// Reads until the head of the answer is here. Informational answers other than 101 are dropped.
pub(crate) async fn answer(stream: &mut Stream, offer: &Offer) -> Result<Answer, NoAnswer> {
    let mut reader = Reader::default();
    poll_fn(|cx| {
        loop {
            if let Some(answer) = ready!(poll_feed(stream, cx, &mut reader, offer))? {
                return Poll::Ready(Ok(answer));
            }
        }
    })
    .await
}

fn poll_feed(
    stream: &mut Stream,
    cx: &mut Context<'_>,
    reader: &mut Reader,
    offer: &Offer,
) -> Poll<Result<Option<Answer>, NoAnswer>> {
    AREA.with_borrow_mut(|area| {
        let mut area = ReadBuf::new(area);
        ready!(Pin::new(stream).poll_read(cx, &mut area)).map_err(NoAnswer::Ended)?;
        if area.filled().is_empty() {
            let end = io::ErrorKind::UnexpectedEof.into();
            return Poll::Ready(Err(NoAnswer::Ended(end)));
        }
        let fed = reader.feed(area.filled(), offer);
        Poll::Ready(fed.map_err(NoAnswer::Faulty))
    })
}
