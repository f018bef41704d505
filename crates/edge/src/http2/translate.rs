//! Requests and answers of HTTP/2 in the shape of HTTP/1.1, and back.
//!
//! An extended CONNECT for `websocket` (RFC 8441) becomes an upgrade, with a key of the gateway's own: the
//! key, and what is made of it, are between the gateway and the endpoint. Everything else stays what it
//! is, but for what the two versions say in different places.

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY,
};
use http::request::Parts;
use http::uri::Authority;
use http::{Method, Request, Response, StatusCode, Version};
use hyper::ext::Protocol;
use switchyard_proto::handshake::Key;

use crate::forward;

/// The protocol of an extended CONNECT that is served.
const WEBSOCKET: &str = "websocket";

/// A request, as it would have come over HTTP/1.1. `random` is for a key.
pub(super) fn request<B>(request: Request<B>, random: impl FnOnce() -> u128) -> Request<B> {
    let (mut head, body) = request.into_parts();
    head.version = Version::HTTP_11;
    name_host(&mut head);
    join_cookies(&mut head.headers);
    if asks_for_websocket(&head) {
        head.method = Method::GET;
        let key = Key::from_bytes(random().to_be_bytes());
        if let Ok(key) = HeaderValue::from_str(key.as_str()) {
            head.headers.insert(SEC_WEBSOCKET_KEY, key);
        }
        forward::mark_as_handshake(&mut head.headers);
    }
    Request::from_parts(head, body)
}

/// `:authority` is `Host` (RFC 9113 section 8.3.1). Where both are there they must agree, which is looked at
/// as for HTTP/1.1.
fn name_host(head: &mut Parts) {
    let authority = head.uri.authority().map(Authority::as_str);
    let named = authority.and_then(|authority| HeaderValue::from_str(authority).ok());
    if let Some(host) = named
        && !head.headers.contains_key(HOST)
    {
        head.headers.insert(HOST, host);
    }
}

/// One field again of what may come as one for each cookie (RFC 9113 section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<_> = headers.get_all(COOKIE).iter().collect();
    if crumbs.len() < 2 {
        return;
    }
    let crumbs: Vec<_> = crumbs.into_iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(b"; ".as_slice())) {
        headers.insert(COOKIE, joined);
    }
}

fn asks_for_websocket(head: &Parts) -> bool {
    let protocol = head.extensions.get::<Protocol>();
    head.method == Method::CONNECT && protocol.is_some_and(|it| it.as_str() == WEBSOCKET)
}

/// An answer that HTTP/1.1 would have. Whether the connection goes on is not said in it.
pub(super) fn response<B>(mut response: Response<B>) -> Response<B> {
    let is_switch = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    *response.version_mut() = Version::HTTP_2;
    let headers = response.headers_mut();
    // What it may name is not there: the answer has been through this before.
    headers.remove(CONNECTION);
    forward::strip_hop_by_hop(headers);
    if is_switch {
        headers.remove(SEC_WEBSOCKET_ACCEPT);
        headers.remove(CONTENT_LENGTH);
        *response.status_mut() = StatusCode::OK;
    }
    response
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use http::header::{SEC_WEBSOCKET_PROTOCOL, UPGRADE};

    use super::*;

    fn connect(protocol: &'static str) -> Request<()> {
        Request::builder()
            .version(Version::HTTP_2)
            .method(Method::CONNECT)
            .uri("https://chat.example.com/rooms/1?q=2")
            .extension(Protocol::from_static(protocol))
            .header("sec-websocket-version", "13")
            .body(())
            .unwrap()
    }

    #[test]
    fn an_extended_connect_is_an_upgrade() {
        let upgrade = request(connect("websocket"), || 7);
        assert_eq!(upgrade.method(), Method::GET);
        assert_eq!(upgrade.version(), Version::HTTP_11);
        assert_eq!(upgrade.uri().path(), "/rooms/1");
        let headers = upgrade.headers();
        assert_eq!(headers[HOST], "chat.example.com");
        assert_eq!(headers[UPGRADE], "websocket");
        assert_eq!(headers[CONNECTION], "upgrade");
        assert_eq!(headers[SEC_WEBSOCKET_KEY], "AAAAAAAAAAAAAAAAAAAABw==");
    }

    #[test]
    fn a_key_of_the_client_means_nothing() {
        let mut connect = connect("websocket");
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        connect.headers_mut().append(SEC_WEBSOCKET_KEY, key.clone());
        connect.headers_mut().append(SEC_WEBSOCKET_KEY, key);
        let upgrade = request(connect, || 7);
        let keys: Vec<_> = upgrade
            .headers()
            .get_all(SEC_WEBSOCKET_KEY)
            .iter()
            .collect();
        assert_eq!(keys, ["AAAAAAAAAAAAAAAAAAAABw=="]);
    }

    #[test]
    fn any_other_connect_stays_one() {
        for protocol in ["connect-udp", "WebSocket", ""] {
            let same = request(connect(protocol), || 7);
            assert_eq!(same.method(), Method::CONNECT, "{protocol}");
            assert!(!same.headers().contains_key(UPGRADE));
        }
    }

    #[test]
    fn cookies_are_one_field_again() {
        let crumbs = Request::builder()
            .uri("https://a.example/")
            .header(COOKIE, "a=1")
            .header(COOKIE, "b=2; c=3")
            .body(())
            .unwrap();
        let whole = request(crumbs, || 7);
        let cookies: Vec<_> = whole.headers().get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
    }

    #[test]
    fn a_host_field_is_kept_beside_the_authority() {
        let both = Request::builder()
            .uri("https://a.example/")
            .header(HOST, "b.example")
            .body(())
            .unwrap();
        assert_eq!(request(both, || 7).headers()[HOST], "b.example");
    }

    #[test]
    fn a_101_is_a_200() {
        let switching = Response::builder()
            .status(101)
            .header(CONNECTION, "upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            .header(SEC_WEBSOCKET_PROTOCOL, "chat")
            .body(())
            .unwrap();
        let answer = response(switching);
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.version(), Version::HTTP_2);
        let names: Vec<_> = answer.headers().keys().collect();
        assert_eq!(names, [SEC_WEBSOCKET_PROTOCOL]);
    }

    #[test]
    fn what_is_between_two_neighbours_is_not_said() {
        let refusal = Response::builder()
            .status(426)
            .header(CONNECTION, "close")
            .header(UPGRADE, "websocket")
            .header("retry-after", "3")
            .body(())
            .unwrap();
        let answer = response(refusal);
        assert_eq!(answer.status(), StatusCode::UPGRADE_REQUIRED);
        let names: Vec<_> = answer.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["retry-after"]);
    }
}
