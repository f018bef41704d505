use std::net::IpAddr;

use super::*;

fn client(peer: &str, address: &str, trust: Trust) -> Client {
    let parse = |text: &str| text.parse::<IpAddr>().unwrap();
    Client {
        peer: parse(peer),
        address: parse(address),
        trust,
    }
}

fn stranger() -> Client {
    client("192.0.2.1", "192.0.2.1", Trust::Untrusted)
}

fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn sent(client: &Client, fields: &[(&'static str, &'static str)]) -> HeaderMap {
    sent_over(Scheme::Http, client, fields)
}

fn sent_over(
    scheme: Scheme,
    client: &Client,
    fields: &[(&'static str, &'static str)],
) -> HeaderMap {
    let mut headers = headers(fields);
    let id = RequestId::keep_or_make(&headers, client.trust, || 0xabc);
    let arrival = Arrival { scheme, cert: None };
    super::fields(&mut headers, client, arrival, &id);
    headers
}

#[test]
fn a_clients_certificate_is_said_by_us_and_by_trusted_proxies_alone() {
    let cert = HeaderValue::from_static("Hash=ab");
    let with = |client: &Client, cert: Option<&HeaderValue>| {
        let mut headers = headers(&[
            ("host", "a.example"),
            ("x-forwarded-client-cert", "Hash=cd"),
            ("x-forwarded-client-cert", "Hash=ef"),
        ]);
        let id = RequestId::keep_or_make(&headers, client.trust, || 0xabc);
        let scheme = Scheme::Https;
        fields(&mut headers, client, Arrival { scheme, cert }, &id);
        let lines = headers.get_all(X_FORWARDED_CLIENT_CERT).iter();
        let lines = lines.map(|it| it.to_str().unwrap().to_owned());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(with(&stranger(), Some(&cert)), ["Hash=ab"]);
    assert!(with(&stranger(), None).is_empty());
    let proxy = client("10.0.0.1", "198.51.100.7", Trust::Trusted);
    assert_eq!(with(&proxy, Some(&cert)), ["Hash=cd, Hash=ef, Hash=ab"]);
    assert_eq!(with(&proxy, None), ["Hash=cd", "Hash=ef"]);
}

#[test]
fn what_came_over_tls_is_said_to_unless_a_trusted_proxy_knows_better() {
    let fields = [
        ("host", "a.example"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "for=198.51.100.7;proto=http"),
    ];
    let headers = sent_over(Scheme::Https, &stranger(), &fields);
    assert_field(&headers, "x-forwarded-proto", "https");
    let expected = "for=192.0.2.1;host=\"a.example\";proto=https";
    assert_field(&headers, "forwarded", expected);

    let proxy = client("10.0.0.1", "198.51.100.7", Trust::Trusted);
    let headers = sent_over(Scheme::Https, &proxy, &fields);
    assert_field(&headers, "x-forwarded-proto", "http");
    let expected = "for=198.51.100.7;proto=http, for=10.0.0.1;host=\"a.example\";proto=https";
    assert_field(&headers, "forwarded", expected);
}

#[track_caller]
fn assert_field(headers: &HeaderMap, name: &str, expected: &str) {
    let values: Vec<_> = headers.get_all(name).iter().collect();
    assert_eq!(values, [expected], "{name}");
}

#[test]
fn the_connection_keeps_its_fields() {
    let headers = sent(
        &stranger(),
        &[
            ("host", "a.example"),
            ("connection", "keep-alive, X-Mine"),
            ("connection", "close ,x-yours"),
            ("x-mine", "1"),
            ("x-yours", "2"),
            ("x-other", "3"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic eA=="),
            ("te", "trailers"),
            ("trailer", "x-sum"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("expect", "100-continue"),
            ("http2-settings", "AAMAAABk"),
        ],
    );
    let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    let added = [
        "x-forwarded-for",
        "forwarded",
        "x-forwarded-proto",
        "x-forwarded-host",
    ];
    for name in &left {
        let expected = ["host", "x-other", "x-request-id"].contains(name) || added.contains(name);
        assert!(expected, "{name} was passed on");
    }
    assert_eq!(left.len(), 7);
}

#[test]
fn a_client_cannot_have_what_endpoints_decide_by_removed() {
    let headers = sent(
        &stranger(),
        &[
            ("host", "a.example"),
            (
                "connection",
                "host, authorization, cookie, origin, x-request-id, content-length",
            ),
            (
                "connection",
                "sec-websocket-key, x-forwarded-for, forwarded",
            ),
            ("authorization", "Bearer t"),
            ("cookie", "a=b"),
            ("origin", "https://a.example"),
            ("content-length", "0"),
            ("sec-websocket-key", "k"),
        ],
    );
    for name in [
        "host",
        "authorization",
        "cookie",
        "origin",
        "content-length",
        "sec-websocket-key",
    ] {
        assert!(headers.contains_key(name), "{name} was removed");
    }
    assert_field(&headers, "x-forwarded-for", "192.0.2.1");
    assert_field(&headers, "x-request-id", "00000000000000000000000000000abc");
}

#[test]
fn a_stranger_is_described_by_what_is_seen() {
    let headers = sent(
        &stranger(),
        &[
            ("host", "a.example:8080"),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-port", "1"),
            ("x-real-ip", "203.0.113.7"),
            ("forwarded", "for=203.0.113.7"),
            ("x-request-id", "mine"),
        ],
    );
    assert_field(&headers, "x-forwarded-for", "192.0.2.1");
    assert_field(&headers, "x-forwarded-proto", "http");
    assert_field(&headers, "x-forwarded-host", "a.example:8080");
    assert_field(
        &headers,
        "forwarded",
        "for=192.0.2.1;host=\"a.example:8080\";proto=http",
    );
    assert_field(&headers, "x-request-id", "00000000000000000000000000000abc");
    assert!(!headers.contains_key("x-forwarded-port"));
    assert!(!headers.contains_key("x-real-ip"));
}

#[test]
fn a_trusted_proxy_is_extended() {
    let proxy = client("10.0.0.1", "192.0.2.1", Trust::Trusted);
    let headers = sent(
        &proxy,
        &[
            ("host", "a.example"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-for", "10.0.0.9"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "public.example"),
            ("x-real-ip", "192.0.2.1"),
            ("x-request-id", "theirs-1"),
        ],
    );
    assert_field(&headers, "x-forwarded-for", "192.0.2.1, 10.0.0.9, 10.0.0.1");
    assert_field(&headers, "x-forwarded-proto", "https");
    assert_field(&headers, "x-forwarded-host", "public.example");
    assert_field(&headers, "x-real-ip", "192.0.2.1");
    assert_field(&headers, "x-request-id", "theirs-1");
    let list = "for=192.0.2.1, for=10.0.0.1;host=\"a.example\";proto=http";
    assert_field(&headers, "forwarded", list);
}

#[test]
fn ipv6_nodes_are_quoted() {
    let v6 = client("2001:db8::1", "2001:db8::1", Trust::Untrusted);
    let headers = sent(&v6, &[("host", "a.example")]);
    assert_field(&headers, "x-forwarded-for", "2001:db8::1");
    assert_field(
        &headers,
        "forwarded",
        "for=\"[2001:db8::1]\";host=\"a.example\";proto=http",
    );
}

#[test]
fn an_id_is_kept_only_where_it_is_one() {
    let id = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, value.parse().unwrap());
        let id = RequestId::keep_or_make(&headers, Trust::Trusted, || 1);
        id.as_str().to_owned()
    };
    assert_eq!(id("a-1"), "a-1");
    assert_eq!(id(&"x".repeat(128)), "x".repeat(128));
    for bad in ["", "a b", "a\u{e9}", &"x".repeat(129)] {
        assert_eq!(id(bad), "00000000000000000000000000000001", "{bad:?}");
    }
}

#[test]
fn the_target_is_put_in_origin_form() {
    for (uri, expected) in [
        ("http://a.example/x?y=%20", "/x?y=%20"),
        ("/x/%61?y", "/x/%61?y"),
        ("http://a.example", "/"),
        ("*", "*"),
    ] {
        let request = http::Request::builder()
            .uri(uri)
            .header("host", "a.example");
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let id = RequestId::keep_or_make(&head.headers, Trust::Untrusted, || 1);
        let arrival = Arrival {
            scheme: Scheme::Http,
            cert: None,
        };
        super::request(&mut head, &stranger(), arrival, &id);
        assert_eq!(head.uri.to_string(), expected, "{uri}");
    }
}

#[test]
fn both_halves_of_a_handshake_say_so() {
    let mut headers = headers(&[
        ("upgrade", "websocket, h2c"),
        ("connection", "keep-alive, Upgrade"),
    ]);
    strip_hop_by_hop(&mut headers);
    mark_as_handshake(&mut headers);
    assert_field(&headers, "connection", "upgrade");
    assert_field(&headers, "upgrade", "websocket");
}
