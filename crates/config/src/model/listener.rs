//! An address that the gateway accepts on.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::choice::choice;
use super::secret::Secret;

/// An address that the gateway accepts on, with its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Unique among the listeners.
    pub name: Arc<str>,
    /// Port 0 lets the system choose.
    pub address: SocketAddr,
    /// Connections accepted at the same time, over all workers.
    pub max_connections: NonZeroU32,
    /// A request head must be complete this long after its connection, or the one before it.
    pub handshake_timeout: Duration,
    /// Other than `off` only where there are trusted proxies.
    pub proxy_protocol: AcceptProxy,
    /// `None`: nothing is encrypted.
    pub tls: Option<Tls>,
    /// `None`: HTTP/1.1 is all that is spoken.
    pub http2: Option<Http2>,
}

/// How HTTP/2 is spoken with clients: those that agree to it by ALPN (RFC 7301), and without TLS those
/// that begin with it (RFC 9113 section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http2 {
    /// Whether WebSockets may be opened by an extended CONNECT (RFC 8441).
    pub extended_connect: bool,
    /// Requests and sessions that a connection may have at a time.
    pub max_concurrent_streams: NonZeroU32,
}

/// How a listener ends TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// At least one; the first is for clients that ask for no name that is here.
    pub certificates: Vec<Certificate>,
    /// The oldest version that clients may speak.
    pub min_version: TlsVersion,
}

/// A certificate and its key, as they stand in their files. What is in them is for `tls` to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate and its chain.
    pub cert: PemFile,
    /// The private key.
    pub key: PemFile,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemFile {
    /// Where it is, for messages.
    pub path: PathBuf,
    /// What is in it.
    pub content: Secret,
}

choice! {
    /// Which PROXY header a connection begins with.
    AcceptProxy {
        /// None.
        Off = "off",
        /// One of version 1, which is text.
        V1 = "v1",
        /// One of version 2, which is binary.
        V2 = "v2",
        /// One of either version.
        Any = "any",
    }
}

choice! {
    /// A version of TLS.
    TlsVersion {
        /// RFC 5246.
        Tls12 = "1.2",
        /// RFC 8446.
        Tls13 = "1.3",
    }
}
