//! Whose connection an endpoint gets, as it is told before the first byte of a request (the PROXY
//! protocol).
//!
//! A connection with an introduction serves one client, so it is not kept for another. Not here: who is
//! the client behind other proxies, and how headers are written (`proto`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use switchyard_config::SendProxy;
use switchyard_proto::proxy_protocol::{Extras, Header, Source, Tls, Version};

/// What an endpoint may be told of a request's client.
#[derive(Debug, Clone, Copy)]
pub struct Introduction<'a> {
    /// The client; port 0 where only its address is known.
    pub client: SocketAddr,
    /// What it connected to, if that is known.
    pub local: Option<SocketAddr>,
    /// If it came over TLS.
    pub tls: Option<Tls<'a>>,
    /// Of the request that the connection is for.
    pub request_id: &'a str,
}

impl Introduction<'_> {
    /// What goes before everything else on a connection; nothing where that is off.
    pub(crate) fn preface(&self, send: SendProxy) -> Vec<u8> {
        let client = canonical(self.client);
        let destination = self.local.map_or_else(|| nowhere(client), canonical);
        let source = Source::Told {
            client,
            destination,
        };
        let extras = Extras {
            authority: None,
            unique_id: Some(self.request_id.as_bytes()),
            tls: self.tls,
        };
        header(send, source, extras)
    }
}

/// The same for a connection of the gateway's own.
pub(crate) fn of_the_gateway(send: SendProxy) -> Vec<u8> {
    header(send, Source::Local, Extras::default())
}

fn header(send: SendProxy, source: Source, extras: Extras<'_>) -> Vec<u8> {
    let version = match send {
        SendProxy::Off => return Vec::new(),
        SendProxy::V1 => Version::V1,
        SendProxy::V2 => Version::V2,
    };
    let header = Header {
        version,
        source,
        extras,
    };
    header.encode()
}

/// A socket of both families has IPv4 addresses mapped.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// An address of the same family that is nobody's.
fn nowhere(like: SocketAddr) -> SocketAddr {
    let ip = match like {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(ip, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn introduction(client: &str, local: Option<&str>) -> Introduction<'static> {
        Introduction {
            client: client.parse().unwrap(),
            local: local.map(|local| local.parse().unwrap()),
            tls: None,
            request_id: "id",
        }
    }

    fn line(client: &str, local: Option<&str>) -> String {
        let preface = introduction(client, local).preface(SendProxy::V1);
        String::from_utf8(preface).unwrap()
    }

    #[test]
    fn nothing_is_said_where_it_is_off() {
        let introduction = introduction("192.0.2.1:5", None);
        assert!(introduction.preface(SendProxy::Off).is_empty());
        assert!(of_the_gateway(SendProxy::Off).is_empty());
    }

    #[test]
    fn a_client_is_told_with_what_it_connected_to() {
        for (client, local, expected) in [
            (
                "192.0.2.1:5",
                Some("10.0.0.1:80"),
                "TCP4 192.0.2.1 10.0.0.1 5 80",
            ),
            (
                "[::ffff:192.0.2.1]:5",
                Some("[::ffff:10.0.0.1]:80"),
                "TCP4 192.0.2.1 10.0.0.1 5 80",
            ),
            ("192.0.2.1:0", None, "TCP4 192.0.2.1 0.0.0.0 0 0"),
            ("[2001:db8::1]:5", None, "TCP6 2001:db8::1 :: 5 0"),
            (
                "[2001:db8::1]:5",
                Some("10.0.0.1:80"),
                "TCP6 2001:db8::1 ::ffff:10.0.0.1 5 80",
            ),
        ] {
            assert_eq!(line(client, local), format!("PROXY {expected}\r\n"));
        }
    }

    #[test]
    fn the_binary_form_has_the_request_id_and_tls() {
        let tls = Tls {
            version: Some(b"TLSv1.3"),
            common_name: None,
            certificate: switchyard_proto::proxy_protocol::Certificate::None,
        };
        let introduction = Introduction {
            tls: Some(tls),
            ..introduction("192.0.2.1:5", None)
        };
        let preface = introduction.preface(SendProxy::V2);
        let header = Header::parse(&preface).unwrap();
        assert_eq!(header.extras.unique_id, Some(&b"id"[..]));
        assert_eq!(header.extras.tls, Some(tls));
    }
}
