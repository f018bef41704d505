//! The server's side of TLS for the reference: no buffer of its own while nothing is on its way.
//!
//! It is rustls without rustls's buffers: records are read into a buffer that all connections
//! share and written from another. A connection keeps the part of a record that has come, and what
//! the peer has not taken.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeTlsData, EncryptError, UnbufferedStatus};

/// Bytes read from a socket at a time. With the part of a record before them they decrypt to less
/// than 64 KiB.
const READ: usize = 44 * 1024;

/// The longest record, and then some.
const RECORD: usize = 18 * 1024;

/// Plain bytes that are encrypted for one write.
const WRITE: usize = 64 * 1024;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = RefCell::new(vec![0; RECORD + READ]);
    static OUTPUT: RefCell<Vec<u8>> = RefCell::new(vec![0; WRITE + RECORD]);
}

/// A socket and its TLS session.
pub(crate) struct Lean {
    tcp: TcpStream,
    session: UnbufferedServerConnection,
    /// The beginning of a record.
    partial: Vec<u8>,
    /// Encrypted, and not taken yet.
    unsent: Vec<u8>,
    /// The peer said goodbye.
    ended: bool,
}

impl Lean {
    pub(super) fn new(tcp: TcpStream, session: UnbufferedServerConnection) -> Self {
        Self {
            tcp,
            session,
            partial: Vec::new(),
            unsent: Vec::new(),
            ended: false,
        }
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn is_unflushed(&self) -> bool {
        !self.unsent.is_empty()
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        let unsent = std::mem::take(&mut self.unsent);
        self.send(&unsent)
    }

    /// Decrypts what one read of the socket brings, which fits into 64 KiB.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        INPUT.with_borrow_mut(|input| {
            let kept = self.partial.len();
            let Some((front, room)) = input.split_at_mut_checked(kept) else {
                return Err(io::Error::other("an endless record"));
            };
            let received = self.tcp.read(room.get_mut(..READ).unwrap_or_default())?;
            if received == 0 {
                return Ok(0);
            }
            front.copy_from_slice(&self.partial);
            let records = input.get_mut(..kept + received).unwrap_or_default();
            let plain = self.decrypt(records, buffer)?;
            self.flush()?;
            if plain == 0 && !self.ended {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(plain)
        })
    }

    /// Takes whole records, keeps the rest, and says how many plain bytes came of it.
    fn decrypt(&mut self, mut records: &mut [u8], buffer: &mut [u8]) -> io::Result<usize> {
        let mut plain = 0;
        loop {
            let UnbufferedStatus { discard, state } = self.session.process_tls_records(records);
            let mut more = true;
            match state.map_err(io::Error::other)? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let payload = record.map_err(io::Error::other)?.payload;
                        plain += copy(payload, buffer.get_mut(plain..).unwrap_or_default())?;
                    }
                }
                ConnectionState::EncodeTlsData(data) => encode(data, &mut self.unsent)?,
                ConnectionState::TransmitTlsData(sent) => sent.done(),
                ConnectionState::PeerClosed => self.ended = true,
                _ => more = false,
            }
            records = records.get_mut(discard..).unwrap_or_default();
            if !more {
                self.partial = records.to_vec();
                return Ok(plain);
            }
        }
    }

    /// Encrypts up to 64 KiB and sends that, unless what was taken before is still here.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        if self.is_unflushed() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let piece = bytes.get(..WRITE).unwrap_or(bytes);
        self.encrypt(|traffic, output| traffic.encrypt(piece, output))?;
        Ok(piece.len())
    }

    /// The peer will know that nothing was cut off.
    pub(super) fn say_goodbye(&mut self) -> io::Result<()> {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method alone has one lifetime, and any is needed"
        )]
        self.encrypt(|traffic, output| traffic.queue_close_notify(output))
    }

    fn encrypt(
        &mut self,
        make: impl FnOnce(&mut WriteTraffic<'_>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> io::Result<()> {
        OUTPUT.with_borrow_mut(|output| {
            let status = self.session.process_tls_records(&mut []);
            let ConnectionState::WriteTraffic(mut traffic) =
                status.state.map_err(io::Error::other)?
            else {
                return Err(io::Error::other("nothing can be said yet"));
            };
            let len = make(&mut traffic, output).map_err(io::Error::other)?;
            self.send(output.get(..len).unwrap_or_default())
        })
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let sent = super::unless_blocked(self.tcp.write(bytes))?.unwrap_or(0);
        self.unsent
            .extend_from_slice(bytes.get(sent..).unwrap_or_default());
        Ok(())
    }
}

type WriteTraffic<'c> = rustls::unbuffered::WriteTraffic<'c, ServerConnectionData>;

fn encode(
    mut data: EncodeTlsData<'_, ServerConnectionData>,
    unsent: &mut Vec<u8>,
) -> io::Result<()> {
    let start = unsent.len();
    unsent.resize(start + RECORD, 0);
    let room = unsent.get_mut(start..).unwrap_or_default();
    let len = data.encode(room).map_err(io::Error::other)?;
    unsent.truncate(start + len);
    Ok(())
}

fn copy(payload: &[u8], room: &mut [u8]) -> io::Result<usize> {
    match room.get_mut(..payload.len()) {
        Some(room) => room.copy_from_slice(payload),
        None => return Err(io::Error::other("more plain bytes than room")),
    }
    Ok(payload.len())
}
