//! Sockets as every part of the benchmark wants them: non-blocking, without Nagle's delay.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use crate::poll::Interest;

/// Connections that may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Accepts without blocking.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// The next connection, or `None` when none is waiting.
pub(crate) fn accept(listener: &TcpListener) -> io::Result<Option<TcpStream>> {
    match listener.accept() {
        Ok((stream, _)) => {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            Ok(Some(stream))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether this is for want of descriptors, which come back when connections end.
pub(crate) fn is_for_want_of_descriptors(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::MFILE.raw_os_error())
}

/// Begins to connect; the stream becomes writable when it is done or has failed.
pub(crate) fn begin_connect(target: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<TcpStream> {
    let socket = socket(target, source)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&target.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}

/// Connects and waits for it; reads and writes wait too, for `patience` at most. With a `window` the
/// system keeps about so many bytes that are not read.
pub(crate) fn connect(
    target: SocketAddr,
    source: Option<Ipv4Addr>,
    window: Option<usize>,
    patience: Duration,
) -> io::Result<TcpStream> {
    let socket = socket(target, source)?;
    if let Some(window) = window {
        socket.set_recv_buffer_size(window)?;
    }
    socket.connect_timeout(&target.into(), patience)?;
    socket.set_read_timeout(Some(patience))?;
    socket.set_write_timeout(Some(patience))?;
    Ok(socket.into())
}

/// Waits until a read or a write would not block, whatever is of interest; an error when that takes too long.
pub(crate) fn wait(source: impl AsFd, interest: Interest, patience: Duration) -> io::Result<()> {
    let flags = match interest {
        Interest::Nothing => PollFlags::empty(),
        Interest::Read => PollFlags::IN,
        Interest::Write => PollFlags::OUT,
        Interest::Both => PollFlags::IN | PollFlags::OUT,
    };
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    match rustix::event::poll(&mut [PollFd::new(&source, flags)], Some(&patience)) {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn socket(target: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(target),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_tcp_nodelay(true)?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(IpAddr::V4(source), 0).into())?;
    }
    Ok(socket)
}

/// Loopback addresses to connect from, in turn: each has its own 28,000 ports.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    count: u8,
    next: u8,
}

impl Sources {
    /// 127.0.0.1 and those after it. None of them is bound for `count` 0: the system chooses.
    pub(crate) fn new(count: u8) -> Self {
        Self { count, next: 0 }
    }

    pub(crate) fn next(&mut self) -> Option<Ipv4Addr> {
        if self.count == 0 {
            return None;
        }
        self.next = self.next % self.count + 1;
        Some(Ipv4Addr::new(127, 0, 0, self.next))
    }
}
