//! The host that a request names, and the patterns of a route that it may match.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use switchyard_config::HostPattern;

/// The longest host name in bytes (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 255;

/// A host as a request names it: `uri-host [ ":" port ]` of RFC 9110 section 7.2.
///
/// The name is in lower case and without the dot that may end a full domain name, so two texts
/// that mean the same host are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host<'a> {
    name: Cow<'a, str>,
    port: Option<u16>,
}

/// The text does not name a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a host name")]
pub struct BadHost;

impl<'a> Host<'a> {
    /// Reads the value of a `Host` field, or the authority of a request target.
    ///
    /// # Errors
    /// The text is empty, too long, has a character that no host has (user information included),
    /// or a port that is no port.
    pub fn parse(text: &'a [u8]) -> Result<Self, BadHost> {
        let text = std::str::from_utf8(text).map_err(|_not_text| BadHost)?;
        let (name, port) = split_port(text)?;
        if !is_ip_literal(name) && !is_name(name) {
            return Err(BadHost);
        }
        Ok(Self {
            name: canonical(name),
            port: parse_port(port)?,
        })
    }

    /// The name in lower case, without port; an IPv6 address keeps its brackets.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port, where the text has one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether both name the same place, where `default_port` stands for an absent port.
    pub fn is_same_place(&self, other: &Host<'_>, default_port: u16) -> bool {
        let port = self.port.unwrap_or(default_port);
        self.name == other.name && port == other.port.unwrap_or(default_port)
    }
}

/// `[::1]:80` is split after the bracket, `a.example:80` at the colon.
fn split_port(text: &str) -> Result<(&str, &str), BadHost> {
    let name_len = match text.find(']') {
        Some(bracket) => bracket.saturating_add(1),
        None => text.find(':').unwrap_or(text.len()),
    };
    let (name, rest) = text.split_at_checked(name_len).ok_or(BadHost)?;
    match rest.strip_prefix(':') {
        Some(port) => Ok((name, port)),
        None if rest.is_empty() => Ok((name, rest)),
        None => Err(BadHost),
    }
}

/// An empty port is allowed by RFC 3986 section 3.2.3 and means the default.
fn parse_port(port: &str) -> Result<Option<u16>, BadHost> {
    if port.is_empty() {
        return Ok(None);
    }
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadHost);
    }
    port.parse().map(Some).map_err(|_too_large| BadHost)
}

fn is_ip_literal(name: &str) -> bool {
    name.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// Letters, digits, `-`, `.` and `_`: what host names in use consist of. RFC 3986 allows more in a
/// registered name, which only ever serves to confuse a router.
fn is_name(name: &str) -> bool {
    let bare = name.strip_suffix('.').unwrap_or(name);
    !bare.is_empty()
        && !bare.starts_with('.')
        && !bare.ends_with('.')
        && bare.len() <= LONGEST_NAME
        && bare
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

fn canonical(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Whether one of `patterns` has this host; no pattern at all means any host.
pub(super) fn matches(patterns: &[HostPattern], host: &Host<'_>) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| has(pattern, host.name()))
}

/// `*.example.com` has every name below it, however deep, and not `example.com` itself: the suffix
/// starts with a dot, and no host does.
fn has(pattern: &HostPattern, name: &str) -> bool {
    match pattern {
        HostPattern::Exact(exact) => name == exact,
        HostPattern::Wildcard(suffix) => name.ends_with(&**suffix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, Option<u16>), BadHost> {
        Host::parse(text.as_bytes()).map(|host| (host.name().to_owned(), host.port()))
    }

    #[test]
    fn reads_names_addresses_and_ports() {
        for (text, name, port) in [
            ("example.com", "example.com", None),
            ("Example.COM:8080", "example.com", Some(8080)),
            ("example.com.:80", "example.com", Some(80)),
            ("example.com:", "example.com", None),
            ("127.0.0.1:9000", "127.0.0.1", Some(9000)),
            ("[::1]:80", "[::1]", Some(80)),
            ("[2001:DB8::1]", "[2001:db8::1]", None),
            ("a_b", "a_b", None),
        ] {
            assert_eq!(parse(text), Ok((name.to_owned(), port)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_host() {
        for text in [
            "",
            ".",
            ":80",
            "a b",
            "user@host",
            "host/path",
            "host:80:80",
            "host:+80",
            "host:99999",
            "::1",
            "[::1",
            "[::1]80",
            "[fe80::1%25eth0]",
            "[nonsense]",
            "h\u{f6}st",
            ".example.com",
            "example.com..",
            &"a".repeat(256),
        ] {
            assert_eq!(parse(text), Err(BadHost), "{text}");
        }
    }

    #[test]
    fn the_same_place_has_the_same_name_and_port() {
        let host = |text: &'static str| Host::parse(text.as_bytes()).unwrap();
        assert!(host("a.example").is_same_place(&host("A.example.:80"), 80));
        assert!(!host("a.example").is_same_place(&host("a.example:81"), 80));
        assert!(!host("a.example").is_same_place(&host("b.example"), 80));
    }

    #[test]
    fn patterns_match_hosts() {
        let exact = HostPattern::Exact("example.com".to_owned());
        let wild = HostPattern::Wildcard(".example.com".to_owned());
        for (pattern, name, expected) in [
            (&exact, "example.com", true),
            (&exact, "a.example.com", false),
            (&wild, "a.example.com", true),
            (&wild, "b.a.example.com", true),
            (&wild, "example.com", false),
            (&wild, "notexample.com", false),
        ] {
            let host = Host::parse(name.as_bytes()).unwrap();
            assert_eq!(
                matches(std::slice::from_ref(pattern), &host),
                expected,
                "{pattern:?} {name}"
            );
        }
        assert!(matches(&[], &Host::parse(b"anything").unwrap()));
    }
}
