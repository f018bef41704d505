//! The fields that tell an endpoint which hops a request took.

use std::net::IpAddr;

use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use switchyard_telemetry::Spelled;

use super::{
    Scheme, X_FORWARDED_CLIENT_CERT, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO,
};
use crate::client_address::Client;

/// Room for a list that nobody has begun.
const LIST: usize = 128;

/// Adds this hop. What an untrusted peer claimed has been removed before, so whatever is there now
/// is believed and extended.
///
/// A list that starts here begins with the client itself, where a trusted proxy told its address
/// in the other of the two lists.
pub(super) fn write(headers: &mut HeaderMap, client: &Client, scheme: Scheme, host: &HeaderValue) {
    let proto = scheme.as_str();
    let peer = Spelled::address(client.peer);
    let told = (client.address != client.peer).then(|| Spelled::address(client.address));
    let first = told.as_ref().map(Spelled::as_str);
    extend(
        headers,
        X_FORWARDED_FOR,
        &[first.unwrap_or_default()],
        &[peer.as_str()],
    );
    let [open, peer, close] = node(client.peer, &peer);
    let hop = [
        open,
        peer,
        close,
        ";host=\"",
        text(host),
        "\";proto=",
        proto,
    ];
    let told = told.as_ref().map(|told| node(client.address, told));
    extend(headers, FORWARDED, &told.unwrap_or_default(), &hop);
    headers
        .entry(X_FORWARDED_PROTO)
        .or_insert(HeaderValue::from_static(proto));
    headers
        .entry(X_FORWARDED_HOST)
        .or_insert_with(|| host.clone());
}

/// Adds the certificate that this hop's client showed to those of the hops before.
pub(super) fn add_cert(headers: &mut HeaderMap, cert: &HeaderValue) {
    extend(headers, X_FORWARDED_CLIENT_CERT, &[], &[text(cert)]);
}

/// Adds `hop` to the list `name`, on one line; a new list begins with `first`, if that says anything. Both are in
/// pieces.
fn extend(headers: &mut HeaderMap, name: HeaderName, first: &[&str], hop: &[&str]) {
    let mut list = Vec::with_capacity(LIST);
    for line in headers.get_all(&name) {
        push(&mut list, [line.as_bytes()]);
    }
    if list.is_empty() {
        push(&mut list, first.iter().map(|piece| piece.as_bytes()));
    }
    push(&mut list, hop.iter().map(|piece| piece.as_bytes()));
    if let Ok(value) = HeaderValue::from_bytes(&list) {
        headers.insert(name, value);
    }
}

/// Adds an element that is in pieces.
fn push<'a>(list: &mut Vec<u8>, element: impl IntoIterator<Item = &'a [u8]>) {
    if !list.is_empty() {
        list.extend_from_slice(b", ");
    }
    for piece in element {
        list.extend_from_slice(piece);
    }
}

/// RFC 7239 section 6: an IPv6 address is quoted and in brackets.
fn node(address: IpAddr, text: &Spelled) -> [&str; 3] {
    match address {
        IpAddr::V4(_) => ["for=", text.as_str(), ""],
        IpAddr::V6(_) => ["for=\"[", text.as_str(), "]\""],
    }
}

/// A vetted host has no character that would need escaping, and what we wrote has none.
fn text(host: &HeaderValue) -> &str {
    host.to_str().unwrap_or_default()
}
