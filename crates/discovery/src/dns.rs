//! Endpoints that DNS names: A, AAAA or SRV records, asked for again when they expire.
//!
//! [`follow`] is the source. What it asks is in `lookup`, which SRV records count in `srv`, when it
//! asks again in `pace`, and what it tells in `watch`.
//!
//! Not here: `/etc/hosts`, which is no DNS; multicast DNS; DNS over TLS or HTTPS; DNSSEC. For those
//! the name server that is asked is the place.

mod failure;
mod lookup;
mod pace;
mod srv;
mod watch;

use std::net::SocketAddr;
use std::time::Duration;

pub use failure::Failure;

use crate::found::Updates;
use lookup::Client;
use pace::Pace;

/// What is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name. With a dot at its end it is asked as it is; without one, the search list of
    /// `/etc/resolv.conf` holds, where that is used.
    pub name: String,
    /// The records that are asked for.
    pub kind: Kind,
}

/// Records that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 addresses (RFC 1035, section 3.4.1).
    A {
        /// The port of every endpoint.
        port: u16,
    },
    /// IPv6 addresses (RFC 3596).
    Aaaa {
        /// The port of every endpoint.
        port: u16,
    },
    /// Services (RFC 2782): port, weight and priority are those of the records, and their targets
    /// are resolved to addresses of both families.
    Srv,
}

/// Who is asked, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolver {
    /// The name servers, asked over UDP, and over TCP where an answer does not fit. None: those of
    /// `/etc/resolv.conf`, with its search list; the file is read anew for every lookup.
    pub servers: Vec<SocketAddr>,
    /// How long one question may take with all its repetitions. A lookup of SRV records asks
    /// twice in a row: for the records, then for their targets.
    pub timeout: Duration,
}

/// When a name is looked up again. Every wait is up to a tenth longer than said here, at random, so
/// that replicas do not keep step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refresh {
    /// The least time between two lookups, however short a record is valid.
    pub min: Duration,
    /// The longest time between two lookups, however long a record is valid.
    pub max: Duration,
    /// The time to the next lookup after one that failed. It doubles with each further failure, up
    /// to `max`.
    pub retry: Duration,
}

/// Follows a name until nobody listens to `updates` any more.
///
/// Tells all endpoints when they change, and each failure; a failure takes nothing back. An answer
/// without records is a failure too: a name that has lost its records by mistake must not take a
/// cluster away.
pub async fn follow(name: Name, resolver: Resolver, refresh: Refresh, updates: Updates) {
    let client = &Client::new(name, resolver);
    let followed = watch::watch(|| client.ask(), Pace::new(refresh), &updates);
    tokio::select! {
        () = updates.closed() => {}
        () = followed => {}
    }
}
