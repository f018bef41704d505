//! The declaration of a cluster's TLS.

use crate::decode::At;
use crate::decode::table::table;
use crate::model::TlsVersion;
use crate::scalar::{File, ServerName, Switch};

table! {
    /// How the endpoints are spoken to over TLS. Each has to show a certificate that the gateway can
    /// verify, for the name that it knows the endpoint by.
    ClusterTls {
        /// The name that every endpoint has to show, and that it is asked for: a DNS name or an IP
        /// address. Without it each its own: the target of its SRV record, the name that `dns` looks up,
        /// or else its IP address.
        server_name: Option<ServerName>, eg "chat.internal";
        /// A PEM file with the certificates of the authorities that are trusted, and of no others.
        /// Without it those that this machine trusts.
        ca: Option<At<File>>, eg "/etc/switchyard/tls/ca.pem";
        /// What an endpoint is shown that asks who comes.
        certificate: Option<ClientCertificate>;
        /// The oldest version of TLS that is spoken; the newest is 1.3.
        min_version: TlsVersion = "1.2", eg "\"1.2\"";
        /// Whoever answers is taken for the endpoint, and may read and change everything. For tests; each
        /// start warns of it, and a metric shows it.
        dangerously_skip_verification: At<Switch> = "off";
    }
}

table! {
    /// The gateway's own certificate and the key that belongs to it.
    ClientCertificate {
        /// A PEM file: the certificate of the gateway, and behind it those of its issuers up to
        /// one that the endpoints know.
        cert: At<File>, eg "/etc/switchyard/tls/client.crt";
        /// A PEM file with the private key of the certificate, without a passphrase.
        key: At<File>, eg "/etc/switchyard/tls/client.key";
    }
}
