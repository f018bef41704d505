//! One open session of a client: requests out of a shared batch, replies checked as they come.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::frame::{Kind, Piece, Reader, masked};
use crate::poll::Interest;
use crate::wire::{Wire, unless_blocked};

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
pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) interest: Interest,
    reader: Reader,
    /// When each request was sent, or due, whose reply is not yet complete.
    under_way: VecDeque<Instant>,
    /// Requests whose last byte is not yet sent.
    unsent: usize,
    /// Bytes sent of the first of them.
    sent_of_first: usize,
}

impl Session {
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            wire,
            interest: Interest::Read,
            reader: Reader::default(),
            under_way: VecDeque::new(),
            unsent: 0,
            sent_of_first: 0,
        }
    }

    /// Sends a request `count` times, or as much of that as goes out; `at` is when that was due.
    pub(super) fn send(&mut self, exchange: &Exchange, count: usize, at: Instant) -> Result<()> {
        self.unsent += count;
        self.under_way.extend(std::iter::repeat_n(at, count));
        self.write(exchange)
    }

    /// Goes on sending.
    pub(super) fn write(&mut self, exchange: &Exchange) -> Result<()> {
        self.wire.flush()?;
        while self.unsent > 0 {
            let bytes = exchange.frames(self.sent_of_first, self.unsent);
            let Some(sent) = unless_blocked(self.wire.write(bytes))? else {
                break;
            };
            let sent = self.sent_of_first + sent;
            self.unsent -= sent / exchange.frame_len;
            self.sent_of_first = sent % exchange.frame_len;
        }
        Ok(())
    }

    /// Reads once, and tells when each request was sent whose reply is now complete.
    pub(super) fn read(
        &mut self,
        exchange: &Exchange,
        buffer: &mut [u8],
        mut complete: impl FnMut(Instant),
    ) -> Result<()> {
        let Some(len) = unless_blocked(self.wire.read(buffer))? else {
            return Ok(());
        };
        ensure!(len > 0, "the connection ended without a Close");
        let mut input = buffer.get_mut(..len).unwrap_or_default();
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

    /// What to wait for.
    pub(super) fn wanted(&self) -> Interest {
        Interest::new(true, self.unsent > 0 || self.wire.is_unflushed())
    }
}

fn check(reply: &[u8], bytes: &[u8], at: u64) -> Result<()> {
    let at = usize::try_from(at)?;
    let expected = reply.get(at..at + bytes.len());
    ensure!(expected == Some(bytes), "a changed payload, near byte {at}");
    Ok(())
}
