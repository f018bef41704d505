//! The configuration that the rest of the gateway works with.
//!
//! A value of these types came out of [`crate::parse`], so it is complete and its references hold:
//! every route's cluster exists, every path capture is in its template, names are unique. Nothing
//! here knows about YAML.

mod channel;
mod choice;
mod cluster;
mod cluster_tls;
mod discovery;
mod file;
mod listener;
mod process;
mod push;
mod route;
mod secret;
mod written;

use ipnet::IpNet;

pub use channel::{ChannelPart, ChannelSource, ChannelTemplate};
pub(crate) use choice::Choice;
pub use cluster::{
    Balancer, Cluster, ClusterHttp2, Endpoint, HeaderCase, Health, HttpProbe, NoneHealthy, Outlier,
    PendingHandshakes, Probe, Protocol, Rebalance, SendProxy, WebSocketProbe,
    WithoutExtendedConnect,
};
pub use cluster_tls::{ClientCertificate, ClusterTls, Trust};
pub use discovery::{Discovery, Dns, Kubernetes, OnRemoved, RecordType, Records, ServicePort};
pub(crate) use file::describe;
pub use file::{NamedFile, Unreadable};
pub use listener::{
    AcceptProxy, Certificate, ClientAuth, ClientCa, Http2, Listener, TicketKey, Tls, TlsVersion,
};
pub use process::{
    AccessLog, Admin, Drain, DrainClose, DrainOrder, Log, LogFormat, LogLevel, Reload, Workers,
};
pub use push::{
    Bus, BusLink, BusTls, History, Nats, NatsIdentity, OnFull, Push, PushQueue, Redis, RedisServer,
    RedisServers,
};
pub use route::{
    AffinitySource, ClientAddress, HeaderMatch, HostPattern, Http, IssuedCookie, Match,
    MaxLifetime, PathPattern, Pings, Route, SameSite, Segment, Split, Target, WebSocket,
};
pub use secret::Secret;
pub(crate) use secret::WrongLength;
pub use written::Written;

/// A whole configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Addresses to accept on; at least one, names unique.
    pub listeners: Vec<Listener>,
    /// Keys the affinity hash and the issued cookies; the same on every replica. At least 16 bytes.
    pub affinity_key: Option<Secret>,
    /// Peers whose `Forwarded` and `X-Forwarded-*` headers are believed, and their PROXY headers.
    pub trusted_proxies: Vec<IpNet>,
    /// First match wins, in this order; names unique.
    pub routes: Vec<Route>,
    /// Names unique; empty where no route leads to one.
    pub clusters: Vec<Cluster>,
    /// What carries published messages between replicas.
    pub bus: Bus,
    /// What is published to sessions.
    pub push: Push,
    /// How sessions are asked to go at shutdown.
    pub drain: Drain,
    /// When the file is read again.
    pub reload: Reload,
    /// `None`: no admin listener.
    pub admin: Option<Admin>,
    /// What is logged, and how.
    pub log: Log,
    /// How many worker threads carry sessions.
    pub workers: Workers,
    /// The same as it was written.
    pub written: Written,
}

impl Config {
    /// The same with nothing in the files of its listeners' TLS, for whom what is in them is no matter.
    #[must_use]
    pub fn without_listener_files(&self) -> Self {
        let listeners = self.listeners.iter().map(Listener::without_contents);
        Self {
            listeners: listeners.collect(),
            ..self.clone()
        }
    }
}
