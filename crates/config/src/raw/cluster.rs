//! The declaration of a cluster.

use super::{ClusterTls, Dns, Kubernetes, Timeout, Weight};
use crate::decode::table::table;
use crate::decode::{At, List, Nothing, OrOff};
use crate::model::{
    Balancer, HeaderCase, NoneHealthy, OnRemoved, Protocol, SendProxy, WithoutExtendedConnect,
};
use crate::scalar::{
    CloseCode, Count, EndpointAddress, Factor, HeaderValue, Name, PathExact, Percent,
    SourceAddress, Subprotocol, Switch,
};

table! {
    /// A group of application servers, any of which can serve a session.
    Cluster {
        /// Names the cluster in routes, metrics and logs.
        name: At<Name>, eg "chat";
        /// The servers. Their order does not matter. Without them, `dns` or `kubernetes` says who they are.
        endpoints: Option<At<List<Endpoint, 1>>>, eg "[{ address: 10.0.0.11:9000 }]";
        /// Or a name in the DNS that has them.
        dns: Option<At<Dns>>;
        /// Or a Kubernetes service that has them.
        kubernetes: Option<At<Kubernetes>>;
        /// What happens to the sessions of an endpoint that discovery no longer finds.
        on_removed: OnRemoved = "drain";
        /// How the endpoints are ordered for a handshake: the first that takes the connection gets
        /// the session. Where the handshake has a value of `affinity` or an issued cookie, these decide
        /// and not the balancer.
        balancer: Balancer = "rendezvous";
        /// Where sessions go by `affinity`, an endpoint is passed over that has so many times its share of
        /// the sessions: they go to the next of the value's own order, and a popular value is split.
        bounded_load: OrOff<Factor<101, 10_000>> = "off", eg "1.25";
        /// How long an endpoint that joins others, or comes back after it was left out, takes to get from
        /// a tenth of its share of new sessions to the whole. Where they go by `affinity` it is only the
        /// bound of `bounded_load` that grows.
        slow_start: OrOff<Timeout> = "off", eg "30s";
        /// Endpoints of the gateway's own `zone` go before all others, for as long as they may be given
        /// sessions: with `bounded_load` up to that, of the whole cluster's share.
        prefer_same_zone: At<Switch> = "off";
        /// Sessions that would be better off on endpoints that have come are asked to connect again. Without
        /// it they stay where they are.
        rebalance: Option<Rebalance>;
        /// The endpoints are spoken to over TLS: `https` and `wss`. Without it nothing is encrypted.
        tls: Option<ClusterTls>;
        /// What the endpoints are spoken to in. With `http2` many sessions and requests share a connection, each
        /// as a stream, and WebSockets are opened by an extended CONNECT (RFC 8441).
        protocol: Protocol = "http1";
        /// How connections of HTTP/2 are used.
        http2: ClusterHttp2 = "{}", eg "{ max_connections: 2 }";
        /// How long one endpoint may take to accept a connection, with the handshake of TLS.
        connect_timeout: Timeout = "2s";
        /// How many endpoints are tried after the first, none of them twice. Nothing is tried again
        /// once a part of the request has been sent.
        retries: Count<0, 100> = "2";
        /// Tries after the first, of all handshakes and requests: no more than this share of them, so that
        /// endpoints that fail under their load do not get twice of it. Ten a second are free.
        retry_budget: OrOff<Percent> = "20%";
        /// How header names are written to the endpoints. HTTP says that it makes no difference;
        /// some servers disagree.
        header_case: HeaderCase = "lower";
        /// Each connection to an endpoint begins with a PROXY header, which says whose it is. The endpoints
        /// have to expect one. Such a connection serves one request and is not kept for another.
        proxy_protocol: At<SendProxy> = "off";
        /// Addresses of this machine that connections to the endpoints come from, evenly. One address
        /// has ports for some 28,000 sessions with one endpoint. `[]`: the system chooses.
        source_addresses: List<At<SourceAddress>, 0> = "[]", eg "[10.0.0.2, 10.0.0.3]";
        /// Sessions that one endpoint may have through this gateway, handshakes in flight included. A
        /// full endpoint is passed over; when all are full the client is answered 503.
        max_sessions_per_endpoint: OrOff<Count<1, 10_000_000>> = "off", eg "50000";
        /// Handshakes that one endpoint may have under way at once. Without it any number.
        pending_handshakes: Option<PendingHandshakes>;
        /// Endpoints that fail are left out for a while. Without it none is, whatever it does.
        outlier: Option<Outlier>;
        /// Endpoints are asked whether they work, and those that do not get no new sessions. Without it
        /// nobody asks.
        health: Option<At<Health>>;
        /// What happens to new sessions while every endpoint is left out.
        when_none_healthy: NoneHealthy = "try_all";
    }
}

table! {
    /// Used where `protocol` is `http2`.
    ClusterHttp2 {
        /// Connections that one worker has with one endpoint. Another is opened when all streams of those
        /// that there are have been taken.
        max_connections: Count<1, 1_000> = "8";
        /// Streams that a connection has at the same time; fewer where the endpoint says so.
        max_concurrent_streams: Count<1, 1_000> = "100";
        /// An endpoint that has no extended CONNECT gets no WebSockets (`refuse`: it is passed over), or
        /// gets them by an upgrade of HTTP/1.1, each on a connection of its own.
        without_extended_connect: WithoutExtendedConnect = "refuse";
    }
}

table! {
    /// Which sessions get a Close 1012 for it: those whose affinity value another endpoint owns by now, and,
    /// of an endpoint that has too many, those that would go to another. Those that an issued cookie leads
    /// back are left alone.
    Rebalance {
        /// An endpoint has too many with more than so many times its share of the sessions.
        above: Factor<101, 10_000> = "1.2";
        /// How many are asked in a second, by each gateway.
        sessions_per_second: Count<1, 1_000_000> = "20";
    }
}

table! {
    /// How many handshakes an endpoint does at once, from the dial to the head of its answer, and how many
    /// wait. Where the queue is full the next endpoint in order is asked; when all are full, or one has
    /// waited too long, the client is answered 503.
    PendingHandshakes {
        /// At once.
        max: Count<1, 1_000_000>, eg "100";
        /// In the queue.
        queue: Count<0, 1_000_000> = "1000";
        /// The longest time in the queue.
        wait: Timeout = "2s";
    }
}

table! {
    /// How endpoints are asked whether they work: by exactly one of `websocket`, `http` and `tcp`. The
    /// first answer decides at once.
    Health {
        /// It opens a WebSocket, which has to be answered with a valid 101, and sends a Ping.
        websocket: Option<At<WebSocketProbe>>;
        /// It sends a GET request, and looks at the status of the answer.
        http: Option<At<HttpProbe>>;
        /// It connects, with `tls` up to the end of that handshake, and no more.
        tcp: Option<At<Nothing>>, eg "{}";
        /// From one probe of an endpoint to the next, a tenth more or less at random.
        interval: Timeout = "5s";
        /// For the connection and the head of the answer.
        timeout: Timeout = "2s";
        /// So many bad answers in a row make an endpoint unhealthy.
        unhealthy_after: Count<1, 1_000> = "3";
        /// So many good answers in a row make it healthy again.
        healthy_after: Count<1, 1_000> = "2";
    }
}

table! {
    /// A WebSocket that an endpoint has to open.
    WebSocketProbe {
        /// The path that is asked for.
        path: PathExact, eg "/ws";
        /// The `Host` that is asked for; without it the endpoint's address.
        host: Option<HeaderValue>, eg "chat.example.com";
        /// A subprotocol that is offered; an endpoint may ignore it.
        subprotocol: Option<Subprotocol>, eg "chat.v2";
        /// How long the Pong may take.
        pong_within: Timeout = "2s";
    }
}

table! {
    /// A request that an endpoint has to answer.
    HttpProbe {
        /// The path that is asked for.
        path: PathExact, eg "/healthz";
        /// The `Host` that is asked for; without it the endpoint's address.
        host: Option<HeaderValue>, eg "chat.example.com";
        /// The only status that is good.
        expect: Count<200, 599> = "200";
    }
}

table! {
    /// When an endpoint that fails in use is left out (ejected), and for how long. What clients do is
    /// never held against an endpoint. Sessions that it has go on.
    Outlier {
        /// So many failures in a row eject an endpoint: connections that fail and handshakes that are
        /// answered 5xx or not at all, or, counted apart, sessions that it ends badly.
        consecutive_failures: Count<1, 1_000_000> = "5";
        /// The Close codes of an endpoint that are a bad end. A connection that it ends without a Close
        /// frame is one, too.
        close_codes: List<CloseCode, 0> = "[1011, 1012, 1013]";
        /// How long the first time; each time in a row adds as much, up to ten times of it.
        eject_for: Timeout = "30s";
        /// How many of the endpoints may be ejected at once, rounded down.
        max_ejected: Percent = "50%";
    }
}

table! {
    /// One server of a cluster.
    Endpoint {
        /// The address is also the identity: replicas agree on an endpoint by it.
        address: At<EndpointAddress>, eg "10.0.0.11:9000";
        /// Its share of the sessions is its weight over the sum of all weights.
        weight: Weight = "1";
        /// Where it is, as the gateway's `zone` names it. Kubernetes says it of its own.
        zone: Option<Name>, eg "eu-1a";
    }
}
