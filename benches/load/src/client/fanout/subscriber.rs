//! One session that is subscribed to a channel and says nothing.

use std::io::{Read, Write};

use anyhow::{Result, bail, ensure};

use crate::frame::{Header, Kind, Piece, Reader, masked};
use crate::wire::{Wire, unless_blocked};

pub(super) struct Subscriber {
    pub(super) wire: Wire,
    reader: Reader,
    /// Payload so far of the frame that is being read.
    payload: Vec<u8>,
}

/// Whether a session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// The gateway has ended it.
    Ended,
}

impl Subscriber {
    pub(super) fn new(wire: Wire) -> Result<Self> {
        wire.set_nonblocking()?;
        Ok(Self {
            wire,
            reader: Reader::default(),
            payload: Vec::new(),
        })
    }

    /// Reads once; `take` gets the payload of each message.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<State> {
        let len = match unless_blocked(self.wire.read(buffer)) {
            Ok(None) => return Ok(State::Open),
            Ok(Some(0)) | Err(_) => return Ok(State::Ended),
            Ok(Some(len)) => len,
        };
        let mut input = buffer.get_mut(..len).unwrap_or_default();
        while let Some(piece) = self.reader.next(&mut input)? {
            match piece {
                Piece::Header(_) => self.payload.clear(),
                Piece::Payload(bytes, _) => self.payload.extend_from_slice(bytes),
                Piece::End(header) => {
                    if self.end(header, &mut take)? == State::Ended {
                        return Ok(State::Ended);
                    }
                }
            }
        }
        Ok(State::Open)
    }

    fn end(&mut self, header: Header, take: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<State> {
        ensure!(header.mask.is_none(), "a masked frame for a client");
        match header.kind {
            Kind::Text => take(&self.payload)?,
            // Short, and nothing else is under way, so there is room for it.
            Kind::Ping => {
                let pong = masked(Kind::Pong, &self.payload);
                if self.wire.write_all(&pong).is_err() {
                    return Ok(State::Ended);
                }
            }
            Kind::Close => return Ok(State::Ended),
            kind => bail!("{kind:?}, which nobody published"),
        }
        Ok(State::Open)
    }
}
