//! The header fields of a message that goes on: which stay behind, and which the gateway adds.
//!
//! No `Via` is added: nothing between two HTTP/1.1 peers needs it, and it tells strangers what
//! runs here.

mod hop_by_hop;
mod hops;
mod request_id;

use http::Uri;
use http::header::{CONNECTION, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::request::Parts;

use crate::client_address::{Client, Trust};

pub(crate) use hop_by_hop::strip as strip_hop_by_hop;
pub(crate) use request_id::RequestId;

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const X_FORWARDED_CLIENT_CERT: HeaderName =
    HeaderName::from_static("x-forwarded-client-cert");
pub(crate) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(crate) const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const UPGRADE_OPTION: HeaderValue = HeaderValue::from_static("upgrade");

/// What the client of a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Without TLS.
    Http,
    /// The listener ends TLS.
    Https,
}

/// How a request came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'a> {
    /// Whether over TLS.
    pub scheme: Scheme,
    /// The value of `X-Forwarded-Client-Cert` for what the client showed there.
    pub cert: Option<&'a HeaderValue>,
}

impl Scheme {
    /// As `X-Forwarded-Proto` and `Forwarded` say it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Turns a client's head into what the endpoint gets.
///
/// Fields of the connection are removed, then those that say whose request it is are written:
/// `X-Forwarded-For`, `-Proto`, `-Host` and `-Client-Cert`, `Forwarded` and `X-Request-Id`. `Expect` goes too: the
/// gateway answers it itself once it reads the body. The target is put in origin form (RFC 9112
/// section 3.2.1); `Host` says the rest.
pub(crate) fn request(head: &mut Parts, client: &Client, arrival: Arrival<'_>, id: &RequestId) {
    if let Some(target) = head.uri.path_and_query().cloned() {
        head.uri = Uri::from(target);
    }
    fields(&mut head.headers, client, arrival, id);
}

fn fields(headers: &mut HeaderMap, client: &Client, arrival: Arrival<'_>, id: &RequestId) {
    strip_hop_by_hop(headers);
    headers.remove(EXPECT);
    if client.trust == Trust::Untrusted {
        remove_claims(headers);
    }
    if let Some(host) = headers.get(HOST).cloned() {
        hops::write(headers, client, arrival.scheme, &host);
    }
    if let Some(cert) = arrival.cert {
        hops::add_cert(headers, cert);
    }
    headers.insert(X_REQUEST_ID, id.to_value());
}

/// What only a proxy has the right to say.
fn remove_claims(headers: &mut HeaderMap) {
    let is_claim = |name: &&HeaderName| {
        let name = *name;
        name == http::header::FORWARDED
            || name == X_REAL_IP
            || name.as_str().starts_with("x-forwarded-")
    };
    let claims: Vec<HeaderName> = headers.keys().filter(is_claim).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
}

/// Marks a message as one half of a handshake, after the fields of its own connection are gone.
pub(crate) fn mark_as_handshake(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, UPGRADE_OPTION);
    headers.insert(UPGRADE, WEBSOCKET);
}

#[cfg(test)]
mod tests;
