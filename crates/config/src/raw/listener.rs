//! The declaration of a listener and of its TLS.

use super::Timeout;
use crate::decode::table::table;
use crate::decode::{At, List};
use crate::model::{AcceptProxy, ClientAuth, TlsVersion};
use crate::scalar::{Address, Count, File, Name, Switch};

table! {
    /// An address to accept connections on.
    Listener {
        /// Names the listener in metrics and logs.
        name: At<Name>, eg "web";
        /// Port 0 lets the system choose.
        address: At<Address>, eg "0.0.0.0:8080";
        /// Connections open at the same time, over all workers. More are refused.
        max_connections: Count<1, 10_000_000> = "200000";
        /// The head of a request must be complete this long after the connection opened, or after
        /// the request before it. The handshake of TLS is part of it.
        handshake_timeout: Timeout = "10s";
        /// Every connection begins with a PROXY header, which says whose it is: load balancers that pass
        /// bytes through send one. It is taken from `trusted_proxies` alone; others are closed. It has to be
        /// complete within `handshake_timeout`, which goes on for what follows.
        proxy_protocol: At<AcceptProxy> = "off";
        /// The listener speaks TLS, for `https` and `wss`. Without it nothing is encrypted.
        tls: Option<Tls>;
        /// HTTP/2 is spoken with clients that want it: by ALPN over TLS, by prior knowledge without.
        /// It is on where `tls` is there, and off where not, unless this is said.
        http2: Option<At<Switch>>, eg "on";
        /// WebSockets may be opened over HTTP/2, each as a stream of a connection that has others (RFC
        /// 8441). Off, browsers open a connection of HTTP/1.1 for each, which costs a tenth of the memory.
        extended_connect: At<Switch> = "off";
        /// Requests and sessions that an HTTP/2 connection may have at the same time.
        max_concurrent_streams: Count<1, 1_000> = "100";
    }
}

table! {
    /// How a listener ends TLS.
    Tls {
        /// A client is shown the one that has the name it asks for, exactly or by a wildcard. One
        /// that asks for another name, or for none, is shown the first.
        certificates: List<Certificate, 1>, eg "[{ cert: tls.crt, key: tls.key }]";
        /// A PEM file with the certificates that sign those of clients. With it clients are asked who
        /// they are, and endpoints are told in `X-Forwarded-Client-Cert`.
        client_ca: Option<At<File>>, eg "/etc/switchyard/clients.crt";
        /// Whether a client without a certificate is let in, where there is a `client_ca`.
        client_auth: At<ClientAuth> = "required";
        /// The oldest version of TLS that clients may speak; the newest is 1.3.
        min_version: TlsVersion = "1.2", eg "\"1.2\"";
        /// Handshakes that each worker does at the same time. Others wait in the order of their hellos,
        /// and one whose client has gone meanwhile is not begun.
        handshakes_at_once: Count<1, 1_000_000> = "512";
        /// A file of at least 32 bytes that are hard to guess, the same on every replica: then clients
        /// resume at any of them, and after a restart. Without it they do at the same process only.
        ticket_key_file: Option<At<File>>, eg "/etc/switchyard/ticket-key";
    }
}

table! {
    /// A certificate and the key that belongs to it.
    Certificate {
        /// A PEM file: the certificate of this server, and behind it those of its issuers up to
        /// one that clients know. A file of that name with `.ocsp` behind it, if there is one, is its
        /// issuer's statement about it (OCSP, in DER), and shown with it.
        cert: At<File>, eg "/etc/switchyard/tls/tls.crt";
        /// A PEM file with the private key of the certificate, without a passphrase.
        key: At<File>, eg "/etc/switchyard/tls/tls.key";
    }
}
