//! The declaration of a cluster.

use super::{Timeout, Weight};
use crate::decode::table::table;
use crate::decode::{At, List};
use crate::model::{Balancer, HeaderCase};
use crate::scalar::{Count, EndpointAddress, Name, SourceAddress};

table! {
    /// A group of application servers, any of which can serve a session.
    Cluster {
        /// Names the cluster in routes, metrics and logs.
        name: At<Name>, eg "chat";
        /// The servers. Their order does not matter.
        endpoints: List<Endpoint, 1>, eg "[{ address: 10.0.0.11:9000 }]";
        /// How the endpoints are ordered for a handshake: the first that takes the connection gets
        /// the session. A value of `affinity` is heeded by `rendezvous` only, an issued cookie by all.
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
