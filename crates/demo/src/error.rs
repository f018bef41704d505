//! What can go wrong with the application servers, in words that a person at the terminal reads.

use std::net::SocketAddr;

use thiserror::Error;

/// Why an application server could not be started, killed or revived.
#[derive(Debug, Error)]
pub enum Error {
    /// More servers were asked for than there are names and colours.
    #[error("{asked} servers asked for; there are names for 1 to {most}")]
    Count {
        /// How many were asked for.
        asked: usize,
        /// How many there can be.
        most: usize,
    },
    /// The address cannot be bound or listened on.
    #[error("server {name}: cannot listen on {address}: {source}")]
    Listen {
        /// The server's name.
        name: &'static str,
        /// The address it was to listen on.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// No server has that name.
    #[error("no server is called {0:?}")]
    Unknown(String),
    /// The server is dead already.
    #[error("server {0} is dead already")]
    Dead(&'static str),
    /// The server is live already.
    #[error("server {0} is live already")]
    Live(&'static str),
}
