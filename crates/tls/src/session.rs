//! One connection's TLS without its socket: records in, plain bytes out, and the other way round.
//!
//! It owns what has to outlast a poll: the beginning of a record, plain bytes that nobody has taken
//! and records that the socket has not. While the connection is idle it owns none of them.

use std::io;
use std::mem;

use tokio::io::ReadBuf;
use tokio_rustls::rustls::server::UnbufferedServerConnection;
use tokio_rustls::rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use tokio_rustls::rustls::{self, CommonState};

use crate::connection::Connection;
use crate::kept::Kept;
use crate::scratch::RECORD;

/// The state of one connection; of a server's, unless it says otherwise.
pub(crate) struct Session<C = UnbufferedServerConnection> {
    connection: C,
    /// What the library has not used up of what came: less than a record.
    partial: Box<[u8]>,
    /// What is decrypted and not taken.
    plain: Kept,
    /// What is encrypted and not sent.
    unsent: Kept,
    inlet: Inlet,
    outlet: Outlet,
}

/// The stream from the peer.
#[derive(Debug)]
pub(crate) enum Inlet {
    /// More may come.
    Open,
    /// The peer has ended it, by a `close_notify` or by a FIN alone.
    Ended,
    /// What came is against the rules, and the connection with it.
    Failed(Box<rustls::Error>),
}

/// The stream to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outlet {
    Open,
    /// Nothing can follow: the `close_notify` or a fatal alert has been written.
    Closed,
}

/// Where decrypted bytes go: to the caller, and what does not fit there is kept.
struct Sink<'a, 'b> {
    buffer: &'a mut ReadBuf<'b>,
    rest: Vec<u8>,
}

impl<C: Connection> Session<C> {
    pub(crate) fn new(connection: C) -> Self {
        Self {
            connection,
            partial: Box::default(),
            plain: Kept::default(),
            unsent: Kept::default(),
            inlet: Inlet::Open,
            outlet: Outlet::Open,
        }
    }

    /// What the library knows of the connection.
    pub(crate) fn common(&self) -> &CommonState {
        self.connection.common()
    }

    /// Has the library say what it says unasked: a client begins, a server waits.
    pub(crate) fn begin(&mut self) {
        self.receive(&mut [], &mut ReadBuf::new(&mut []));
    }

    pub(crate) fn inlet(&self) -> &Inlet {
        &self.inlet
    }

    pub(crate) fn plain(&mut self) -> &mut Kept {
        &mut self.plain
    }

    pub(crate) fn unsent(&mut self) -> &mut Kept {
        &mut self.unsent
    }

    /// Puts what came before and is not used up to the front of `buffer`; how long that is.
    pub(crate) fn restore(&self, buffer: &mut [u8]) -> usize {
        match buffer.get_mut(..self.partial.len()) {
            Some(front) => front.copy_from_slice(&self.partial),
            None => return 0,
        }
        self.partial.len()
    }

    /// Takes in `records`, which begin with what [`Self::restore`] put there. Plain bytes go to
    /// `buffer`, and what does not fit is kept.
    pub(crate) fn receive(&mut self, records: &mut [u8], buffer: &mut ReadBuf<'_>) {
        let mut sink = Sink::new(buffer);
        let (used, ()) = self.advance(records, &mut sink, |_| ());
        self.plain.push(&sink.rest);
        self.keep_partial(records.get(used..).unwrap_or_default());
    }

    /// No more comes. An end without a `close_notify` is taken as one: whether the stream was cut
    /// off is seen by what is inside, as without TLS.
    pub(crate) fn receive_end(&mut self) {
        self.inlet = Inlet::Ended;
        self.partial = Box::default();
    }

    /// Encrypts `plain` into `records`, which has room for it; how much of `records` that took.
    pub(crate) fn seal(&mut self, plain: &[u8], records: &mut [u8]) -> io::Result<usize> {
        self.write(|traffic| traffic.encrypt(plain, records))
    }

    /// Adds the `close_notify` to what is not sent; nothing can be sealed any more.
    pub(crate) fn close(&mut self) {
        let mut alert = [0; 64];
        let len = self.write(|traffic| traffic.queue_close_notify(&mut alert));
        // What cannot be said is not owed: the peer is gone, or has been told by another alert.
        let len = len.unwrap_or(0);
        self.unsent.push(alert.get(..len).unwrap_or_default());
        self.outlet = Outlet::Closed;
    }

    fn write(
        &mut self,
        make: impl FnOnce(&mut WriteTraffic<'_, C::Data>) -> Result<usize, EncryptError>,
    ) -> io::Result<usize> {
        if self.outlet == Outlet::Closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // The library must always be shown what it has not used up: of a handshake message that
        // came in part it remembers the place, and looks there.
        let mut partial = mem::take(&mut self.partial);
        let mut nowhere = ReadBuf::new(&mut []);
        let mut sink = Sink::new(&mut nowhere);
        let (used, written) = self.advance(&mut partial, &mut sink, |traffic| traffic.map(make));
        self.plain.push(&sink.rest);
        if used == 0 {
            self.partial = partial;
        } else {
            self.keep_partial(partial.get(used..).unwrap_or_default());
        }
        match written {
            Some(written) => written.map_err(io::Error::other),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Lets the library work until it wants more input. Then `at_rest` may encrypt, if the
    /// handshake is so far. Returns how much of `records` is used up, and what `at_rest` did.
    fn advance<R>(
        &mut self,
        records: &mut [u8],
        sink: &mut Sink<'_, '_>,
        at_rest: impl FnOnce(Option<&mut WriteTraffic<'_, C::Data>>) -> R,
    ) -> (usize, R) {
        let mut used = 0;
        loop {
            let records = records.get_mut(used..).unwrap_or_default();
            let UnbufferedStatus { discard, state } = self.connection.process(records);
            used += discard;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        sink.put(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.unsent),
                // It is among what is not sent, which goes before everything else.
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.inlet = Inlet::Ended,
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    return (used, at_rest(Some(&mut traffic)));
                }
                Ok(_) => return (used, at_rest(None)),
                Err(error) => {
                    let records = records.get_mut(discard..).unwrap_or_default();
                    self.fail(error, records);
                    return (used, at_rest(None));
                }
            }
        }
    }

    /// Ends the connection. The library may want to tell the peer about it by an alert; it must
    /// not be asked for anything else any more.
    #[cold]
    fn fail(&mut self, error: rustls::Error, records: &mut [u8]) {
        self.inlet = Inlet::Failed(Box::new(error));
        self.outlet = Outlet::Closed;
        while self.common().wants_write() {
            match self.connection.process(records).state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.unsent),
                _ => return,
            }
        }
    }

    /// Keeps the beginning of a record, or of a handshake message in several: those get no more
    /// room than a record, or a peer could have us keep what it never completes.
    fn keep_partial(&mut self, rest: &[u8]) {
        self.partial = match self.inlet {
            Inlet::Open if rest.len() < RECORD => rest.into(),
            Inlet::Open => {
                let error = rustls::InvalidMessage::HandshakePayloadTooLarge.into();
                self.inlet = Inlet::Failed(Box::new(error));
                self.outlet = Outlet::Closed;
                Box::default()
            }
            Inlet::Ended | Inlet::Failed(_) => Box::default(),
        };
    }
}

#[cfg(test)]
impl<C> Session<C> {
    /// Bytes that are kept.
    pub(crate) fn held(&self) -> usize {
        self.partial.len() + self.plain.allocated() + self.unsent.allocated()
    }
}

/// Moves a message of the library's own to what is not sent.
fn encode<D>(mut data: EncodeTlsData<'_, D>, unsent: &mut Kept) {
    let Err(EncodeError::InsufficientSize(needed)) = data.encode(&mut []) else {
        return;
    };
    let mut message = vec![0; needed.required_size];
    if let Ok(len) = data.encode(&mut message) {
        unsent.push(message.get(..len).unwrap_or_default());
    }
}

impl<'a, 'b> Sink<'a, 'b> {
    fn new(buffer: &'a mut ReadBuf<'b>) -> Self {
        Self {
            buffer,
            rest: Vec::new(),
        }
    }

    fn put(&mut self, plain: &[u8]) {
        let fits = plain.len().min(self.buffer.remaining());
        let (now, later) = plain.split_at_checked(fits).unwrap_or_default();
        self.buffer.put_slice(now);
        self.rest.extend_from_slice(later);
    }
}
