//! Hosts of a match. ASCII only: a name in another script is written in its `xn--` form.

use std::net::Ipv6Addr;

use serde_json::Value as Json;

use super::{Complaint, Scalar, text_schema};
use crate::model::HostPattern;

impl Scalar for HostPattern {
    const KIND: &'static str = "a host";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let host = text.to_ascii_lowercase();
        let pattern = match host.strip_prefix("*.") {
            Some(suffix) if is_name(suffix) => Some(Self::Wildcard(format!(".{suffix}"))),
            Some(_) => None,
            None => (is_name(&host) || is_ipv6(&host)).then_some(Self::Exact(host)),
        };
        pattern.ok_or_else(|| Complaint::new(format!("`{text}` is not a host")).help(help(text)))
    }

    fn schema() -> Json {
        text_schema(r"^((\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])$")
    }
}

fn help(text: &str) -> String {
    if text == "*" {
        return "leave out `hosts` to match any host".to_owned();
    }
    if !text.is_ascii() {
        return "hosts are ASCII; write the form that begins with `xn--`".to_owned();
    }
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        return format!("write the host only: `{host}`");
    }
    if let Ok(ip) = text.parse::<Ipv6Addr>() {
        return format!("write it in brackets: `[{ip}]`");
    }
    match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("write `{host}`; a host stands here without a port")
        }
        _ if text.contains('*') => {
            "`*` may only be the whole first label, as in `*.example.com`".to_owned()
        }
        _ if text.ends_with('.') => "write it without the dot at its end".to_owned(),
        _ => "such as `chat.example.com` or `*.example.com`".to_owned(),
    }
}

/// RFC 1123 section 2.1, with the underscore that internal names have.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// A name, or an address; one of IPv6 in brackets.
pub(super) fn is_host(text: &str) -> bool {
    is_name(text) || is_ipv6(text)
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let edge = label.starts_with('-') || label.ends_with('-');
    (1..=63).contains(&label.len()) && label.bytes().all(allowed) && !edge
}

fn is_ipv6(text: &str) -> bool {
    let inside = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inside.is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for text in [
            "localhost",
            "chat.example.com",
            "a-b.c_d",
            "10.0.0.1",
            "[::1]",
            "xn--bcher-kva.example",
        ] {
            assert_eq!(
                HostPattern::parse(text),
                Ok(HostPattern::Exact(text.to_owned()))
            );
        }
        assert_eq!(
            HostPattern::parse("*.Chat.Example.com"),
            Ok(HostPattern::Wildcard(".chat.example.com".to_owned()))
        );
        assert_eq!(
            HostPattern::parse("Chat"),
            Ok(HostPattern::Exact("chat".to_owned()))
        );
    }

    #[test]
    fn what_is_no_host_is_helped_on() {
        for (text, said) in [
            ("*", "leave out `hosts`"),
            (
                "chat.example.com:8080",
                "`chat.example.com`; a host stands here without a port",
            ),
            ("https://chat.example.com/x", "`chat.example.com`"),
            ("bücher.example", "xn--"),
            ("chat.*.com", "whole first label"),
            ("*.*.com", "whole first label"),
            ("chat.example.com.", "dot at its end"),
            ("::1", "`[::1]`"),
            ("*.", "whole first label"),
            ("", "such as"),
            ("-a.com", "such as"),
            ("a..com", "such as"),
            ("[::g]", "such as"),
        ] {
            let help = HostPattern::parse(text).unwrap_err().help.unwrap();
            assert!(help.contains(said), "{text}: {help}");
        }
        assert!(HostPattern::parse(&"a".repeat(64)).is_err());
        let labels = |count: usize| vec!["a"; count].join(".");
        assert!(HostPattern::parse(&labels(127)).is_ok());
        assert!(HostPattern::parse(&labels(128)).is_err());
    }
}
