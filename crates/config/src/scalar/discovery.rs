//! Names of other systems: DNS and Kubernetes.

use serde_json::{Value as Json, json};

use super::{Complaint, Scalar, text_schema};
use crate::model;

/// A name in the DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DnsName(pub(crate) String);

impl Scalar for DnsName {
    const KIND: &'static str = "a name in the DNS";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let is_label = |label: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            (1..=63).contains(&label.len()) && label.bytes().all(allowed)
        };
        let bare = text.strip_suffix('.').unwrap_or(text);
        if text.parse::<std::net::IpAddr>().is_err()
            && bare.len() <= 253
            && bare.split('.').all(is_label)
        {
            return Ok(Self(text.to_owned()));
        }
        let complaint = Complaint::new(format!("`{text}` is not a name in the DNS"));
        Err(match text.split_once(':') {
            Some((name, _)) if Self::parse(name).is_ok() => {
                complaint.help(format!("write `name: {name}` and the port as `port`"))
            }
            _ => complaint.help("such as `chat.internal`; addresses go into `endpoints`"),
        })
    }

    fn schema() -> Json {
        text_schema("^[A-Za-z0-9_-]{1,63}(\\.[A-Za-z0-9_-]{1,63})*\\.?$")
    }
}

/// The name of a namespace or a service (RFC 1123 label).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KubernetesName(pub(crate) String);

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl Scalar for KubernetesName {
    const KIND: &'static str = "a name in Kubernetes";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if is_label(text) {
            return Ok(Self(text.to_owned()));
        }
        let help = "up to 63 lower-case letters, digits and `-`, none of these first or last";
        Err(Complaint::new(format!("`{text}` is not a name in Kubernetes")).help(help))
    }

    fn schema() -> Json {
        text_schema("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    }
}

/// A port of a service, by name or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServicePort(pub(crate) model::ServicePort);

impl Scalar for ServicePort {
    const KIND: &'static str = "a port's name or number";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let complaint = || Complaint::new(format!("`{text}` is not a port's name or number"));
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = text.parse().ok().filter(|number| *number > 0);
            let number = number.ok_or_else(|| complaint().help("it may be from 1 to 65535"))?;
            return Ok(Self(model::ServicePort::Number(number)));
        }
        if is_label(text) {
            return Ok(Self(model::ServicePort::Name(text.to_owned())));
        }
        Err(complaint().help("such as `ws`, as the service calls it, or `9000`"))
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": 65535 },
            { "type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" },
        ] })
    }
}

/// Any text but none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Scalar for Text {
    const KIND: &'static str = "a text";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.is_empty() {
            return Err(Complaint::new("this text is empty"));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_addresses() {
        for good in ["chat.internal", "localhost", "_ws._tcp.chat.internal.", "a"] {
            assert!(DnsName::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            ".",
            "a..b",
            "10.0.0.1",
            "::1",
            "chat:9000",
            "a b",
            &long,
        ] {
            assert!(DnsName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn kubernetes_has_labels() {
        for good in ["chat", "a", "chat-2"] {
            assert!(KubernetesName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-chat", "chat-", "Chat", "chat.prod", "chat_2"] {
            assert!(KubernetesName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_port_has_a_name_or_a_number() {
        let parse = |text| ServicePort::parse(text).map(|port| port.0).ok();
        assert_eq!(parse("9000"), Some(model::ServicePort::Number(9000)));
        assert_eq!(parse("ws"), Some(model::ServicePort::Name("ws".to_owned())));
        for bad in ["", "0", "65536", "WS", "-1"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
