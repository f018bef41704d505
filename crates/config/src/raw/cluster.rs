//! The declaration of a cluster.

use super::{Timeout, Weight};
use crate::decode::table::table;
use crate::decode::{At, List, OrOff};
use crate::model::{Balancer, HeaderCase, NoneHealthy};
use crate::scalar::{CloseCode, Count, EndpointAddress, Name, Percent, SourceAddress};

table! {
    /// A group of application servers, any of which can serve a session.
    Cluster {
        /// Names the cluster in routes, metrics and logs.
        name: At<Name>, eg "chat";
        /// The servers. Their order does not matter.
        endpoints: List<Endpoint, 1>, eg "[{ address: 10.0.0.11:9000 }]";
        /// How the endpoints are ordered for a handshake: the first that takes the connection gets
        /// the session. Where the handshake has a value of `affinity` or an issued cookie, these decide
        /// and not the balancer.
        balancer: Balancer = "rendezvous";
        /// How long one endpoint may take to accept a connection.
        connect_timeout: Timeout = "2s";
        /// How many endpoints are tried after the first, none of them twice. Nothing is tried again
        /// once a part of the request has been sent.
        retries: Count<0, 100> = "2";
        /// How header names are written to the endpoints. HTTP says that it makes no difference;
        /// some servers disagree.
        header_case: HeaderCase = "lower";
        /// Addresses of this machine that connections to the endpoints come from, evenly. One address
        /// has ports for some 28,000 sessions with one endpoint. `[]`: the system chooses.
        source_addresses: List<At<SourceAddress>, 0> = "[]", eg "[10.0.0.2, 10.0.0.3]";
        /// Sessions that one endpoint may have through this gateway, handshakes in flight included. A
        /// full endpoint is passed over; when all are full the client is answered 503.
        max_sessions_per_endpoint: OrOff<Count<1, 10_000_000>> = "off", eg "50000";
        /// Endpoints that fail are left out for a while. Without it none is, whatever it does.
        outlier: Option<Outlier>;
        /// What happens to new sessions while every endpoint is left out.
        when_none_healthy: NoneHealthy = "try_all";
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
    }
}
