//! A named group of interchangeable endpoints.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use arcstr::ArcStr;

use super::choice::choice;
use super::{ClusterTls, Discovery, OnRemoved};

/// A named group of interchangeable endpoints and their policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Unique among the clusters.
    pub name: ArcStr,
    /// Addresses unique; at least one, and none where they are looked up.
    pub endpoints: Vec<Endpoint>,
    /// Who says which endpoints there are. `None`: they are the ones above.
    pub discovery: Option<Discovery>,
    /// What happens to the sessions of an endpoint that is no longer found.
    pub on_removed: OnRemoved,
    /// How endpoints are ordered for a handshake.
    pub balancer: Balancer,
    /// How many times its share of keyed sessions an endpoint may have, in hundredths. `None`: any.
    pub bounded_load: Option<u32>,
    /// How long an endpoint that comes takes until it has its share of new sessions. `None`: no time.
    pub slow_start: Option<Duration>,
    /// The gateway's own zone, where its endpoints go first. `None`: zones make no difference.
    pub prefer_zone: Option<ArcStr>,
    /// How sessions are moved to endpoints that have come. `None`: they are not.
    pub rebalance: Option<Rebalance>,
    /// How the endpoints are spoken to over TLS. `None`: nothing is encrypted.
    pub tls: Option<ClusterTls>,
    /// How the endpoints are spoken to in HTTP/2. `None`: in HTTP/1.1.
    pub http2: Option<ClusterHttp2>,
    /// How long one endpoint may take to accept a connection, with the handshake of TLS.
    pub connect_timeout: Duration,
    /// How many endpoints are tried after the first.
    pub retries: u32,
    /// Percent of the requests that may be tried again; 1 to 100. `None`: all.
    pub retry_budget: Option<u32>,
    /// How header names are written to the endpoints.
    pub header_case: HeaderCase,
    /// What each connection to an endpoint begins with.
    pub proxy_protocol: SendProxy,
    /// Where connections come from; the system chooses if there is none. Unique, and where there
    /// are any, every endpoint has one of its family.
    pub source_addresses: Vec<IpAddr>,
    /// Handshakes in flight and sessions that one endpoint may have. `None`: no limit.
    pub max_sessions_per_endpoint: Option<NonZeroU32>,
    /// Handshakes under way and waiting, for each endpoint. `None`: no limit.
    pub pending_handshakes: Option<PendingHandshakes>,
    /// When endpoints are left out for what they do. `None`: never.
    pub outlier: Option<Outlier>,
    /// How endpoints are asked whether they work. `None`: nobody asks.
    pub health: Option<Health>,
    /// What happens while every endpoint is left out.
    pub when_none_healthy: NoneHealthy,
}

/// How sessions are moved to endpoints that have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebalance {
    /// How many times its share of the sessions is too many, in hundredths.
    pub above: u32,
    /// How many are asked to come again; at least 1.
    pub sessions_per_second: u32,
}

/// How connections of HTTP/2 to an endpoint are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterHttp2 {
    /// Connections that one worker has with one endpoint.
    pub max_connections: NonZeroU32,
    /// Streams that a connection has at the same time.
    pub max_concurrent_streams: NonZeroU32,
    /// What becomes of a handshake where an endpoint has no extended CONNECT.
    pub without_extended_connect: WithoutExtendedConnect,
}

choice! {
    /// What endpoints are spoken to in.
    Protocol {
        /// RFC 9112, and WebSockets by RFC 6455.
        Http1 = "http1",
        /// RFC 9113, and WebSockets by RFC 8441.
        Http2 = "http2",
    }
}

choice! {
    /// What becomes of a handshake where an endpoint has no extended CONNECT.
    WithoutExtendedConnect {
        /// The endpoint is passed over.
        Refuse = "refuse",
        /// It is asked in HTTP/1.1.
        Http1 = "http1",
    }
}

/// How many handshakes an endpoint may have under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingHandshakes {
    /// Dialled and not answered yet; at least 1.
    pub max: u32,
    /// Waiting for that.
    pub queue: u32,
    /// How long one waits.
    pub wait: Duration,
}

/// How endpoints are asked whether they work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// What is asked.
    pub probe: Probe,
    /// Between two probes of one endpoint.
    pub interval: Duration,
    /// For the connection and the answer.
    pub timeout: Duration,
    /// Bad answers in a row that make an endpoint unhealthy.
    pub unhealthy_after: NonZeroU32,
    /// Good answers in a row that make it healthy again.
    pub healthy_after: NonZeroU32,
}

/// What an endpoint is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// To open a WebSocket and to answer a Ping on it.
    WebSocket(WebSocketProbe),
    /// To answer a request.
    Http(HttpProbe),
    /// To accept a connection.
    Tcp,
}

/// A WebSocket that an endpoint has to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocketProbe {
    /// The path that is asked for.
    pub path: String,
    /// The `Host`; the endpoint's address where there is none.
    pub host: Option<ArcStr>,
    /// The subprotocol that is offered.
    pub subprotocol: Option<String>,
    /// From Ping to Pong.
    pub pong_within: Duration,
}

/// A request that an endpoint has to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpProbe {
    /// The path that is asked for.
    pub path: String,
    /// The `Host`; the endpoint's address where there is none.
    pub host: Option<ArcStr>,
    /// The only status that is good.
    pub expect: u16,
}

/// When an endpoint that fails in use is ejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlier {
    /// Failures in a row.
    pub consecutive_failures: NonZeroU32,
    /// Close codes of the endpoint that count as one.
    pub close_codes: Vec<u16>,
    /// How long, the first time.
    pub eject_for: Duration,
    /// Percent of the cluster's endpoints that may be ejected at once; 1 to 100.
    pub max_ejected: u32,
}

/// One address in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its text is the endpoint's identity; the port is not 0.
    pub address: SocketAddr,
    /// Its share is its weight over the sum of the cluster's weights.
    pub weight: NonZeroU32,
    /// Where it is.
    pub zone: Option<ArcStr>,
}

choice! {
    /// Orders a cluster's endpoints for one handshake.
    Balancer {
        /// Weighted rendezvous hash of the affinity value.
        Rendezvous = "rendezvous",
        /// Maglev hash of the affinity value: a table, for clusters of many hundreds.
        Maglev = "maglev",
        /// The less loaded of two that are picked at random.
        LeastSessions = "least_sessions",
        /// One after the other.
        RoundRobin = "round_robin",
        /// At random.
        Random = "random",
    }
}

choice! {
    /// What happens to new sessions while every endpoint is left out.
    NoneHealthy {
        /// All endpoints are tried as if none was.
        TryAll = "try_all",
        /// The client is answered 503.
        Refuse = "refuse",
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

choice! {
    /// Which PROXY header a connection to an endpoint begins with.
    SendProxy {
        /// None.
        Off = "off",
        /// One of version 1, which is text.
        V1 = "v1",
        /// One of version 2, which is binary: it says, too, whether the client came over TLS, and the
        /// request's id.
        V2 = "v2",
    }
}
