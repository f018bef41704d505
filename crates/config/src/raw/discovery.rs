//! The declarations of discovery.

use super::Timeout;
use crate::decode::table::table;
use crate::decode::{At, List};
use crate::model::RecordType;
use crate::scalar::{
    Count, DnsName, EndpointAddress, File, KubernetesName, ServicePort, Switch, Text,
};

table! {
    /// A name whose records are the endpoints. It is asked for again when an answer's TTL is over; when
    /// the answer fails the last good one stays.
    Dns {
        /// The name.
        name: DnsName, eg "chat.internal";
        /// The port of every endpoint; SRV records have their own.
        port: Option<At<Count<1, 65_535>>>, eg "9000";
        /// Which records are asked for.
        type_ as "type": RecordType = "a";
        /// Who is asked; `[]` is what the system asks.
        resolvers: List<EndpointAddress, 0> = "[]", eg "[\"10.0.0.53:53\"]";
        /// How long an answer may take.
        timeout: Timeout = "2s";
        /// An answer is used for its TTL, but no shorter than this.
        min_refresh: At<Timeout> = "1s";
        /// Nor longer than this.
        max_refresh: At<Timeout> = "5m";
        /// How long after a failure it is asked again, the first time; later ones wait longer.
        retry: Timeout = "1s";
        /// A new process is ready only once this has been answered.
        required: Switch = "on";
    }
}

table! {
    /// A Kubernetes service whose `EndpointSlices` are the endpoints. They are watched; while the API
    /// server is away the last good state stays.
    Kubernetes {
        /// The namespace of the service; without it, the one that the gateway's pod is in, or with `kubeconfig` the one of
        /// its context (`default` if that has none).
        namespace: Option<KubernetesName>, eg "prod";
        /// Its name.
        service: KubernetesName, eg "chat";
        /// The name of its port, or the number that its pods listen on.
        port: ServicePort, eg "ws";
        /// How to find the API server; without it, by what every pod has.
        kubeconfig: Option<At<File>>, eg "/etc/switchyard/kubeconfig";
        /// The context in that file; without it, the current one.
        context: Option<At<Text>>, eg "prod";
        /// A new process is ready only once this has been answered.
        required: Switch = "on";
    }
}
