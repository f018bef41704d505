//! `explain`: puts a URL and headers, as typed, into the request that a client would send.

use std::net::IpAddr;

use http::header::{
    CONNECTION, HOST, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue, UPGRADE,
};
use http::uri::{InvalidUri, Uri};
use http::{HeaderMap, Request};
use switchyard_config::Config;

use crate::compose;
use crate::error::StartError;

/// What cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The URL cannot be read.
    #[error("`{url}` is no URL: {source}")]
    Url {
        /// As typed.
        url: String,
        /// What is wrong with it.
        source: InvalidUri,
    },
    /// The URL lacks its scheme or host, or the scheme is another.
    #[error(
        "`{0}` does not say where to: give it as ws://HOST[:PORT]/PATH, or with http, https or wss"
    )]
    Incomplete(String),
    /// A header has no colon.
    #[error("`{0}` is no header: give it as `Name: value`")]
    Header(String),
    /// A header's name has characters that no name may have.
    #[error("`{header}` has no valid name: {source}")]
    HeaderName {
        /// As typed.
        header: String,
        /// What is wrong with it.
        source: InvalidHeaderName,
    },
    /// A header's value has characters that no value may have.
    #[error("`{header}` has no valid value: {source}")]
    HeaderValue {
        /// As typed.
        header: String,
        /// What is wrong with it.
        source: InvalidHeaderValue,
    },
    /// The configuration could not be put to work.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Says what becomes of a request for `url` with these headers (`Name: value`) from `client`, as text for people.
///
/// # Errors
/// When the URL or a header cannot be read.
pub fn explain(
    config: &Config,
    url: &str,
    headers: &[String],
    client: IpAddr,
) -> Result<String, ExplainError> {
    let request = request(url, headers)?;
    let snapshot = compose::snapshot(config)?;
    Ok(switchyard_edge::explain(&snapshot, &request, client).to_string())
}

/// The request as it would arrive: origin form (RFC 9112, section 3.2.1), with `Host`.
fn request(url: &str, headers: &[String]) -> Result<Request<()>, ExplainError> {
    let uri: Uri = url.parse().map_err(|source| ExplainError::Url {
        url: url.to_owned(),
        source,
    })?;
    let incomplete = || ExplainError::Incomplete(url.to_owned());
    let authority = uri.authority().ok_or_else(incomplete)?;
    let websocket = match uri.scheme_str() {
        Some("ws" | "wss") => true,
        Some("http" | "https") => false,
        _ => return Err(incomplete()),
    };
    let mut request = Request::new(());
    if let Some(path) = uri.path_and_query() {
        *request.uri_mut() = Uri::from(path.clone());
    }
    let host = HeaderValue::from_str(authority.as_str());
    let fields = request.headers_mut();
    fields.insert(HOST, host.map_err(|source| invalid_value(url, source))?);
    if websocket {
        fields.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    for header in headers {
        add(fields, header)?;
    }
    Ok(request)
}

/// Adds a header as typed. A `Host` takes the place of the URL's, which is then only where to connect.
fn add(fields: &mut HeaderMap, header: &str) -> Result<(), ExplainError> {
    let (name, value) = header
        .split_once(':')
        .ok_or_else(|| ExplainError::Header(header.to_owned()))?;
    let name: HeaderName = name
        .trim()
        .parse()
        .map_err(|source| ExplainError::HeaderName {
            header: header.to_owned(),
            source,
        })?;
    let value = value
        .trim()
        .parse()
        .map_err(|source| invalid_value(header, source))?;
    if name == HOST {
        fields.insert(name, value);
    } else {
        fields.append(name, value);
    }
    Ok(())
}

fn invalid_value(header: &str, source: InvalidHeaderValue) -> ExplainError {
    ExplainError::HeaderValue {
        header: header.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_the_request_of_a_client() {
        let headers = ["Cookie: a=1".to_owned(), "cookie:b=2".to_owned()];
        let request = request("ws://chat.example.com:8080/rooms/42?x=1", &headers).unwrap();
        assert_eq!(request.uri(), "/rooms/42?x=1");
        assert_eq!(request.headers()[HOST], "chat.example.com:8080");
        assert_eq!(request.headers()[UPGRADE], "websocket");
        let cookies: Vec<_> = request.headers().get_all("cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
    }

    #[test]
    fn a_host_header_takes_the_place_of_the_urls() {
        let request = request("http://127.0.0.1/", &["Host: chat.example.com".to_owned()]).unwrap();
        assert_eq!(request.headers()[HOST], "chat.example.com");
        assert!(!request.headers().contains_key(UPGRADE));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let said = |url: &str, header: &str| {
            let headers: Vec<_> = Some(header.to_owned())
                .into_iter()
                .filter(|h| !h.is_empty())
                .collect();
            request(url, &headers).unwrap_err().to_string()
        };
        assert!(said("/rooms/42", "").contains("ws://HOST[:PORT]/PATH"));
        assert!(said("ftp://x/", "").contains("http, https or wss"));
        assert!(said("ws://x y/", "").contains("is no URL"));
        assert!(said("ws://x/", "Cookie").contains("`Name: value`"));
        assert!(said("ws://x/", "Coo kie: 1").contains("no valid name"));
        assert!(said("ws://x/", "Cookie: \u{1}").contains("no valid value"));
    }
}
