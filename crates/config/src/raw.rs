//! The file as it is written: one declaration for each table, with its keys, defaults and docs.
//!
//! Nothing here looks beyond one value; what concerns several is for [`crate::lower`]. A table is
//! read as far as it goes: each key may be unknown for itself.

mod bus;
mod cluster;
mod cluster_tls;
mod discovery;
mod listener;
mod process;
mod push;
mod route;

use ipnet::IpNet;

use crate::decode::table::table;
use crate::decode::{At, List};
use crate::model::Workers;
use crate::scalar;

pub(crate) use bus::{Bus, BusTls, Nats, Redis, Sentinel};
pub(crate) use cluster::{
    Cluster, ClusterHttp2, Endpoint, Health, HttpProbe, Outlier, PendingHandshakes, Rebalance,
    WebSocketProbe,
};
pub(crate) use cluster_tls::{ClientCertificate, ClusterTls};
pub(crate) use discovery::{Dns, Kubernetes};
pub(crate) use listener::{Certificate, Listener, Tls};
pub(crate) use process::{Access, AccessTable, Admin, Drain, Log, Reload};
pub(crate) use push::{History, Push, PushQueue};
pub(crate) use route::{
    AffinitySource, ClientAddress, Http, IssuedCookie, Match, MaxLifetime, Route, Share, Target,
    WebSocket,
};

/// A wait that may be none at all.
pub(crate) type Delay = scalar::Time<0, { scalar::MAX_MS }>;
/// A limit in time; one of nothing makes no sense.
pub(crate) type Timeout = scalar::Time<1, { scalar::MAX_MS }>;
/// A limit in bytes; one of nothing makes no sense.
pub(crate) type Limit = scalar::Size<1, { scalar::MAX_BYTES }>;
/// A share of a whole that is the sum of all weights.
pub(crate) type Weight = scalar::Count<1, 1_000_000>;

table! {
    /// The whole file.
    Document {
        /// Where connections are accepted.
        listeners: List<Listener, 1>;
        /// Where this gateway is, such as its availability zone; for `prefer_same_zone`.
        zone: Option<At<scalar::Name>>, eg "eu-1a";
        /// Or a file that says so, and nothing else but the space around it.
        zone_file: Option<At<scalar::File>>, eg "/etc/podinfo/zone";
        /// A file with at least 16 bytes of secret, the same on every replica; space around it does
        /// not count. It keys the hash that places sessions and the cookies that the gateway issues,
        /// so that a client cannot choose its endpoint. Without it a public key is used: replicas
        /// agree all the same, and clients can work out where a value leads.
        affinity_key_file: Option<At<scalar::File>>, eg "/etc/switchyard/affinity-key";
        /// Networks of the proxies before the gateway. Only their `Forwarded` and `X-Forwarded-*`
        /// headers are believed, and their PROXY headers where a listener has `proxy_protocol`.
        trusted_proxies: List<IpNet, 0> = "[]", eg "[10.0.0.0/8, \"2001:db8::/32\"]";
        /// Which request goes where: the first that matches, in this order. None matching is a 404.
        routes: List<Route, 1>;
        /// What stands behind the gateway. Where all routes are `push_only`, nothing does.
        clusters: Option<List<Cluster, 1>>, eg "[{ name: chat, endpoints: [{ address: 10.0.0.11:9000 }] }]";
        /// What carries published messages between replicas: nothing, which is for one process, or servers
        /// that all replicas share. A change comes with a restart.
        bus: Bus = "memory", eg "{ redis: { url: \"redis://10.0.0.5:6379\" } }";
        /// What is published to sessions.
        push: Push = "{}";
        /// How sessions are asked to go at shutdown.
        drain: Drain = "{}";
        /// When this file is read again.
        reload: Reload = "{}";
        /// Metrics, health and control. Without it there is no such listener.
        admin: Option<Admin>;
        /// What is logged, and how. Lines go to standard output; those of the access log may go to a file.
        log: Log = "{}";
        /// Threads that carry sessions; `auto` is one for each processor the process may use.
        workers: Workers = "auto", eg "4";
    }
}
