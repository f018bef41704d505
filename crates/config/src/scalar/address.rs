//! Addresses and networks. Names are not looked up.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde_json::{Value as Json, json};

use super::{Complaint, Scalar};

/// An address to listen on; port 0 lets the system choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) SocketAddr);

/// An address that can be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndpointAddress(pub(crate) SocketAddr);

/// An address of this machine that connections can come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceAddress(pub(crate) IpAddr);

impl Scalar for Address {
    const KIND: &'static str = "an address with a port";

    fn parse(text: &str) -> Result<Self, Complaint> {
        socket(text).map(Self)
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": ":[0-9]{1,5}$" })
    }
}

impl Scalar for EndpointAddress {
    const KIND: &'static str = "an address with a port";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let address = socket(text)?;
        if address.port() == 0 {
            let complaint = Complaint::new(format!("`{text}` cannot be connected to"));
            return Err(complaint.help("an endpoint has a port from 1 to 65535"));
        }
        if address.ip().to_canonical().is_unspecified() {
            let complaint = Complaint::new(format!("`{text}` cannot be connected to"));
            let help = format!("did you mean `127.0.0.1:{}`?", address.port());
            return Err(complaint.help(help));
        }
        Ok(Self(address))
    }

    fn schema() -> Json {
        Address::schema()
    }
}

impl Scalar for SourceAddress {
    const KIND: &'static str = "an IP address";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let complaint = |what| Complaint::new(format!("`{text}` {what}"));
        let Ok(ip) = text.parse::<IpAddr>() else {
            let complaint = complaint("is not an IP address");
            return Err(match text.parse::<SocketAddr>() {
                Ok(address) => complaint.help(format!("without a port: `{}`", address.ip())),
                Err(_) => complaint.help("such as `10.0.0.2` or `2001:db8::2`"),
            });
        };
        let canonical = ip.to_canonical();
        if canonical.is_unspecified() || canonical.is_multicast() {
            let complaint = complaint("is not the address of a machine");
            return Err(complaint.help("leave `source_addresses` out to let the system choose"));
        }
        Ok(Self(ip))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f:.]+$" })
    }
}

fn socket(text: &str) -> Result<SocketAddr, Complaint> {
    text.parse().ok().ok_or_else(|| {
        Complaint::new(format!("`{text}` is not an IP address with a port")).help(socket_help(text))
    })
}

fn socket_help(text: &str) -> String {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return format!("add a port, such as `{}`", SocketAddr::new(ip, 8080));
    }
    match text.rsplit_once(':') {
        Some(("" | "*", port)) if port.parse::<u16>().is_ok() => {
            format!("did you mean `0.0.0.0:{port}`, which is every IPv4 address?")
        }
        Some(("localhost", port)) => format!("did you mean `127.0.0.1:{port}`?"),
        Some((host, port)) if host.parse::<IpAddr>().is_ok() => match port.parse::<u16>() {
            Ok(_) => format!("did you mean `[{host}]:{port}`?"),
            Err(_) => "a port is a number from 0 to 65535".to_owned(),
        },
        _ => {
            "such as `10.0.0.11:9000` or `[2001:db8::11]:9000`; names are not looked up".to_owned()
        }
    }
}

impl Scalar for IpNet {
    const KIND: &'static str = "a network";

    /// An address alone is the network of that address.
    fn parse(text: &str) -> Result<Self, Complaint> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => Self::from(address),
            Err(_) => text
                .parse::<Self>()
                .ok()
                .ok_or_else(|| not_a_network(text))?,
        };
        if network.addr() == network.network() {
            return Ok(network);
        }
        let complaint = Complaint::new(format!("`{text}` is an address within a network"));
        Err(complaint.help(format!("did you mean the network `{}`?", network.trunc())))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$" })
    }
}

fn not_a_network(text: &str) -> Complaint {
    let complaint = Complaint::new(format!("`{text}` is not a network"));
    complaint.help("such as `10.0.0.0/8`, `2001:db8::/32`, or an address alone")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for text in ["127.0.0.1:0", "0.0.0.0:8080", "[::]:8080", "[::1]:9901"] {
            assert_eq!(Address::parse(text), Ok(Address(text.parse().unwrap())));
        }
    }

    #[test]
    fn what_is_no_address_is_helped_on() {
        for (text, help) in [
            (":8080", "`0.0.0.0:8080`"),
            ("*:8080", "`0.0.0.0:8080`"),
            ("localhost:8080", "`127.0.0.1:8080`"),
            ("127.0.0.1", "add a port, such as `127.0.0.1:8080`"),
            ("::1:8080x", "0 to 65535"),
            ("::1", "`[::1]:8080`"),
            ("10.0.0.1:65536", "0 to 65535"),
            ("chat.internal:9000", "names are not looked up"),
            ("", "such as"),
        ] {
            let complaint = Address::parse(text).unwrap_err();
            assert!(
                complaint.help.as_ref().unwrap().contains(help),
                "{text}: {complaint:?}"
            );
        }
    }

    #[test]
    fn an_endpoint_can_be_connected_to() {
        assert!(EndpointAddress::parse("10.0.0.1:9000").is_ok());
        for text in [
            "10.0.0.1:0",
            "0.0.0.0:9000",
            "[::]:9000",
            "[::ffff:0.0.0.0]:9000",
        ] {
            assert!(EndpointAddress::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_connection_can_come_from_a_source_address() {
        for text in ["10.0.0.2", "2001:db8::2", "127.0.0.1"] {
            assert_eq!(
                SourceAddress::parse(text),
                Ok(SourceAddress(text.parse().unwrap()))
            );
        }
        for (text, help) in [
            ("10.0.0.2:9000", "without a port: `10.0.0.2`"),
            ("[::1]:9000", "without a port: `::1`"),
            ("gateway", "such as"),
            ("10.0.0.0/24", "such as"),
            ("0.0.0.0", "let the system choose"),
            ("::", "let the system choose"),
            ("::ffff:0.0.0.0", "let the system choose"),
            ("224.0.0.1", "let the system choose"),
            ("ff02::1", "let the system choose"),
        ] {
            let complaint = SourceAddress::parse(text).unwrap_err();
            assert!(
                complaint.help.as_ref().unwrap().contains(help),
                "{text}: {complaint:?}"
            );
        }
    }

    #[test]
    fn networks() {
        for (text, network) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
        ] {
            assert_eq!(IpNet::parse(text), Ok(network.parse().unwrap()), "{text}");
        }
        let within = IpNet::parse("10.1.2.3/8").unwrap_err();
        assert!(within.help.unwrap().contains("`10.0.0.0/8`"));
        for text in ["10.0.0.0/33", "10/8", "example.com", ""] {
            assert!(IpNet::parse(text).is_err(), "{text}");
        }
    }
}
