//! One short visit: connect, handshake, echo, Close, end of stream.

use std::io::{Read, Write};
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
    /// The Close was answered and our stream is ended; the other end is to follow.
    End,
    Over,
}

impl Visit {
    pub(super) fn new(wire: Wire, began: Instant) -> Self {
        Self {
            wire,
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
        let connecting = self.phase == Phase::Connecting;
        Interest::new(!connecting, connecting || self.wire.is_unflushed())
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
        if self.phase == Phase::End {
            return self.await_end(buffer);
        }
        self.wire.flush()?;
        let Some(len) = unless_blocked(self.wire.read(buffer))? else {
            return Ok(());
        };
        ensure!(len > 0, "ended in {:?}", self.phase);
        let input = buffer.get_mut(..len).unwrap_or_default();
        if self.phase == Phase::Handshake {
            return self.shake(input, script);
        }
        if self.take(input, script)? {
            latency.record(self.began.elapsed());
            self.say(&script.close, Phase::Close)?;
        }
        if self.phase == Phase::End && self.wire.is_ended() {
            self.phase = Phase::Over;
        }
        Ok(())
    }

    /// All is said. How the other end hangs up does not matter any more.
    fn await_end(&mut self, buffer: &mut [u8]) -> Result<()> {
        match unless_blocked(self.wire.read(buffer)) {
            Ok(None) => {}
            Ok(Some(0)) | Err(_) => self.phase = Phase::Over,
            Ok(Some(len)) => bail!("{len} bytes after the Close"),
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
                // The server is the one to end the stream first (RFC 6455 section 7.1.1). It is on
                // its way; many clients end theirs as well, and Envoy and Go's proxies wait for it.
                // If it is there already, there is nothing to end.
                self.phase = match self.wire.shutdown() {
                    Ok(()) => Phase::End,
                    Err(_) => Phase::Over,
                };
                Ok(false)
            }
            (phase, kind) => bail!("{kind:?} in {phase:?}"),
        }
    }
}
