//! What a source gave: the bytes that are hashed, and how people read them.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use switchyard_balance::{Affinity, HashKey};
use switchyard_config::ClientAddress;

/// The value of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// As the request has it.
    Bytes(Cow<'a, [u8]>),
    /// The client's address; the bits behind the prefix are zero.
    Network(IpNet),
}

impl Value<'_> {
    /// The network that `client` is in. A prefix that is too long is all of the address.
    pub(crate) fn network(client: IpAddr, bits: ClientAddress) -> Self {
        Self::Network(match client {
            IpAddr::V4(address) => Ipv4Net::new(address, bits.ipv4_prefix)
                .map_or_else(|_too_long| client.into(), |network| network.trunc().into()),
            IpAddr::V6(address) => Ipv6Net::new(address, bits.ipv6_prefix)
                .map_or_else(|_too_long| client.into(), |network| network.trunc().into()),
        })
    }

    /// The affinity of this value of the source with this label. The length of a prefix is no part
    /// of it.
    pub(crate) fn affinity(&self, key: &HashKey, label: &str) -> Affinity {
        match self {
            Self::Bytes(bytes) => key.affinity(label, bytes),
            Self::Network(network) => match network.addr() {
                IpAddr::V4(address) => key.affinity(label, &address.octets()),
                IpAddr::V6(address) => key.affinity(label, &address.octets()),
            },
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
            Self::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                network.addr().fmt(f)
            }
            Self::Network(network) => network.fmt(f),
        }
    }
}
