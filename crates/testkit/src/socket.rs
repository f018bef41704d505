//! A blocking TCP connection that a test reads and writes byte by byte.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket as RawSocket, Type};

use crate::wait::PATIENCE;

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With a FIN.
    Eof,
    /// With a RST.
    Reset,
}

/// One connection; whichever side the test plays. Reads and writes give up after [`PATIENCE`].
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    /// Bytes that were read past the end of a head.
    ahead: Vec<u8>,
}

impl Socket {
    /// Connects from any address.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        Self::from(TcpStream::connect(address).expect("something listens"))
    }

    /// Connects from a chosen address of this machine, such as `127.0.0.7`.
    #[track_caller]
    pub fn connect_from(source: IpAddr, address: SocketAddr) -> Self {
        let socket =
            RawSocket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        socket
            .bind(&SocketAddr::new(source, 0).into())
            .expect("a loopback address");
        socket.connect(&address.into()).expect("something listens");
        Self::from(TcpStream::from(socket))
    }

    /// Connects with a receive buffer of about `bytes`, so that little lies in the kernel.
    #[track_caller]
    pub fn connect_narrow(address: SocketAddr, bytes: usize) -> Self {
        let socket =
            RawSocket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(bytes).expect("a size");
        socket.connect(&address.into()).expect("something listens");
        Self::from(TcpStream::from(socket))
    }

    /// The address of this end.
    pub fn local(&self) -> SocketAddr {
        self.stream.local_addr().expect("connected")
    }

    /// A second handle on the same connection, for a thread that only writes.
    #[must_use]
    pub fn writer(&self) -> Self {
        Self::from(self.handle())
    }

    /// Writes all of `bytes`.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the other side takes it");
    }

    /// Writes all of `bytes`, unless the other side is gone.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Writes `block` again and again, until the other side takes no more for `pause` or has taken
    /// `most` bytes; returns how many it took.
    pub fn fill(&mut self, block: &[u8], pause: Duration, most: usize) -> usize {
        self.stream
            .set_write_timeout(Some(pause))
            .expect("a timeout");
        let mut taken = 0;
        while taken < most
            && let Ok(n) = self.stream.write(block)
        {
            taken += n;
        }
        self.stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a timeout");
        taken
    }

    /// Exactly `N` bytes.
    #[track_caller]
    pub fn receive<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes).expect("more bytes");
        bytes
    }

    /// Exactly `len` bytes.
    #[track_caller]
    pub fn receive_vec(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.read_exact(&mut bytes).expect("more bytes");
        bytes
    }

    /// The bytes up to and including the next `pattern`.
    #[track_caller]
    pub fn receive_through(&mut self, pattern: &[u8]) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.ahead);
        loop {
            if let Some(at) = bytes
                .windows(pattern.len())
                .position(|window| window == pattern)
            {
                self.ahead = bytes.split_off(at + pattern.len());
                return bytes;
            }
            let mut more = [0; 4096];
            let n = self.stream.read(&mut more).expect("more bytes");
            let seen = String::from_utf8_lossy(&bytes);
            assert_ne!(
                n,
                0,
                "the stream ended before {:?}: {seen:?}",
                String::from_utf8_lossy(pattern)
            );
            bytes.extend_from_slice(&more[..n]);
        }
    }

    /// From now on reading gives an error where it would have to wait.
    pub fn set_nonblocking(&self) {
        self.stream.set_nonblocking(true).expect("a socket option");
    }

    /// Waits for the next byte, which stays to be read; whether there is one.
    pub fn has_more(&mut self) -> bool {
        !self.ahead.is_empty() || self.stream.peek(&mut [0]).is_ok_and(|n| n > 0)
    }

    /// The same now, without waiting for any.
    pub fn has_now(&mut self) -> bool {
        self.stream.set_nonblocking(true).expect("a socket option");
        let has_more = self.has_more();
        self.stream.set_nonblocking(false).expect("a socket option");
        has_more
    }

    /// Everything up to the end, and how it ended.
    #[track_caller]
    pub fn drain(&mut self) -> (Vec<u8>, End) {
        let mut bytes = Vec::new();
        match self.read_to_end(&mut bytes) {
            Ok(_) => (bytes, End::Eof),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => (bytes, End::Reset),
            Err(error) => panic!("the stream neither ended nor broke: {error}"),
        }
    }

    /// Waits for the end, with no byte before it.
    #[track_caller]
    pub fn expect_end(&mut self) -> End {
        let (bytes, end) = self.drain();
        assert!(
            bytes.is_empty(),
            "{:?} before the end",
            String::from_utf8_lossy(&bytes)
        );
        end
    }

    /// Says that no more will be written: a FIN.
    pub fn finish(&mut self) {
        // The other side may have closed first.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// A handle that writes without waiting, with little room for what the other side does not take.
    #[must_use]
    pub fn narrow_sender(&self) -> TcpStream {
        let handle = self.handle();
        SockRef::from(&handle)
            .set_send_buffer_size(8192)
            .expect("a size");
        handle.set_nonblocking(true).expect("a socket option");
        handle
    }

    /// A handle with which the connection can be ended from elsewhere.
    #[must_use]
    pub fn handle(&self) -> TcpStream {
        self.stream.try_clone().expect("a descriptor")
    }

    /// Breaks the connection: a RST.
    pub fn reset(self) {
        SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .expect("a socket option");
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a socket option");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket option");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a socket option");
        Self {
            stream,
            ahead: Vec::new(),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            return self.stream.read(out);
        }
        let n = out.len().min(self.ahead.len());
        out[..n].copy_from_slice(&self.ahead[..n]);
        self.ahead.drain(..n);
        Ok(n)
    }
}
