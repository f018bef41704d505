//! An answer whose body is still to come: as a whole, or line by line. Not here: what is in it.

use std::future::pending;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::error::Error;

/// The largest page of a list, and the largest event. An object in Kubernetes has at most about
/// 1.5 MiB, and a page has at most a hundred.
const MOST: usize = 64 << 20;

/// The connection that the body comes over, which moves only when it is polled.
type Connection = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An answer. Dropping it closes its connection.
pub(super) struct Exchange {
    status: StatusCode,
    body: Incoming,
    connection: Option<Connection>,
    come: Come,
}

/// What has come and was not taken.
#[derive(Debug, Default)]
struct Come {
    buffer: BytesMut,
    /// How much of `buffer` has no end of a line.
    searched: usize,
}

impl Exchange {
    pub(super) fn new(answer: Response<Incoming>, connection: Option<Connection>) -> Self {
        Self {
            status: answer.status(),
            body: answer.into_body(),
            connection,
            come: Come::default(),
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The whole body.
    pub(super) async fn whole(mut self) -> Result<Bytes, Error> {
        while self.more().await? {}
        Ok(self.come.buffer.freeze())
    }

    /// The next line, or nothing at the end; one that was begun and not ended is none. What has come
    /// is kept if the future is dropped.
    pub(super) async fn line(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(line) = self.come.line() {
                return Ok(Some(line));
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    /// Waits for more of the body; whether there is.
    async fn more(&mut self) -> Result<bool, Error> {
        let frame = loop {
            tokio::select! {
                biased;
                frame = self.body.frame() => break frame,
                () = drive(&mut self.connection) => self.connection = None,
            }
        };
        let Some(frame) = frame else { return Ok(false) };
        if let Ok(data) = frame.map_err(Error::ApiBroken)?.into_data() {
            if self.come.buffer.len() + data.len() > MOST {
                return Err(Error::ApiTooLarge);
            }
            self.come.buffer.extend_from_slice(&data);
        }
        Ok(true)
    }
}

impl Come {
    /// Takes the first line, if it has ended.
    fn line(&mut self) -> Option<Bytes> {
        let mut unsearched = self.buffer.iter().skip(self.searched);
        let Some(at) = unsearched.position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(self.searched + at + 1);
        self.searched = 0;
        Some(line.freeze())
    }
}

async fn drive(connection: &mut Option<Connection>) {
    match connection {
        Some(connection) => connection.await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_come() {
        let text = b"a longer line\nb\n\nc\nbegun";
        for size in 1..=text.len() {
            let mut come = Come::default();
            let mut lines = Vec::new();
            for piece in text.chunks(size) {
                come.buffer.extend_from_slice(piece);
                lines.extend(std::iter::from_fn(|| come.line()));
            }
            assert_eq!(lines, ["a longer line\n", "b\n", "\n", "c\n"], "{size}");
            assert_eq!(come.buffer, "begun");
        }
    }
}
