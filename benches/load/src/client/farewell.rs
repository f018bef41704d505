//! A session that does nothing until it is told to go, or is cut.

use std::io::{Read, Write};

use anyhow::{Result, bail};

use super::endings::{Endings, NO_CODE};
use crate::frame::{Header, Kind, Piece, Reader, masked};
use crate::wire::{Wire, unless_blocked};

/// An open session and how far it has come.
pub(super) struct Farewell {
    pub(super) wire: Wire,
    reader: Reader,
    /// Payload of the control frame that is being read.
    payload: Vec<u8>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// A Close came and was answered; the gateway is the one to end the connection.
    Told,
    Over,
}

impl Farewell {
    pub(super) fn new(wire: Wire) -> Result<Self> {
        wire.set_nonblocking()?;
        Ok(Self {
            wire,
            reader: Reader::default(),
            payload: Vec::new(),
            phase: Phase::Open,
        })
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Reads once, answers, and notes how it ends. An error is one of the gateway's making: what nobody sent.
    pub(super) fn go_on(&mut self, buffer: &mut [u8], endings: &mut Endings) -> Result<()> {
        match unless_blocked(self.wire.read(buffer)) {
            Ok(None) => {}
            Ok(Some(0)) => self.end(endings, false),
            Ok(Some(len)) => {
                let input = buffer.get_mut(..len).unwrap_or_default();
                if !self.take(input, endings)? {
                    self.end(endings, true);
                }
            }
            Err(_) => self.end(endings, true),
        }
        Ok(())
    }

    /// The connection is gone. Only that of a session that was not told is an end of its own.
    fn end(&mut self, endings: &mut Endings, is_reset: bool) {
        if self.phase == Phase::Open {
            endings.cut(is_reset);
        }
        self.phase = Phase::Over;
    }

    /// Reads frames; false when an answer cannot be sent any more.
    fn take(&mut self, mut input: &mut [u8], endings: &mut Endings) -> Result<bool> {
        while let Some(piece) = self.reader.next(&mut input)? {
            match piece {
                Piece::Header(_) => self.payload.clear(),
                Piece::Payload(bytes, _) => self.payload.extend_from_slice(bytes),
                Piece::End(header) => {
                    if !self.answer(header, endings)? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    fn answer(&mut self, header: Header, endings: &mut Endings) -> Result<bool> {
        let kind = match (self.phase, header.kind) {
            (Phase::Open, Kind::Close) => {
                let code = self.payload.first_chunk();
                endings.told(code.map_or(NO_CODE, |code| u16::from_be_bytes(*code)));
                self.phase = Phase::Told;
                Kind::Close
            }
            (Phase::Open, Kind::Ping) => Kind::Pong,
            // Caddy passes on the endpoint's Close after its own. Nobody looks at what comes after a Close.
            (Phase::Told, _) => return Ok(true),
            (_, kind) => bail!("{kind:?}, which nobody sent"),
        };
        // Short, and nothing else is under way, so there is room for it.
        Ok(self.wire.write_all(&masked(kind, &self.payload)).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::super::PATIENCE;
    use super::*;

    /// A session, the gateway's end of it, and where its end is noted.
    fn open() -> (Farewell, TcpStream, Endings) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (gateway, _) = listener.accept().unwrap();
        gateway.set_read_timeout(Some(PATIENCE)).unwrap();
        let session = Farewell::new(Wire::Plain(tcp)).unwrap();
        (session, gateway, Endings::of(1))
    }

    fn answer_of(gateway: &mut TcpStream, len: usize) -> Vec<u8> {
        let mut answer = vec![0; len];
        gateway.read_exact(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_close_is_answered_and_counts_once() {
        let (mut session, mut gateway, mut endings) = open();
        gateway.write_all(&[0x88, 0x03, 0x03]).unwrap();
        session.go_on(&mut [0; 64], &mut endings).unwrap();
        assert_eq!(endings.count(), 0);
        gateway.write_all(&[0xF4, b'x']).unwrap();
        session.go_on(&mut [0; 64], &mut endings).unwrap();
        assert_eq!((endings.count(), endings.with_code(1012)), (1, 1));
        let expected = masked(Kind::Close, &[0x03, 0xF4, b'x']);
        assert_eq!(answer_of(&mut gateway, expected.len()), expected);
        assert!(!session.is_over());
        drop(gateway);
        session.go_on(&mut [0; 64], &mut endings).unwrap();
        assert!(session.is_over());
        assert_eq!(endings.count(), 1);
    }

    #[test]
    fn a_close_without_a_code_is_none_without_a_close() {
        let (mut session, mut gateway, mut endings) = open();
        gateway.write_all(&[0x88, 0x00]).unwrap();
        session.go_on(&mut [0; 64], &mut endings).unwrap();
        assert_eq!(endings.with_code(NO_CODE), 1);
    }

    #[test]
    fn an_end_without_a_close_is_a_cut() {
        let (mut session, gateway, mut endings) = open();
        drop(gateway);
        session.go_on(&mut [0; 64], &mut endings).unwrap();
        assert!(session.is_over());
        assert_eq!((endings.count(), endings.cuts()), (1, 1));
    }

    #[test]
    fn what_comes_after_a_close_is_not_looked_at() {
        let (mut session, mut gateway, mut endings) = open();
        let closes = [0x88, 0x02, 0x03, 0xE9, 0x88, 0x02, 0x03, 0xE8];
        gateway.write_all(&closes).unwrap();
        session.go_on(&mut [0; 64], &mut endings).unwrap();
        assert_eq!((endings.count(), endings.with_code(1001)), (1, 1));
    }

    #[test]
    fn a_ping_is_answered_and_ends_nothing() {
        let (mut session, mut gateway, mut endings) = open();
        gateway.write_all(&[0x89, 0x01, b'p']).unwrap();
        session.go_on(&mut [0; 64], &mut endings).unwrap();
        let expected = masked(Kind::Pong, b"p");
        assert_eq!(answer_of(&mut gateway, expected.len()), expected);
        assert_eq!(endings.count(), 0);
    }

    #[test]
    fn a_message_is_an_error() {
        let (mut session, mut gateway, mut endings) = open();
        gateway.write_all(&[0x82, 0x01, b'm']).unwrap();
        session.go_on(&mut [0; 64], &mut endings).unwrap_err();
    }
}
