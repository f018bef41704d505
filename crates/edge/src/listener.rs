//! Listening sockets: one a worker on the same address, set up once for all they accept.
//!
//! What is done with an accepted connection is not here; `accept` takes them from the socket.

mod settings;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use arcstr::ArcStr;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use switchyard_drain::{self as drain, Control, Phase, Watch};
use switchyard_telemetry::{ListenerMetrics, Metrics};

use crate::seat::Room;
pub(crate) use settings::Http2Settings;
pub use settings::ListenerSettings;

/// Connections that may wait to be accepted; the system's `net.core.somaxconn` may make it less.
const BACKLOG: i32 = 4_096;

/// A connection without traffic is asked for a sign of life after this long.
const KEEPALIVE_AFTER: Duration = Duration::from_mins(1);

/// How long after an unanswered question the next is asked.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// How long sent bytes may stay unacknowledged before the system gives the connection up.
///
/// This also ends a client that keeps its receive window shut for that long: it must read again
/// within this time, however alive it is otherwise.
const USER_TIMEOUT: Duration = Duration::from_mins(2);

/// One worker's socket of a listener.
pub struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) address: SocketAddr,
    pub(crate) shared: Arc<Shared>,
}

/// What the sockets of one listener have in common.
pub(crate) struct Shared {
    pub(crate) name: ArcStr,
    pub(crate) room: Room,
    pub(crate) settings: ArcSwap<ListenerSettings>,
    /// How far the gateway is on its way out, or the listener alone.
    pub(crate) watch: Watch,
    pub(crate) metrics: ListenerMetrics,
}

/// What listeners are opened for: a process.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// How many workers it has, each of which gets a socket of its own.
    pub workers: usize,
    /// Where they count.
    pub metrics: &'a Metrics,
    /// How far it is on its way out.
    pub watch: &'a Watch,
}

/// Where connections of a listener are received that were accepted elsewhere.
#[derive(Clone)]
pub struct Reception(pub(crate) Arc<Shared>);

/// A listener that is open: the way to change it, and to close it.
pub struct OpenListener {
    shared: Arc<Shared>,
    control: Control,
    /// The sockets of all workers once more, so that another listener can have them.
    sockets: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

impl Listener {
    /// The listener's name in the configuration.
    pub fn name(&self) -> &ArcStr {
        &self.shared.name
    }

    /// The address it accepts on, with the port that the system chose where 0 was configured.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Opens the sockets of a listener, one for each worker (at least one).
///
/// With more than one, the sockets share the address by `SO_REUSEPORT` and the system spreads
/// connections over them.
///
/// # Errors
/// What the system said: the address is in use (by another process of this user too), is not this
/// machine's, or needs a privilege.
pub fn bind(
    settings: &Arc<ListenerSettings>,
    site: Site<'_>,
) -> io::Result<(OpenListener, Vec<Listener>)> {
    let sockets = sockets(settings.address, site.workers.max(1))?;
    open(settings, sockets, site)
}

/// The same with sockets that listen already, wherever that is, such as those of a service manager. They are
/// set up as the others are.
///
/// # Errors
/// The system does not do that for one of them.
pub fn adopt(
    settings: &Arc<ListenerSettings>,
    sockets: Vec<TcpListener>,
    site: Site<'_>,
) -> io::Result<(OpenListener, Vec<Listener>)> {
    for socket in &sockets {
        socket.set_nonblocking(true)?;
        set_up(&SockRef::from(socket))?;
    }
    open(settings, sockets, site)
}

fn open(
    settings: &Arc<ListenerSettings>,
    sockets: Vec<TcpListener>,
    site: Site<'_>,
) -> io::Result<(OpenListener, Vec<Listener>)> {
    let (control, watch) = drain::part_of(site.watch);
    let shared = Arc::new(Shared {
        name: settings.name.clone(),
        room: Room::default(),
        settings: ArcSwap::new(Arc::clone(settings)),
        watch,
        metrics: site.metrics.listener(&settings.name),
    });
    let mut addresses = Vec::with_capacity(sockets.len());
    for socket in &sockets {
        addresses.push(socket.local_addr()?);
    }
    let copies = copies(&sockets)?;
    let listener = |(socket, address): (TcpListener, &SocketAddr)| Listener {
        address: *address,
        socket,
        shared: Arc::clone(&shared),
    };
    let listeners = sockets.into_iter().zip(&addresses).map(listener).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let open = OpenListener {
        shared: Arc::clone(&shared),
        control,
        sockets: copies,
        addresses,
    };
    Ok((open, listeners))
}

/// The same sockets by other descriptors.
fn copies(sockets: &[TcpListener]) -> io::Result<Vec<TcpListener>> {
    sockets.iter().map(TcpListener::try_clone).collect()
}

impl OpenListener {
    /// The listener's name in the configuration.
    pub fn name(&self) -> &ArcStr {
        &self.shared.name
    }

    /// The addresses it accepts on, with the port that the system chose where 0 was configured; one, unless its
    /// sockets were passed.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where connections are received that another process has accepted.
    pub fn reception(&self) -> Reception {
        Reception(Arc::clone(&self.shared))
    }

    /// Its sockets by other descriptors, for another process.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub fn duplicates(&self) -> io::Result<Vec<OwnedFd>> {
        let sockets = self.sockets.iter();
        sockets
            .map(|socket| socket.as_fd().try_clone_to_owned())
            .collect()
    }

    /// Connections that come from now on are received so.
    pub fn adopt(&self, settings: Arc<ListenerSettings>) {
        self.shared.settings.store(settings);
    }

    /// Another listener on the same sockets, to be served in place of this one: nobody who connects
    /// meanwhile is turned away.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub fn succeeded_by(
        &self,
        settings: &Arc<ListenerSettings>,
        site: Site<'_>,
    ) -> io::Result<(Self, Vec<Listener>)> {
        open(settings, copies(&self.sockets)?, site)
    }

    /// Accepts no more. Connections without a request are closed, the others behind the requests that they
    /// have; sessions are left alone.
    pub fn close(self) {
        // A socket that is open here would take connections in that nobody accepts.
        drop(self.sockets);
        self.control.advance(Phase::Draining);
    }
}

fn sockets(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    if count == 1 {
        return Ok(vec![listen(address, Sharing::Exclusive)?]);
    }
    refuse_taken(address)?;
    let first = listen(address, Sharing::Shared)?;
    let resolved = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(listen(resolved, Sharing::Shared)?);
    }
    Ok(sockets)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Exclusive,
    Shared,
}

/// `SO_REUSEPORT` would let a second gateway take half of the first one's connections without a
/// word. A socket without it cannot be bound beside one that listens.
fn refuse_taken(address: SocketAddr) -> io::Result<()> {
    if address.port() != 0 {
        bound(address, Sharing::Exclusive)?;
    }
    Ok(())
}

fn listen(address: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = bound(address, sharing)?;
    set_up(&socket)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bound(address: SocketAddr, sharing: Sharing) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(sharing == Sharing::Shared)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Accepted sockets inherit these, which saves four system calls a connection.
fn set_up(socket: &Socket) -> io::Result<()> {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_INTERVAL);
    let socket = SockRef::from(socket);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn local() -> SocketAddr {
        ([127, 0, 0, 1], 0).into()
    }

    #[test]
    fn workers_share_the_port_that_the_system_chose() {
        let sockets = sockets(local(), 3).unwrap();
        let mut addresses: Vec<_> = sockets
            .iter()
            .map(|socket| socket.local_addr().unwrap())
            .collect();
        addresses.dedup();
        assert_eq!(addresses.len(), 1);
        assert_ne!(addresses[0].port(), 0);
    }

    #[test]
    fn a_second_gateway_cannot_take_a_share() {
        for (first, second) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
            let taken = sockets(local(), first).unwrap();
            let error = sockets(taken[0].local_addr().unwrap(), second).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{first} {second}");
        }
    }

    #[test]
    fn accepted_sockets_inherit_the_options() {
        let listener = sockets(local(), 1).unwrap().remove(0);
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let accepted = SockRef::from(&accepted);
        assert!(accepted.tcp_nodelay().unwrap());
        assert!(accepted.keepalive().unwrap());
        assert_eq!(accepted.tcp_keepalive_time().unwrap(), KEEPALIVE_AFTER);
        assert_eq!(accepted.tcp_user_timeout().unwrap(), Some(USER_TIMEOUT));
    }
}
