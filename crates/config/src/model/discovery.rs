//! Where the endpoints of a cluster are looked up.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::choice::choice;

/// Who says which endpoints a cluster has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discovery {
    /// The DNS.
    Dns(Dns),
    /// The `EndpointSlices` of a Kubernetes service.
    Kubernetes(Kubernetes),
}

/// A name that is looked up again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    /// The name.
    pub name: String,
    /// Which records, and where the port comes from.
    pub records: Records,
    /// Who is asked; empty: what the system asks.
    pub resolvers: Vec<SocketAddr>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// An answer is used for its TTL, but no shorter than this.
    pub min_refresh: Duration,
    /// Nor longer than this.
    pub max_refresh: Duration,
    /// How long after a failure it is asked again, the first time.
    pub retry: Duration,
    /// Whether a new process is ready only once it has been answered.
    pub required: bool,
}

/// Which records name the endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Records {
    /// IPv4 addresses, all with this port.
    A(u16),
    /// IPv6 addresses, all with this port.
    Aaaa(u16),
    /// Names with ports and weights.
    Srv,
}

choice! {
    /// The kind of a DNS record.
    RecordType {
        /// IPv4 addresses.
        A = "a",
        /// IPv6 addresses.
        Aaaa = "aaaa",
        /// Names, each with a port and a weight; of the lowest priority that there is.
        Srv = "srv",
    }
}

/// A Kubernetes service that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubernetes {
    /// Its namespace; `None`: the one of the pod, or of the kubeconfig's context.
    pub namespace: Option<String>,
    /// Its name.
    pub service: String,
    /// Which of its ports.
    pub port: ServicePort,
    /// How the API server is found; `None`: by what every pod has.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; `None`: its current one.
    pub context: Option<String>,
    /// Whether a new process is ready only once it has been answered.
    pub required: bool,
}

impl Discovery {
    /// Whether a new process is ready only once it has been answered.
    #[must_use]
    pub fn is_required(&self) -> bool {
        match self {
            Self::Dns(dns) => dns.required,
            Self::Kubernetes(kubernetes) => kubernetes.required,
        }
    }
}

/// A port of a Kubernetes service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServicePort {
    /// By its name in the service.
    Name(String),
    /// By the number that the pods listen on.
    Number(u16),
}

choice! {
    /// What happens to the sessions of an endpoint that has left.
    OnRemoved {
        /// They are asked to go, at the pace and with the Close of `drain`.
        Drain = "drain",
        /// They go on for as long as they last.
        Keep = "keep",
    }
}
