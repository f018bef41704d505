//! The name that a server is asked for, and that its certificate has to have.

use std::fmt;
use std::net::IpAddr;

use tokio_rustls::rustls::pki_types;

/// A DNS name, or an IP address; the latter is verified, too, and never sent in clear (RFC 6066
/// section 3).
#[derive(Clone, PartialEq, Eq)]
pub struct ServerName(pki_types::ServerName<'static>);

impl ServerName {
    /// Reads a DNS name, with or without the dot at its end, or an IP address. `None` if it is
    /// neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_suffix('.').unwrap_or(text).to_owned();
        pki_types::ServerName::try_from(bare).ok().map(Self)
    }

    pub(crate) fn inner(&self) -> &pki_types::ServerName<'static> {
        &self.0
    }
}

impl From<IpAddr> for ServerName {
    fn from(address: IpAddr) -> Self {
        Self(pki_types::ServerName::from(address.to_canonical()))
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_str())
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses() {
        let shown = |text| ServerName::parse(text).map(|name| name.to_string());
        for text in ["chat.internal", "localhost", "10.0.0.1", "2001:db8::1"] {
            assert_eq!(shown(text).as_deref(), Some(text));
        }
        assert_eq!(shown("chat.internal.").as_deref(), Some("chat.internal"));
        for text in ["", ".", "a b", "*.chat.internal", "10.0.0.1:443", "[::1]"] {
            assert_eq!(shown(text), None, "{text}");
        }
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(ServerName::from(mapped).to_string(), "10.0.0.1");
    }
}
