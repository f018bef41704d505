//! A named group of interchangeable endpoints.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::choice::choice;

/// A named group of interchangeable endpoints and their policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Unique among the clusters.
    pub name: Arc<str>,
    /// At least one, addresses unique.
    pub endpoints: Vec<Endpoint>,
    /// How endpoints are ordered for a handshake.
    pub balancer: Balancer,
    /// How long one endpoint may take to accept a connection.
    pub connect_timeout: Duration,
    /// How many endpoints are tried after the first.
    pub retries: u32,
    /// How header names are written to the endpoints.
    pub header_case: HeaderCase,
    /// Where connections come from; the system chooses if there is none. Unique, and where there
    /// are any, every endpoint has one of its family.
    pub source_addresses: Vec<IpAddr>,
}

/// One address in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its text is the endpoint's identity; the port is not 0.
    pub address: SocketAddr,
    /// Its share is its weight over the sum of the cluster's weights.
    pub weight: NonZeroU32,
}

choice! {
    /// Orders a cluster's endpoints for one handshake.
    Balancer {
        /// Weighted rendezvous hash of the affinity value.
        Rendezvous = "rendezvous",
        /// The less loaded of two that are picked at random.
        LeastSessions = "least_sessions",
        /// One after the other.
        RoundRobin = "round_robin",
        /// At random.
        Random = "random",
    }
}

choice! {
    /// How header names are written to an HTTP/1 endpoint.
    HeaderCase {
        /// In lower case.
        Lower = "lower",
        /// As the client wrote them.
        Preserve = "preserve",
    }
}
