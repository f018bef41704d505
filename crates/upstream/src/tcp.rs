//! A TCP connection, from its socket to where it can be written to.
//!
//! As tokio's own `connect`, but for two things that each session would pay for: the acknowledgement that ends TCP's
//! handshake can go with the first bytes instead of alone, and the system is asked why a connection failed only where
//! it did. Not here: which address it comes from, and how long it may take.

use std::io;
use std::net::{IpAddr, SocketAddr};

use nix::errno::Errno;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::IpBindAddressNoPort;
use socket2::{Domain, Socket, Type};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// When an endpoint learns of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// As soon as there is one.
    AtOnce,
    /// With the first bytes, which are to be written at once: the system waits for them for 200 ms. That saves a segment,
    /// and the endpoint a wake. [`acknowledge`] is to follow them.
    WithFirstBytes,
}

/// A socket for connections to `endpoint`, which has no address yet.
pub(crate) fn socket(endpoint: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(endpoint);
    Socket::new(domain, Type::STREAM.nonblocking(), None)
}

/// Gives `socket` an address and no port.
///
/// A port that is chosen while binding is taken whatever the socket is then connected to, so all
/// endpoints together would have no more ports than one. With `IP_BIND_ADDRESS_NO_PORT` it is
/// chosen while connecting, when it only has to be free towards the endpoint.
pub(crate) fn bind(socket: &Socket, source: IpAddr) -> io::Result<()> {
    setsockopt(socket, IpBindAddressNoPort, &true)?;
    socket.bind(&SocketAddr::new(source, 0).into())
}

/// Connects.
///
/// # Errors
/// The endpoint refuses or cannot be reached, or there is no port left to connect from.
pub(crate) async fn connect(
    socket: Socket,
    endpoint: SocketAddr,
    told: Told,
) -> io::Result<TcpStream> {
    if told == Told::WithFirstBytes {
        socket.set_tcp_quickack(false)?;
    }
    match socket.connect(&endpoint.into()) {
        Err(error) if !is_begun(&error) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let stream = TcpStream::from_std(socket.into())?;
    let ready = stream.ready(Interest::WRITABLE | Interest::ERROR).await?;
    if (ready.is_error() || ready.is_write_closed())
        && let Some(error) = stream.take_error()?
    {
        return Err(error);
    }
    Ok(stream)
}

/// Has the first of what the endpoint writes acknowledged at once again: it may hold its second write back until then
/// (Nagle's algorithm, RFC 9293 section 3.7.4).
pub(crate) fn acknowledge(stream: &TcpStream) {
    if let Err(error) = stream.set_quickack(true) {
        tracing::debug!(%error, "a connection to an endpoint acknowledges late");
    }
}

fn is_begun(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EINPROGRESS as i32)
}
