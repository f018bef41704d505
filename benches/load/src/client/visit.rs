//! One short visit: connect, handshake, echo, Close, end of stream.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::frame::{Header, Kind, Piece, Reader, masked};
use crate::histogram::Histogram;
use crate::http;
use crate::poll::Interest;
use crate::wire::{Wire, unless_blocked};

/// What every visit says and hears.
pub(super) struct Script {
    request: Vec<u8>,
    message: Vec<u8>,
    close: Vec<u8>,
    echo: Vec<u8>,
}

impl Script {
    pub(super) fn new(request: &[u8], payload: Vec<u8>) -> Self {
        Self {
            request: request.to_vec(),
            message: masked(Kind::Binary, &payload),
            close: masked(Kind::Close, &1000_u16.to_be_bytes()),
            echo: payload,
        }
    }
}

/// A connection and how far it has come.
pub(super) struct Visit {
    pub(super) wire: Wire,
    began: Instant,
    phase: Phase,
    received: Vec<u8>,
    reader: Reader,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Handshake,
    Echo,
    Close,
    /// The Close was answered; the server ends the stream first (RFC 6455 section 7.1.1).
    End,
    Over,
}

impl Visit {
    pub(super) fn new(tcp: TcpStream, began: Instant) -> Self {
        Self {
            wire: Wire::new(tcp),
            began,
            phase: Phase::Connecting,
            received: Vec::new(),
            reader: Reader::default(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    pub(super) fn interest(&self) -> Interest {
        Interest::new(
            self.phase != Phase::Connecting,
            self.phase == Phase::Connecting,
        )
    }

    /// Does what can be done now.
    pub(super) fn go_on(
        &mut self,
        script: &Script,
        buffer: &mut [u8],
        latency: &mut Histogram,
    ) -> Result<()> {
        if self.phase == Phase::Connecting {
            return self.say(&script.request, Phase::Handshake);
        }
        let Some(len) = unless_blocked(self.wire.read(buffer))? else {
            return Ok(());
        };
        if len == 0 {
            ensure!(self.phase == Phase::End, "ended in {:?}", self.phase);
            self.phase = Phase::Over;
            return Ok(());
        }
        let input = buffer.get_mut(..len).unwrap_or_default();
        if self.phase == Phase::Handshake {
            return self.shake(input, script);
        }
        if self.take(input, script)? {
            latency.record(self.began.elapsed());
            self.say(&script.close, Phase::Close)?;
        }
        Ok(())
    }

    /// Sends something short; nothing else is under way, so there is room for it.
    fn say(&mut self, bytes: &[u8], next: Phase) -> Result<()> {
        self.wire.write_all(bytes)?;
        self.phase = next;
        Ok(())
    }

    fn shake(&mut self, input: &[u8], script: &Script) -> Result<()> {
        self.received.extend_from_slice(input);
        let Some(len) = http::head_len(&self.received)? else {
            return Ok(());
        };
        ensure!(
            len == self.received.len(),
            "a frame before the first message"
        );
        http::check_response(&self.received)?;
        self.received.clear();
        self.say(&script.message, Phase::Echo)
    }

    /// Reads frames; true when the echo is complete.
    fn take(&mut self, mut input: &mut [u8], script: &Script) -> Result<bool> {
        let mut echoed = false;
        while let Some(piece) = self.reader.next(&mut input)? {
            match piece {
                Piece::Header(_) => {}
                Piece::Payload(bytes, _) => self.received.extend_from_slice(bytes),
                Piece::End(header) => {
                    echoed |= self.end(header, script)?;
                    self.received.clear();
                }
            }
        }
        Ok(echoed)
    }

    fn end(&mut self, header: Header, script: &Script) -> Result<bool> {
        match (self.phase, header.kind) {
            (Phase::Echo, Kind::Binary) => {
                ensure!(self.received == script.echo, "a changed payload");
                Ok(true)
            }
            (Phase::Close, Kind::Close) => {
                self.phase = Phase::End;
                Ok(false)
            }
            (phase, kind) => bail!("{kind:?} in {phase:?}"),
        }
    }
}
