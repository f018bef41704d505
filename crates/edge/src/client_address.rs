//! Whose request it is: the peer, or who the trusted proxies before it say.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::FORWARDED;
use ipnet::IpNet;

use crate::forward::X_FORWARDED_FOR;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// The first address on the way back from here that is not a trusted proxy's.
    pub address: IpAddr,
    /// Whether what the peer says about others is believed.
    pub trust: Trust,
}

/// Whether a peer's `Forwarded`, `X-Forwarded-*` and `X-Request-Id` fields are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Trust {
    /// It is one of the trusted proxies.
    Trusted,
    /// It may have made them up.
    Untrusted,
}

impl Client {
    /// Finds the client behind `peer`.
    ///
    /// `X-Forwarded-For` is walked from the right, over all its lines, past every trusted proxy.
    /// `Forwarded` (RFC 7239) is read only where there is no `X-Forwarded-For`: a proxy that
    /// writes one passes the other on as the client wrote it, so the two are never mixed. A hop
    /// that is no address ends the walk at the last proxy that was believed.
    pub(crate) fn behind(peer: IpAddr, trusted: &[IpNet], headers: &HeaderMap) -> Self {
        let peer = peer.to_canonical();
        if !is_trusted(peer, trusted) {
            return Self {
                peer,
                address: peer,
                trust: Trust::Untrusted,
            };
        }
        let address = if headers.contains_key(X_FORWARDED_FOR) {
            walk(
                peer,
                trusted,
                hops_from_right(headers, X_FORWARDED_FOR).map(address),
            )
        } else {
            walk(
                peer,
                trusted,
                hops_from_right(headers, FORWARDED).map(forwarded_for),
            )
        };
        Self {
            peer,
            address,
            trust: Trust::Trusted,
        }
    }
}

/// Whether `address`, in canonical form, is of one of the networks.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

fn walk(peer: IpAddr, trusted: &[IpNet], hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
    let mut client = peer;
    for hop in hops {
        let Some(address) = hop else { break };
        client = address;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    client
}

/// The elements of a list field, last one first.
fn hops_from_right(
    headers: &HeaderMap,
    name: impl http::header::AsHeaderName,
) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).iter().rev();
    lines.flat_map(|line| {
        line.to_str()
            .unwrap_or("unreadable")
            .rsplit(',')
            .map(str::trim)
    })
}

/// An address, perhaps with a port, as proxies write it: `192.0.2.1`, `192.0.2.1:80`,
/// `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let address = match bare.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_with_port) => text.parse::<SocketAddr>().ok()?.ip(),
    };
    Some(address.to_canonical())
}

/// The `for` parameter of one `Forwarded` element. A node that hides itself (`unknown`, `_name`)
/// is no address.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let node = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then(|| value.trim())
    })?;
    address(node.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(peer: &str, fields: &[(&'static str, &'static str)]) -> String {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "2001:db8:1::/48"]
            .iter()
            .map(|net| net.parse().unwrap())
            .collect();
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        Client::behind(peer.parse().unwrap(), &trusted, &headers)
            .address
            .to_string()
    }

    #[test]
    fn a_stranger_is_the_client_whatever_it_says() {
        let fields = [
            ("x-forwarded-for", "192.0.2.9"),
            ("forwarded", "for=192.0.2.8"),
        ];
        assert_eq!(client("198.51.100.1", &fields), "198.51.100.1");
    }

    #[test]
    fn x_forwarded_for_is_walked_from_the_right() {
        for (value, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("203.0.113.7, 192.0.2.1", "192.0.2.1"),
            ("203.0.113.7, 192.0.2.1, 10.1.1.1 ,10.2.2.2", "192.0.2.1"),
            ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
            ("192.0.2.1:5000, 10.0.0.2:1", "192.0.2.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1, 2001:db8:1::5", "2001:db8::1"),
            ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("192.0.2.1, , 10.0.0.2", "10.0.0.2"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(
                client("10.0.0.1", &[("x-forwarded-for", value)]),
                expected,
                "{value:?}"
            );
        }
    }

    #[test]
    fn lines_of_a_field_are_one_list() {
        let lines = [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-for", "192.0.2.2, 10.1.1.1"),
        ];
        assert_eq!(client("10.0.0.1", &lines), "192.0.2.2");
    }

    #[test]
    fn forwarded_is_read_where_it_stands_alone() {
        for (value, expected) in [
            ("for=192.0.2.1", "192.0.2.1"),
            (
                "For=203.0.113.7;proto=http, by=10.0.0.9; FOR=\"192.0.2.1:80\"",
                "192.0.2.1",
            ),
            ("for=192.0.2.1, for=\"[2001:db8:1::7]:4711\"", "192.0.2.1"),
            ("for=192.0.2.1, for=_hidden", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            assert_eq!(
                client("10.0.0.1", &[("forwarded", value)]),
                expected,
                "{value:?}"
            );
        }
        let both = [
            ("forwarded", "for=203.0.113.7"),
            ("x-forwarded-for", "192.0.2.1"),
        ];
        assert_eq!(client("10.0.0.1", &both), "192.0.2.1");
    }

    #[test]
    fn mapped_addresses_are_ipv4_addresses() {
        assert_eq!(client("::ffff:198.51.100.1", &[]), "198.51.100.1");
        let behind = [("x-forwarded-for", "::ffff:192.0.2.1")];
        assert_eq!(client("::ffff:10.0.0.1", &behind), "192.0.2.1");
    }
}
