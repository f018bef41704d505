//! Sockets that the service manager listens on and hands over: `sd_listen_fds(3)`.
//!
//! A socket is for the listener that has its name, and otherwise for the one that has its address. While the
//! gateway is away the manager keeps it, and clients wait instead of being refused.

use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;

/// The names of the sockets, with `:` between them.
const NAMES: &str = "LISTEN_FDNAMES";

/// The first descriptor that is handed over.
const FIRST: usize = 3;

/// Sockets that were handed over to this process, and have no listener yet.
#[derive(Debug, Default)]
pub struct Passed {
    sockets: Vec<Socket>,
}

#[derive(Debug)]
struct Socket {
    name: String,
    address: SocketAddr,
    listener: TcpListener,
}

/// Why sockets that were handed over cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ActivationError {
    /// What was handed over is not a TCP socket that listens.
    #[error(
        "descriptor {descriptor} (`{name}`), which the service manager passed, is no TCP socket that listens: {source}"
    )]
    Unfit {
        /// Its number.
        descriptor: usize,
        /// Its name; empty if it has none.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// There is no listener for it.
    #[error(
        "socket `{name}` on {address}, which the service manager passed, fits no listener: \
         give one this name or address, or say the name of one in FileDescriptorName="
    )]
    Spare {
        /// Its name.
        name: String,
        /// Where it listens.
        address: SocketAddr,
    },
}

impl Passed {
    /// What was handed over to this process, if anything. It is no longer in the environment after this, nor
    /// inherited by children, so ask once, before any thread is started.
    ///
    /// # Errors
    /// Something is not a TCP socket that listens.
    pub fn from_env() -> Result<Self, ActivationError> {
        let names = std::env::var(NAMES).unwrap_or_default();
        let mut descriptors = ListenFd::from_env();
        let names = names.split(':').chain(std::iter::repeat(""));
        let sockets = (0..descriptors.len()).zip(names).map(|(index, name)| {
            let socket = taken(&mut descriptors, index, name);
            socket.map_err(|source| ActivationError::Unfit {
                descriptor: FIRST.saturating_add(index),
                name: name.to_owned(),
                source,
            })
        });
        let sockets = sockets.collect::<Result<_, _>>()?;
        Ok(Self { sockets })
    }

    /// The sockets of each of `listeners`, in their order.
    ///
    /// # Errors
    /// A socket is for none of them.
    pub(crate) fn among(
        self,
        listeners: &[(&str, SocketAddr)],
    ) -> Result<Vec<Vec<TcpListener>>, ActivationError> {
        let mut shares: Vec<_> = listeners.iter().map(|_| Vec::new()).collect();
        for socket in self.sockets {
            let owner = owner(&socket, listeners).and_then(|index| shares.get_mut(index));
            match owner {
                Some(share) => share.push(socket.listener),
                None => {
                    return Err(ActivationError::Spare {
                        name: socket.name,
                        address: socket.address,
                    });
                }
            }
        }
        Ok(shares)
    }
}

fn owner(socket: &Socket, listeners: &[(&str, SocketAddr)]) -> Option<usize> {
    let named = listeners.iter().position(|(name, _)| *name == socket.name);
    named.or_else(|| {
        let is_its = |(_, address): &(&str, SocketAddr)| *address == socket.address;
        listeners.iter().position(is_its)
    })
}

fn taken(descriptors: &mut ListenFd, index: usize, name: &str) -> io::Result<Socket> {
    let listener = descriptors.take_tcp_listener(index)?;
    let listener = listener.ok_or(io::ErrorKind::NotFound)?;
    if !socket_acceptconn(&listener)? {
        return Err(io::Error::other(
            "it does not listen; `Accept=yes` is for other services",
        ));
    }
    Ok(Socket {
        name: name.to_owned(),
        address: listener.local_addr()?,
        listener,
    })
}

/// One socket for each of `workers` in turn, and again from the first: each worker has one at least, and each
/// socket a worker. Those that were made for it accept from one queue.
pub(crate) fn spread(sockets: &[TcpListener], workers: usize) -> io::Result<Vec<TcpListener>> {
    let places = workers.max(sockets.len());
    let turns = sockets.iter().cycle().take(places);
    turns.map(TcpListener::try_clone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(name: &str) -> Socket {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Socket {
            name: name.to_owned(),
            address: listener.local_addr().unwrap(),
            listener,
        }
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_goes_before_an_address() {
        let (named, other) = (socket("web"), socket("switchyard.socket"));
        let listeners = [
            ("admin", named.address),
            ("web", other.address),
            ("spare", address("127.0.0.1:1")),
        ];
        let expected = [vec![], vec![named.address, other.address], vec![]];
        let sockets = vec![named, other];
        let shares = Passed { sockets }.among(&listeners).unwrap();
        let of = |it: &TcpListener| it.local_addr().unwrap();
        let found: Vec<Vec<_>> = shares
            .iter()
            .map(|it| it.iter().map(of).collect())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn one_that_fits_none_is_an_error_that_says_so() {
        let sockets = vec![socket("metrics")];
        let at = sockets[0].address;
        let listeners = [("web", address("127.0.0.1:1"))];
        let error = Passed { sockets }.among(&listeners).unwrap_err();
        let expected =
            format!("socket `metrics` on {at}, which the service manager passed, fits no listener");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }

    #[test]
    fn every_worker_has_a_socket_and_every_socket_a_worker() {
        for (sockets, workers) in [(1, 1), (1, 4), (2, 4), (3, 4), (4, 2), (5, 2)] {
            let all: Vec<_> = (0..sockets).map(|_| socket("web").listener).collect();
            let turns = spread(&all, workers).unwrap();
            assert!(turns.len() >= workers);
            let mut served: Vec<_> = turns.iter().map(|it| it.local_addr().unwrap()).collect();
            served.sort_unstable();
            served.dedup();
            assert_eq!(served.len(), sockets, "{sockets} for {workers}");
        }
    }
}
