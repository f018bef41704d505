//! The name that a server has to show in its certificate.

use std::net::{IpAddr, SocketAddr};

use arcstr::ArcStr;
use serde_json::Value as Json;

use super::host::is_name;
use super::{Complaint, Scalar, text_schema};

/// A DNS name without the dot at its end, or an IP address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerName(pub(crate) ArcStr);

impl Scalar for ServerName {
    const KIND: &'static str = "a DNS name or an IP address";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.parse::<IpAddr>().is_ok() || is_dns_name(text) {
            return Ok(Self(ArcStr::from(text)));
        }
        let message = format!("`{text}` is not a DNS name or an IP address");
        Err(Complaint::new(message).help(help(text)))
    }

    fn schema() -> Json {
        text_schema("^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]+)$")
    }
}

/// What ends in a number is an address, or a slip in one.
fn is_dns_name(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.to_ascii_lowercase().starts_with("0x");
    is_name(text) && !is_number
}

fn help(text: &str) -> String {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return format!("without a port: `{}`", address.ip());
    }
    match text.rsplit_once(':') {
        Some((name, _)) if is_dns_name(name) => format!("without a port: `{name}`"),
        _ if text.contains('*') => {
            "write a name that the certificate is for; it may have a `*` itself".to_owned()
        }
        _ if text.ends_with('.') => "write it without the dot at its end".to_owned(),
        _ => "such as `chat.internal`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses() {
        for text in [
            "chat.internal",
            "localhost",
            "a-b.c_d",
            "10.0.0.1",
            "2001:db8::1",
        ] {
            assert_eq!(ServerName::parse(text).unwrap().0, text);
        }
    }

    #[test]
    fn what_is_neither_is_helped_on() {
        for (text, said) in [
            ("chat.internal:443", "without a port: `chat.internal`"),
            ("10.0.0.1:443", "without a port: `10.0.0.1`"),
            ("[2001:db8::1]:443", "without a port: `2001:db8::1`"),
            ("*.internal", "may have a `*` itself"),
            ("chat.internal.", "dot at its end"),
            ("10.0.0.256", "such as"),
            ("chat.0xA", "such as"),
            ("", "such as"),
        ] {
            let help = ServerName::parse(text).unwrap_err().help.unwrap();
            assert!(help.contains(said), "{text}: {help}");
        }
    }
}
