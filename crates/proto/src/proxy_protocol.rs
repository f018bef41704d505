//! The PROXY protocol: what a proxy says, before all other bytes of a connection, of whose it is.
//!
//! Version 1 is a line of text, version 2 is binary; the names are those of `HAProxy`'s
//! `proxy-protocol.txt`. Both are read and written here. [`measure`] says how many of the first
//! bytes are the header, so that its reader takes no byte of what follows; [`Header::parse`] reads them.
//!
//! Not here: whom to believe, and how long to wait.

mod crc32c;
mod tlv;
mod v1;
mod v2;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV4};

/// The longest header of version 1 in bytes, with its CRLF.
pub const MAX_V1: usize = 107;

/// The longest header of version 2 in bytes: 16, and what they announce. The protocol could announce
/// 64 KiB; what proxies send has a few hundred bytes.
pub const MAX_V2: usize = v2::HEAD + v2::MAX_BODY;

/// The longest unique id in bytes.
pub const MAX_UNIQUE_ID: usize = 128;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Text.
    V1,
    /// Binary.
    V2,
}

/// Which versions a reader takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accepts {
    /// This one and not the other.
    Only(Version),
    /// Either.
    Any,
}

/// How many of the first bytes of a connection are its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All that are there, and more are to come: the header has at least this many.
    Part {
        /// More than are there.
        of: usize,
    },
    /// This many, and what is behind them is not the header's.
    Whole {
        /// No more than are there.
        length: usize,
    },
}

/// Why the first bytes of a connection are no header that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// They begin like none.
    Missing,
    /// It is of a version that is not taken.
    Version,
    /// It is longer than any that is taken.
    TooLong,
    /// It begins like one and is none; the text says what is wrong.
    Malformed(&'static str),
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// How it is written.
    pub version: Version,
    /// Whose connection it is.
    pub source: Source,
    /// What else it says; nothing unless it is of version 2 and tells addresses.
    pub extras: Extras<'a>,
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The proxy's own (`LOCAL`): it looks whether anybody is there.
    Local,
    /// The proxy does not say, or in no way that is read here: `UNKNOWN`, `UNSPEC`, Unix sockets, UDP.
    Unknown,
    /// A client's, from where to where. Of one family when read.
    Told {
        /// The client.
        client: SocketAddr,
        /// What it connected to.
        destination: SocketAddr,
    },
}

/// What version 2 can say beside addresses. Texts are as they came: they may be of any bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras<'a> {
    /// The host name that the client asked for (`PP2_TYPE_AUTHORITY`).
    pub authority: Option<&'a [u8]>,
    /// Names the connection in logs (`PP2_TYPE_UNIQUE_ID`).
    pub unique_id: Option<&'a [u8]>,
    /// The client spoke TLS with the proxy (`PP2_TYPE_SSL` with `PP2_CLIENT_SSL`).
    pub tls: Option<Tls<'a>>,
}

/// How a client spoke TLS with the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tls<'a> {
    /// Such as `TLSv1.3` (`PP2_SUBTYPE_SSL_VERSION`).
    pub version: Option<&'a [u8]>,
    /// Of the client's certificate (`PP2_SUBTYPE_SSL_CN`).
    pub common_name: Option<&'a [u8]>,
    /// The client's certificate.
    pub certificate: Certificate,
}

/// What a proxy found out about the certificate of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Certificate {
    /// It showed none.
    None,
    /// It showed one that was not verified.
    Unverified,
    /// It showed one that was.
    Verified,
}

/// How many of `bytes`, the first of a connection, are its header.
///
/// # Errors
/// No more bytes could make a header of them that is taken.
pub fn measure(bytes: &[u8], accepts: Accepts) -> Result<Extent, Fault> {
    for (version, signature) in [(Version::V1, v1::SIGNATURE), (Version::V2, v2::SIGNATURE)] {
        if signature.len() > bytes.len() && signature.starts_with(bytes) {
            return Ok(Extent::Part {
                of: signature.len(),
            });
        }
        if bytes.starts_with(signature) {
            accepts.check(version)?;
            return match version {
                Version::V1 => v1::measure(bytes),
                Version::V2 => v2::measure(bytes),
            };
        }
    }
    Err(Fault::Missing)
}

impl Accepts {
    fn check(self, version: Version) -> Result<(), Fault> {
        match self {
            Self::Only(only) if only != version => Err(Fault::Version),
            Self::Only(_) | Self::Any => Ok(()),
        }
    }
}

impl<'a> Header<'a> {
    /// Reads `bytes`, of which [`measure`] has said that they are a whole header.
    ///
    /// # Errors
    /// They are malformed.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.starts_with(v1::SIGNATURE) {
            v1::parse(bytes)
        } else {
            v2::parse(bytes)
        }
    }

    /// Writes it. Addresses of two families are written as IPv6, the other one mapped; version 1 has no
    /// room for extras, and an extra that makes the header too long is left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self.version {
            Version::V1 => v1::encode(&self.source),
            Version::V2 => v2::encode(&self.source, &self.extras),
        }
    }
}

/// Both addresses, if they are of one family.
enum Pair {
    V4([SocketAddrV4; 2]),
    V6([(Ipv6Addr, u16); 2]),
}

impl Pair {
    fn of(client: SocketAddr, destination: SocketAddr) -> Self {
        if let (SocketAddr::V4(client), SocketAddr::V4(destination)) = (client, destination) {
            return Self::V4([client, destination]);
        }
        Self::V6([client, destination].map(|address| {
            let ip = match address.ip() {
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            };
            (ip, address.port())
        }))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the connection does not begin with a PROXY header",
            Self::Version => "the PROXY header is of a version that is not allowed here",
            Self::TooLong => "the PROXY header is too long",
            Self::Malformed(what) => what,
        })
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
