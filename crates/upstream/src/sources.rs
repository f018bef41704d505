//! The addresses of this machine that an endpoint is dialled from.
//!
//! The system tells the connections between two addresses apart by the port on this side, so one
//! source address has room for as many of them to an endpoint as there are ports. Several addresses
//! take turns, and one that has no port left is passed over.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use socket2::{Domain, Socket, Type};
use tokio::net::TcpStream;

use crate::ports;
use crate::tcp::{self, Told};

/// The source addresses for one endpoint, and whose turn it is.
#[derive(Debug)]
pub(crate) struct Sources {
    addresses: Box<[IpAddr]>,
    /// Shared by all workers.
    turn: AtomicUsize,
}

impl Sources {
    /// Those of `addresses` that are of the endpoint's family.
    pub(crate) fn towards(endpoint: SocketAddr, addresses: &[IpAddr]) -> Self {
        let of_its_family = |source: &&IpAddr| source.is_ipv4() == endpoint.is_ipv4();
        Self {
            addresses: addresses.iter().filter(of_its_family).copied().collect(),
            turn: AtomicUsize::new(0),
        }
    }

    /// How many connections there can be to the endpoint; `None` where the system does not say.
    pub(crate) fn ports(&self) -> Option<u32> {
        let addresses = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX);
        Some(ports::of_an_address()?.saturating_mul(addresses.max(1)))
    }

    /// Connects from the address whose turn it is, or from the next that has a port left. Without
    /// addresses the system chooses.
    pub(crate) async fn connect(&self, endpoint: SocketAddr, told: Told) -> io::Result<TcpStream> {
        if self.addresses.is_empty() {
            return tcp::connect(tcp::socket(endpoint)?, endpoint, told).await;
        }
        // On the heap: who has no addresses to choose from is no larger for it.
        Box::pin(self.connect_in_turn(endpoint, told)).await
    }

    async fn connect_in_turn(&self, endpoint: SocketAddr, told: Told) -> io::Result<TcpStream> {
        let mut passed_over = Vec::new();
        for source in self.in_turn() {
            match connect_from(source, endpoint, told).await {
                Ok(stream) => return Ok(stream),
                Err(Failure::NoPort) => passed_over.push(format!("{source} has no port left")),
                Err(Failure::NotOurs) => {
                    passed_over.push(format!("{source} is not an address of this machine"));
                }
                Err(Failure::Other(error)) => return Err(error),
            }
        }
        let reasons = format!("of the source addresses, {}", passed_over.join(", "));
        Err(io::Error::new(io::ErrorKind::AddrNotAvailable, reasons))
    }

    /// Every address once, beginning with the one whose turn it is.
    fn in_turn(&self) -> impl Iterator<Item = IpAddr> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let start = turn.checked_rem(self.addresses.len()).unwrap_or(0);
        let all = self.addresses.iter().chain(&self.addresses).copied();
        all.skip(start).take(self.addresses.len())
    }
}

/// Why there is no connection from a source address.
#[derive(Debug)]
enum Failure {
    /// All its ports have a connection to the endpoint.
    NoPort,
    /// The machine does not have the address.
    NotOurs,
    /// It has nothing to do with the address.
    Other(io::Error),
}

async fn connect_from(
    source: IpAddr,
    endpoint: SocketAddr,
    told: Told,
) -> Result<TcpStream, Failure> {
    let socket = tcp::socket(endpoint).map_err(Failure::Other)?;
    tcp::bind(&socket, source).map_err(|error| Failure::of(error, Failure::NotOurs))?;
    let connecting = tcp::connect(socket, endpoint, told).await;
    connecting.map_err(|error| Failure::of(error, Failure::NoPort))
}

impl Failure {
    /// The system's answer to a step that says `unavailable` with `EADDRNOTAVAIL`.
    fn of(error: io::Error, unavailable: Self) -> Self {
        if error.kind() == io::ErrorKind::AddrNotAvailable {
            unavailable
        } else {
            Self::Other(error)
        }
    }
}

/// Says of each address that it cannot be dialled from, if so: the operator shall know when the
/// gateway starts, and not when the other addresses have run out of ports.
///
/// It is no reason not to start: the gateway does its work from the others, and an address may be
/// given to the machine later.
pub(crate) fn try_out(cluster: &str, addresses: &[IpAddr]) {
    for source in addresses {
        if let Err(error) = try_binding(*source) {
            tracing::warn!(
                cluster, %source, %error,
                "a source address cannot be dialled from; the machine may not have it"
            );
        }
    }
}

fn try_binding(source: IpAddr) -> io::Result<()> {
    let address = SocketAddr::new(source, 0);
    Socket::new(Domain::for_address(address), Type::STREAM, None)?.bind(&address.into())
}

#[cfg(test)]
mod tests;
