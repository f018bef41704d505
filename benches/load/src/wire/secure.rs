//! The client's side of TLS: one read and one write of the socket at a time, however many records
//! that is.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use rustls::{ClientConnection, HandshakeKind};

/// Bytes read from a socket at a time. What they and one record before them decrypt to fits into
/// 64 KiB.
const READ: usize = 44 * 1024;

/// Plain bytes that are encrypted for one write.
const WRITE: usize = 64 * 1024;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// A socket and its TLS session.
pub(crate) struct Secure {
    tcp: TcpStream,
    session: ClientConnection,
    /// The peer said goodbye.
    ended: bool,
}

impl Secure {
    pub(super) fn new(tcp: TcpStream, session: ClientConnection) -> Self {
        Self {
            tcp,
            session,
            ended: false,
        }
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.session.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    pub(super) fn is_unflushed(&self) -> bool {
        self.session.wants_write()
    }

    /// The peer will know that nothing was cut off.
    pub(super) fn say_goodbye(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.flush()
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.tcp) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        if self.session.wants_write() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let piece = bytes.get(..WRITE).unwrap_or(bytes);
        let taken = self.session.writer().write(piece)?;
        self.flush()?;
        Ok(taken)
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let found = self.decrypted(buffer)?;
            if let Some(len) = found {
                return Ok(len);
            }
            let len = INPUT.with_borrow_mut(|input| self.receive(input, buffer))?;
            self.flush()?;
            if let Some(len) = len {
                return Ok(len);
            }
        }
    }

    /// Reads the socket once and decrypts all of that; `None` if it was not a whole record.
    fn receive(&mut self, input: &mut [u8], buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let len = self.tcp.read(input)?;
        if len == 0 {
            return Ok(Some(0));
        }
        let mut rest = input.get(..len).unwrap_or_default();
        let mut filled = 0;
        while !rest.is_empty() {
            self.session.read_tls(&mut rest)?;
            let state = self.session.process_new_packets();
            self.ended = state.map_err(io::Error::other)?.peer_has_closed();
            let room = buffer.get_mut(filled..).unwrap_or_default();
            if !room.is_empty() {
                filled += self.decrypted(room)?.unwrap_or(0);
            }
        }
        Ok((filled > 0).then_some(filled))
    }

    /// What is decrypted and was not given yet. A peer that ends its stream without a goodbye has
    /// ended it all the same.
    fn decrypted(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.session.reader().read(buffer) {
            Ok(len) => Ok(Some(len)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Some(0)),
            Err(error) => Err(error),
        }
    }
}
