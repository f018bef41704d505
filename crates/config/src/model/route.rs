//! Which requests go where, and under which policy.

use std::num::NonZeroU32;
use std::time::Duration;

use arcstr::ArcStr;

use super::channel::ChannelTemplate;
use super::choice::choice;

/// A match on host, path and headers, the clusters behind it and its policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Unique among the routes.
    pub name: ArcStr,
    /// What a request must have to take this route.
    pub matches: Match,
    /// Where its requests lead.
    pub target: Target,
    /// What its sessions are subscribed to; unique, and not empty where there is no cluster.
    pub channels: Vec<ChannelTemplate>,
    /// The first that the handshake has decides; none left: the balancer alone does.
    pub affinity: Vec<AffinitySource>,
    /// Policy for sessions.
    pub websocket: WebSocket,
    /// Policy for plain requests.
    pub http: Http,
}

/// Where the requests of a route lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To these; at least one, clusters unique.
    Clusters(Vec<Split>),
    /// Nowhere: the gateway opens the sessions itself, for what is published.
    PushOnly,
}

impl Target {
    /// The clusters, if it leads to some.
    #[must_use]
    pub fn clusters(&self) -> &[Split] {
        match self {
            Self::Clusters(shares) => shares,
            Self::PushOnly => &[],
        }
    }
}

/// One share of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The name of a cluster that exists.
    pub cluster: ArcStr,
    /// Its share is its weight over the sum of the route's weights.
    pub weight: NonZeroU32,
}

/// What a request must have: one of the hosts, the path, and every header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Empty: any host.
    pub hosts: Vec<HostPattern>,
    /// The path without its query.
    pub path: PathPattern,
    /// Empty: any headers.
    pub headers: Vec<HeaderMatch>,
}

/// A host name without port, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// This host and no other.
    Exact(String),
    /// Any host that ends with this suffix, which starts with a dot: `.chat.example.com`.
    Wildcard(String),
}

/// A path, compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathPattern {
    /// Any path.
    Any,
    /// This path and no other.
    Exact(String),
    /// Any path that starts with this text.
    Prefix(String),
    /// As many segments as the path has, one by one; capture names are unique.
    Template(Vec<Segment>),
}

/// What stands between two slashes of a path template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// This text and no other; empty for a slash at the end of the template.
    Literal(String),
    /// Any text but the empty one, known by this name.
    Capture(String),
}

/// A header with one exact value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HeaderMatch {
    /// In lower case.
    pub name: String,
    /// Compared byte by byte.
    pub value: String,
}

/// Where the value comes from that keeps sessions on their endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AffinitySource {
    /// A capture of the route's path template.
    Path(String),
    /// A cookie that the application sets.
    Cookie(String),
    /// A cookie that the gateway sets, which names the endpoint itself.
    IssuedCookie(IssuedCookie),
    /// A request header, in lower case.
    Header(String),
    /// A parameter of the query.
    Query(String),
    /// The network of the client's address, as far as proxies are trusted.
    ClientAddress(ClientAddress),
}

/// How many bits of a client's address decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    /// 1 to 128.
    pub ipv6_prefix: u8,
    /// 1 to 32.
    pub ipv4_prefix: u8,
}

/// A cookie that the gateway sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCookie {
    /// An RFC 6265 token.
    pub name: String,
    /// `Max-Age`; `None` makes it a session cookie. Whole seconds.
    pub max_age: Option<Duration>,
    /// `Secure`: sent over TLS only.
    pub secure: bool,
    /// `SameSite`.
    pub same_site: SameSite,
}

choice! {
    /// The `SameSite` attribute of a cookie.
    SameSite {
        /// Sent with requests from the same site only.
        Strict = "strict",
        /// Also sent when the user follows a link.
        Lax = "lax",
        /// Sent always; browsers want `Secure` with it.
        None = "none",
    }
}

/// Policy for the sessions of a route. Sizes count payload bytes on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocket {
    /// `None`: any `Origin`, and none.
    pub allowed_origins: Option<Vec<String>>,
    /// `None`: any subprotocol passes.
    pub subprotocols: Option<Vec<String>>,
    /// Bytes; more is Close 1009. `None`: no limit.
    pub max_message: Option<u64>,
    /// Bytes; more is Close 1009. `None`: no limit.
    pub max_frame: Option<u64>,
    /// No data message either way, and no published one, for this long is Close 1001. `None`: never.
    pub idle_timeout: Option<Duration>,
    /// The gateway's own Pings. `None`: there are none.
    pub pings: Option<Pings>,
    /// How long a session may live. `None`: as long as its peers want.
    pub max_lifetime: Option<MaxLifetime>,
    /// How long the closing handshake may take.
    pub close_timeout: Duration,
    /// Bytes kept in each direction for a slow reader; at least 4 KiB.
    pub buffer_limit: usize,
}

/// When a side is pinged, and when it is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pings {
    /// Nothing was read from it for this long: it is pinged.
    pub interval: Duration,
    /// Nothing was read from it for this long after that: it is dead.
    pub timeout: Duration,
}

/// The longest life of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxLifetime {
    /// No session lives longer.
    pub after: Duration,
    /// Each lives up to this much shorter, at random.
    pub jitter: Duration,
    /// The code of the Close that both sides get.
    pub code: u16,
    /// The reason in it.
    pub reason: String,
}

/// Policy for the plain requests of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// From the request's head to the response's head. `None`: no limit.
    pub request_timeout: Option<Duration>,
    /// Bytes of a request body. `None`: no limit.
    pub max_body: Option<u64>,
}
