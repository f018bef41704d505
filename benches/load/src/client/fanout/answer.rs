//! The answer to a request that published a message, as it comes.
//!
//! Enough of HTTP/1.1 to know when it is over and whether the connection can be used again.

use anyhow::{Context, Result, ensure};

use crate::http;

/// The bytes so far.
#[derive(Default)]
pub(super) struct Answer {
    bytes: Vec<u8>,
}

/// A whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) status: u16,
    /// Whether the connection is of no more use.
    pub(super) closes: bool,
}

impl Answer {
    /// Takes what came; the answer, if it is whole now.
    pub(super) fn take(&mut self, input: &[u8]) -> Result<Option<Whole>> {
        self.bytes.extend_from_slice(input);
        self.whole(false)
    }

    /// The stream has ended; the answer, if that is its end.
    pub(super) fn end(&mut self) -> Result<Whole> {
        self.whole(true)?
            .context("the stream ended within an answer")
    }

    fn whole(&mut self, has_ended: bool) -> Result<Option<Whole>> {
        let Some(len) = http::head_len(&self.bytes)? else {
            return Ok(None);
        };
        let (head, body) = self.bytes.split_at(len);
        let head = std::str::from_utf8(head).context("the answer is not text")?;
        let whole = Whole {
            status: status(head)?,
            closes: has_ended || is_last(head),
        };
        let is_whole = match http::field(head, "content-length") {
            Some(len) => {
                let len: usize = len.parse().context("a wrong Content-Length")?;
                ensure!(body.len() <= len, "more than an answer");
                body.len() == len
            }
            None if is(head, "transfer-encoding", "chunked") => body.ends_with(b"0\r\n\r\n"),
            None => has_ended || whole.status == 204,
        };
        if is_whole {
            self.bytes.clear();
        }
        Ok(is_whole.then_some(whole))
    }
}

fn status(head: &str) -> Result<u16> {
    let word = head.split(' ').nth(1).context("no status")?;
    word.parse().context("a wrong status")
}

/// Whether the connection ends with this answer.
fn is_last(head: &str) -> bool {
    let is_old = head.starts_with("HTTP/1.0") && !is(head, "connection", "keep-alive");
    is_old || is(head, "connection", "close")
}

fn is(head: &str, name: &str, value: &str) -> bool {
    http::field(head, name).is_some_and(|found| found.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taken byte by byte; nothing is whole before the last.
    fn taken(text: &str) -> Option<Whole> {
        let (mut answer, mut whole) = (Answer::default(), None);
        for byte in text.as_bytes() {
            assert_eq!(whole, None);
            whole = answer.take(&[*byte]).unwrap();
        }
        whole
    }

    fn whole(status: u16, closes: bool) -> Whole {
        Whole { status, closes }
    }

    #[test]
    fn an_answer_is_over_where_it_says() {
        let counted = "HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nyes";
        assert_eq!(taken(counted), Some(whole(202, false)));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n";
        assert_eq!(taken(chunked), Some(whole(200, false)));
        assert_eq!(
            taken("HTTP/1.1 204 No Content\r\n\r\n"),
            Some(whole(204, false))
        );
        let last = "HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
        assert_eq!(taken(last), Some(whole(503, true)));
        let old = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(taken(old), Some(whole(200, true)));
    }

    #[test]
    fn or_where_the_stream_ends() {
        let mut answer = Answer::default();
        assert_eq!(
            answer.take(b"HTTP/1.1 200 OK\r\n\r\nPublished").unwrap(),
            None
        );
        assert_eq!(answer.end().unwrap(), whole(200, true));
        assert!(answer.end().is_err());
        let mut cut = Answer::default();
        cut.take(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")
            .unwrap();
        assert!(cut.end().is_err());
    }
}
