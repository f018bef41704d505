//! One open session of a client: requests out of a shared batch, replies checked as they come.
//!
//! Not here: what carries it (`link`).

use std::collections::VecDeque;
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::frame::{Kind, Piece, Reader, masked};

/// As many copies of a short frame as are sent with one write.
const BATCH: usize = 64 * 1024;

/// What every session of a scenario sends, and what has to come back for it.
pub(super) struct Exchange {
    frames: Vec<u8>,
    frame_len: usize,
    copies: usize,
    reply: Vec<u8>,
}

impl Exchange {
    pub(super) fn new(request: &[u8], reply: Vec<u8>) -> Self {
        let frame = masked(Kind::Binary, request);
        let copies = (BATCH / frame.len()).max(1);
        Self {
            frame_len: frame.len(),
            frames: frame.repeat(copies),
            copies,
            reply,
        }
    }

    /// The rest of one frame, and whole ones after it.
    fn frames(&self, sent_of_first: usize, count: usize) -> &[u8] {
        let end = count.min(self.copies) * self.frame_len;
        self.frames.get(sent_of_first..end).unwrap_or_default()
    }

    /// Payload in both directions of one request and its reply.
    pub(super) fn payload(&self) -> usize {
        self.request_len().max(self.reply.len())
    }

    fn request_len(&self) -> usize {
        let header = match self.frame_len {
            0..=131 => 6,
            132..=65_543 => 8,
            _ => 14,
        };
        self.frame_len - header
    }
}

/// A session that is open.
#[derive(Default)]
pub(super) struct Session {
    reader: Reader,
    /// When each request was sent, or due, whose reply is not yet complete.
    under_way: VecDeque<Instant>,
    /// Requests whose last byte is not yet sent.
    unsent: usize,
    /// Bytes sent of the first of them.
    sent_of_first: usize,
}

impl Session {
    /// Has a request to send, `count` times; `at` is when that was due.
    pub(super) fn owe(&mut self, count: usize, at: Instant) {
        self.unsent += count;
        self.under_way.extend(std::iter::repeat_n(at, count));
    }

    /// Whether there is something to send.
    pub(super) fn owes(&self) -> bool {
        self.unsent > 0
    }

    /// Sends what `sink` takes; it says how many bytes that were, and `None` when it would have to wait.
    pub(super) fn send(
        &mut self,
        exchange: &Exchange,
        mut sink: impl FnMut(&[u8]) -> Result<Option<usize>>,
    ) -> Result<()> {
        while self.unsent > 0 {
            let bytes = exchange.frames(self.sent_of_first, self.unsent);
            let Some(sent) = sink(bytes)? else {
                break;
            };
            let sent = self.sent_of_first + sent;
            self.unsent -= sent / exchange.frame_len;
            self.sent_of_first = sent % exchange.frame_len;
        }
        Ok(())
    }

    /// Takes what came, and tells when each request was sent whose reply is now complete.
    pub(super) fn take(
        &mut self,
        exchange: &Exchange,
        mut input: &mut [u8],
        mut complete: impl FnMut(Instant),
    ) -> Result<()> {
        while let Some(piece) = self.reader.next(&mut input)? {
            match piece {
                Piece::Header(header) => {
                    ensure!(header.mask.is_none(), "a masked frame for a client");
                    ensure!(
                        header.kind == Kind::Binary && header.len == exchange.reply.len() as u64,
                        "{:?} of {} bytes instead of the reply",
                        header.kind,
                        header.len
                    );
                }
                Piece::Payload(bytes, at) => check(&exchange.reply, bytes, at)?,
                Piece::End(_) => match self.under_way.pop_front() {
                    Some(sent) => complete(sent),
                    None => bail!("a reply to nothing"),
                },
            }
        }
        Ok(())
    }
}

fn check(reply: &[u8], bytes: &[u8], at: u64) -> Result<()> {
    let at = usize::try_from(at)?;
    let expected = reply.get(at..at + bytes.len());
    ensure!(expected == Some(bytes), "a changed payload, near byte {at}");
    Ok(())
}
