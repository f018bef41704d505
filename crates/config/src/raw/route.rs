//! The declaration of a route: its match, its affinity and its policy.

use super::{Limit, Timeout, Weight};
use crate::decode::entries::report_repeats;
use crate::decode::table::{one_of, table};
use crate::decode::{At, Decode, List, OrOff};
use crate::model::{HeaderMatch, HostPattern, SameSite};
use crate::node::{Key, Node, Value};
use crate::report::{Problem, Report};
use crate::scalar::{
    CaptureName, Channel, CloseCode, CloseReason, CookieName, Count, HeaderName, HeaderValue,
    MAX_MS, Name, Origin, PathExact, PathPrefix, Percent, QueryName, Scalar, Size, Subprotocol,
    Switch, Template, Time,
};
use crate::shape::Shape;

table! {
    /// Sends the requests that match to a cluster, WebSocket and plain ones alike.
    Route {
        /// Names the route in metrics and logs.
        name: At<Name>, eg "chat";
        /// What a request must have. Without it the route takes every request.
        matches as "match": Match = "{}", eg "{ path_prefix: /chat/ }";
        /// The cluster that gets the requests; or several, each with its share. A client stays with
        /// its share when it has an affinity value.
        cluster: Option<At<Target>>, eg "[{ cluster: chat, weight: 95 }, { cluster: canary, weight: 5 }]";
        /// Another spelling of the list in `cluster`.
        split: Option<At<List<Share, 1>>>;
        /// There is no cluster: the gateway opens the sessions itself, and its clients get what is published
        /// on `channels`. What they send is read and dropped.
        push_only: At<Switch> = "off";
        /// What every session of the route is subscribed to: text, with values of the request in it:
        /// `{path.NAME}`, a capture of `path`; `{query.NAME}`, a parameter; `{header.NAME}`; and
        /// `{subprotocol.NAME}`, the rest of the first offered subprotocol that begins with `NAME.`. All but
        /// letters, digits and -_.!~*'() is percent-encoded in a value. One without its value is left out.
        channels: At<List<At<Channel>, 0>> = "[]", eg "[\"room:{path.room}\", news]";
        /// What keeps a session on its endpoint: the first of these that the handshake has. When it
        /// has none of them, the balancer alone decides.
        affinity: List<At<AffinitySource>, 0> = "[]", eg "[{ cookie: sid }, client_address]";
        /// Policy for sessions.
        websocket: WebSocket = "{}";
        /// Policy for plain requests.
        http: At<Http> = "{}";
    }
}

table! {
    /// A share of a route.
    Share {
        /// The cluster that gets it.
        cluster: At<Name>, eg "chat";
        /// The share is this weight over the sum of the weights.
        weight: Weight, eg "95";
    }
}

table! {
    /// What a request must have: one of the hosts, the path, and all of the headers.
    Match {
        /// Hosts without port, in any case: whole ones, or `*.` and the end of one. ASCII only;
        /// other scripts take their `xn--` form. Without it any host matches.
        hosts: Option<List<HostPattern, 1>>, eg "[chat.example.com, \"*.chat.example.com\"]";
        /// A path whose segments may be captures, `{name}`, which match any one segment that is not
        /// empty. The whole path must match. At most one of `path`, `path_exact` and `path_prefix`;
        /// without them any path matches.
        path: Option<At<Template>>, eg "/rooms/{room}";
        /// A path, compared byte by byte, as all paths are.
        path_exact: Option<At<PathExact>>, eg "/socket";
        /// The beginning of a path. `/chat` also takes `/chatter`; `/chat/` does not.
        path_prefix: Option<At<PathPrefix>>, eg "/chat/";
        /// Headers, each with its value. Names are compared in any case, values byte by byte.
        headers: Headers = "{}", eg "{ x-tenant: acme }";
    }
}

one_of! {
    /// Where the value comes from that keeps a session on its endpoint: a mapping with one of these
    /// keys, or a word alone.
    AffinitySource {
        /// A capture of the route's `path`.
        Path(At<CaptureName>) = path, eg "room";
        /// A cookie of the application.
        Cookie(CookieName) = cookie, eg "sid";
        /// A cookie of the gateway's own, which names the endpoint without disclosing it. It is set
        /// on the answer to a request that came without it.
        IssuedCookie(IssuedCookie) = issued_cookie, eg "{ name: SYAFF, max_age: 1h }";
        /// A request header.
        Header(HeaderName) = header, eg "x-user-id";
        /// A parameter of the query.
        Query(QueryName) = query, eg "user";
        /// The network of the client's address, or of the one that a trusted proxy reports. Always
        /// there, so it comes last.
        ClientAddress(ClientAddress) = client_address, alone "{}", eg "{ ipv6_prefix: 56 }";
    }
}

table! {
    /// How many bits of the client's address decide; clients that share them share an endpoint.
    ClientAddress {
        /// Of an IPv6 address. A home or a phone has 64 for itself, and takes temporary addresses
        /// within them (RFC 8981).
        ipv6_prefix: Count<1, 128> = "64";
        /// Of an IPv4 address, also where it is written as an IPv6 one (`::ffff:192.0.2.1`).
        ipv4_prefix: Count<1, 32> = "32";
    }
}

table! {
    /// A cookie that the gateway sets.
    IssuedCookie {
        /// The cookie's name.
        name: CookieName, eg "SYAFF";
        /// How long the browser keeps it, in whole seconds. `off` is until the browser closes.
        max_age: At<OrOff<Time<1_000, MAX_MS>>> = "off", eg "1h";
        /// Sent over TLS only. The TLS may end before the gateway.
        secure: At<Switch> = "on";
        /// From which pages it is sent.
        same_site: At<SameSite> = "lax";
    }
}

table! {
    /// Policy for the sessions of a route. Sizes count payload as it is on the wire, compressed or
    /// not.
    WebSocket {
        /// The pages that may open a session, compared whole with the `Origin` header, in any case
        /// and without the scheme's own port. Without it any may, and clients without `Origin`.
        allowed_origins: Option<List<Origin, 1>>, eg "[\"https://chat.example.com\"]";
        /// The subprotocols that may be agreed on. Without it any may.
        subprotocols: Option<List<Subprotocol, 1>>, eg "[chat.v2, chat.v1]";
        /// A longer message is refused before any of its excess is passed on: Close 1009.
        max_message: OrOff<Limit> = "16MiB";
        /// A longer frame is refused before any of it is passed on: Close 1009.
        max_frame: OrOff<Limit> = "16MiB";
        /// A session without a data message either way, and without a published one, for this long ends: Close 1001.
        idle_timeout: OrOff<Timeout> = "off", eg "10m";
        /// A side from which nothing was read for this long gets a Ping of the gateway's own, each side
        /// for itself. Their Pongs go no further, and are measured.
        ping_interval: At<OrOff<Timeout>> = "off", eg "30s";
        /// A side from which nothing was read for this long after a Ping is dead, and the session ends. Up to a
        /// minute, or up to `ping_interval` where that is longer.
        pong_timeout: At<Timeout> = "10s";
        /// No session lives longer, whatever it does. Without it a session lives as long as its peers
        /// want.
        max_lifetime: Option<MaxLifetime>;
        /// How long a closing handshake may take.
        close_timeout: Timeout = "5s";
        /// Kept in each direction for a reader that is slow; the sender waits meanwhile. Over TLS up to
        /// 64 KiB that are encrypted already come on top.
        buffer_limit: Size<4096, 1_073_741_824> = "256KiB";
    }
}

table! {
    /// Both sides of a session that has lived long enough get a Close, each behind the message that is on
    /// its way to it.
    MaxLifetime {
        /// The longest life.
        after: Timeout, eg "12h";
        /// Each session lives shorter by so much of it at the most, at random, so that sessions that began
        /// together do not end together.
        jitter: OrOff<Percent> = "10%";
        /// What they are told.
        close: LifetimeClose = "{}";
    }
}

table! {
    /// The Close frame that both sides of a session get at the end of its life.
    LifetimeClose {
        /// 1001 is for going away; clients that reconnect after 1012 only want that.
        code: CloseCode = "1001";
        /// A text for the close event of a browser.
        reason: CloseReason = "max lifetime";
    }
}

table! {
    /// Policy for the plain requests of a route.
    Http {
        /// From the head of the request to the head of the response: 504 after it.
        request_timeout: OrOff<Timeout> = "60s";
        /// A longer request body is refused: 413.
        max_body: OrOff<Limit> = "10MiB";
    }
}

/// Where a route leads.
#[derive(Debug)]
pub(crate) enum Target {
    /// To one cluster.
    Cluster(At<Name>),
    /// To several, each with its share.
    Shares(List<Share, 1>),
}

impl Decode for Target {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        match &node.value {
            Value::Scalar(_) => At::decode(node, report).map(Self::Cluster),
            Value::List(shares) if !shares.is_empty() => {
                List::decode(node, report).map(Self::Shares)
            }
            Value::Null | Value::List(_) | Value::Map(_) => {
                let found = node.found();
                let message = format!("expected a name or a list of shares, found {found}");
                let help = "such as `chat`, or \
                            `[{ cluster: chat, weight: 95 }, { cluster: canary, weight: 5 }]`";
                report.add(Problem::new(node.span, message).help(help));
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::Or {
            one: Name::form(),
            other: Box::new(List::<Share, 1>::shape()),
        }
    }
}

/// Headers and their values.
#[derive(Debug)]
pub(crate) struct Headers(pub(crate) Vec<HeaderMatch>);

impl Decode for Headers {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let message = format!("expected a mapping, found {}", node.found());
            let help = "header names and their values, such as `x-tenant: acme`";
            report.add(Problem::new(node.span, message).help(help));
            return None;
        };
        report_repeats(entries, str::to_ascii_lowercase, report);
        let headers: Vec<_> = entries.iter().map(|entry| header(entry, report)).collect();
        headers.into_iter().collect::<Option<_>>().map(Self)
    }

    fn shape() -> Shape {
        Shape::Map {
            key: HeaderName::form(),
            value: HeaderValue::form(),
        }
    }
}

fn header((key, value): &(Key, Node), report: &mut Report) -> Option<HeaderMatch> {
    let name = HeaderName::decode(&key.as_node(), report);
    let value = HeaderValue::decode(value, report);
    Some(HeaderMatch {
        name: name?.0,
        value: value?.0,
    })
}
