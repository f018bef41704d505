//! What a URL says of a WebSocket: where it is, what it is called there, and whether TLS is around it.

use std::path::Path;

use anyhow::{Context as _, bail};
use http::Uri;
use switchyard_tls::{Connector, ConnectorSettings, File, Oldest, ServerName, Trust};

/// The place that a URL names.
#[derive(Debug)]
pub(crate) struct Destination {
    /// `Host`, as it was written.
    pub(crate) host: String,
    /// Path and query.
    pub(crate) target: String,
    place: String,
    /// Who has to be there; without TLS nobody is asked.
    name: Option<ServerName>,
}

impl Destination {
    /// Reads a `ws:` or `wss:` URL.
    pub(crate) fn parse(url: &str) -> anyhow::Result<Self> {
        let wrong =
            || format!("`{url}` is no URL of a WebSocket, such as wss://chat.example.com/echo");
        let uri: Uri = url.parse().with_context(wrong)?;
        let authority = uri.authority().with_context(wrong)?;
        let (is_tls, port) = match uri.scheme_str() {
            Some("ws") => (false, 80),
            Some("wss") => (true, 443),
            _ => bail!("{}", wrong()),
        };
        if url.contains('#') {
            bail!("{}; a fragment has no place in one", wrong());
        }
        if authority.as_str().contains('@') {
            bail!(
                "{}; names and passwords are for `-H 'Authorization: …'`",
                wrong()
            );
        }
        let port = authority.port_u16().unwrap_or(port);
        let bare = authority.host().trim_matches(['[', ']']);
        let name = is_tls.then(|| ServerName::parse(bare).with_context(wrong));
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        let slash = if target.starts_with('/') { "" } else { "/" };
        Ok(Self {
            host: authority.as_str().to_owned(),
            target: format!("{slash}{target}"),
            place: format!("{}:{port}", authority.host()),
            name: name.transpose()?,
        })
    }

    /// Host and port.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The client's end of its TLS, if it has any. Those of the file are trusted, or else those of the system.
    pub(crate) fn tls(
        &self,
        authorities: Option<&Path>,
    ) -> anyhow::Result<Option<switchyard_tls::Destination>> {
        let Some(name) = &self.name else {
            if authorities.is_some() {
                bail!("--ca is for a wss: URL; without TLS nobody shows a certificate");
            }
            return Ok(None);
        };
        let content = authorities.map(|path| {
            let unread = || format!("the file {} cannot be read", path.display());
            std::fs::read(path).with_context(unread)
        });
        let content = content.transpose()?;
        let trust = match (authorities, &content) {
            (Some(path), Some(content)) => Trust::Authorities(File { path, content }),
            _ => Trust::System,
        };
        let connector = Connector::new(ConnectorSettings {
            trust,
            identity: None,
            oldest: Oldest::Tls12,
        })?;
        Ok(Some(connector.towards(name.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> (String, String, String, bool) {
        let found = Destination::parse(url).unwrap_or_else(|error| panic!("{url}: {error:#}"));
        (found.place, found.host, found.target, found.name.is_some())
    }

    #[test]
    fn a_url_says_where_what_and_how() {
        for (url, place, host, target, is_tls) in [
            ("ws://a", "a:80", "a", "/", false),
            ("wss://a/x?y=1", "a:443", "a", "/x?y=1", true),
            ("ws://a:8080?y", "a:8080", "a:8080", "/?y", false),
            ("wss://[::1]:9/", "[::1]:9", "[::1]:9", "/", true),
        ] {
            let expected = (place.into(), host.into(), target.into(), is_tls);
            assert_eq!(read(url), expected, "{url}");
        }
    }

    #[test]
    fn whatever_else_is_refused() {
        for url in [
            "",
            "a",
            "/x",
            "http://a",
            "ws:///x",
            "ws://a/#x",
            "ws://u:p@a/",
            "ws://a b/",
        ] {
            assert!(Destination::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_authority_without_tls_is_a_mistake() {
        let plain = Destination::parse("ws://a").unwrap();
        assert!(plain.tls(None).unwrap().is_none());
        assert!(plain.tls(Some(Path::new("ca.pem"))).is_err());
    }
}
