//! The fields that tell an endpoint which hops a request took.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};

use super::{
    Scheme, X_FORWARDED_CLIENT_CERT, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO,
};
use crate::client_address::Client;

/// Adds this hop. What an untrusted peer claimed has been removed before, so whatever is there now
/// is believed and extended.
///
/// A list that starts here begins with the client itself, where a trusted proxy told its address
/// in the other of the two lists.
pub(super) fn write(headers: &mut HeaderMap, client: &Client, scheme: Scheme, host: &HeaderValue) {
    let proto = scheme.as_str();
    let told = (client.address != client.peer).then_some(client.address);
    let peer = client.peer.to_string();
    extend(
        headers,
        X_FORWARDED_FOR,
        told.map(|address| address.to_string()),
        &peer,
    );
    let peer = format!(
        "{};host=\"{}\";proto={proto}",
        node(client.peer),
        text(host)
    );
    extend(headers, FORWARDED, told.map(node), &peer);
    headers
        .entry(X_FORWARDED_PROTO)
        .or_insert(HeaderValue::from_static(proto));
    headers
        .entry(X_FORWARDED_HOST)
        .or_insert_with(|| host.clone());
}

/// Adds the certificate that this hop's client showed to those of the hops before.
pub(super) fn add_cert(headers: &mut HeaderMap, cert: &HeaderValue) {
    extend(headers, X_FORWARDED_CLIENT_CERT, None, text(cert));
}

/// Adds `hop` to the list `name`, on one line; a new list begins with `first`.
fn extend(headers: &mut HeaderMap, name: HeaderName, first: Option<String>, hop: &str) {
    let mut list = Vec::with_capacity(64);
    for line in headers.get_all(&name) {
        push(&mut list, line.as_bytes());
    }
    if let (true, Some(first)) = (list.is_empty(), first) {
        push(&mut list, first.as_bytes());
    }
    push(&mut list, hop.as_bytes());
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(list)) {
        headers.insert(name, value);
    }
}

fn push(list: &mut Vec<u8>, element: &[u8]) {
    if !list.is_empty() {
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(element);
}

/// RFC 7239 section 6: an IPv6 address is quoted and in brackets.
fn node(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("for={address}"),
        IpAddr::V6(address) => format!("for=\"[{address}]\""),
    }
}

/// A vetted host has no character that would need escaping, and what we wrote has none.
fn text(host: &HeaderValue) -> &str {
    host.to_str().unwrap_or_default()
}
