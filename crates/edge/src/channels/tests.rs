use std::net::Ipv4Addr;

use http::HeaderValue;
use switchyard_config::PathPattern;

use super::*;
use crate::routes::{Host, Path, RouteTable};

/// The channels of a handshake for `target`, on a route with a template for `/rooms/{room}` and these channels.
fn channels(written: &[&str], target: &str, headers: &HeaderMap) -> Result<Vec<String>, Refusal> {
    let list = written.iter().map(|it| format!("{it:?}"));
    let list = list.collect::<Vec<_>>().join(", ");
    let text = format!(
        "listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\n\
         routes: [{{ name: rooms, match: {{ path: \"/rooms/{{room}}\" }}, push_only: on, channels: [{list}] }}]\n"
    );
    let config = switchyard_config::parse(&text, std::path::Path::new("test.yaml"));
    let route = config
        .unwrap_or_else(|errors| panic!("{errors}"))
        .routes
        .remove(0);
    assert!(matches!(route.matches.path, PathPattern::Template(_)));
    let table = RouteTable::new([(route.matches.clone(), ())]).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = Path::parse(path).unwrap();
    let host = Host::parse(b"h").unwrap();
    let found = table.find(&host, &path, headers).unwrap();
    let places = Places {
        captures: &found.captures,
        headers,
        query: Some(query),
        client: Ipv4Addr::LOCALHOST.into(),
    };
    let channels = of_request(&route.channels, &places, 4)?;
    Ok(channels.iter().map(ToString::to_string).collect())
}

fn headers(fields: &[(&'static str, &'static [u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let value = HeaderValue::from_bytes(value).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

#[test]
fn values_are_written_into_names() {
    let headers = headers(&[
        ("x-user", b"ann@example.com"),
        ("x-user", b"second"),
        ("x-bytes", b"\xff\xe9"),
        ("sec-websocket-protocol", b"chat.v2 , ticket.a.b"),
        ("sec-websocket-protocol", b"ticket.c"),
    ]);
    for (written, target, names) in [
        ("news", "/rooms/7", &["news"][..]),
        ("room:{path.room}", "/rooms/7", &["room:7"]),
        ("room:{path.room}", "/rooms/a%2Fb:c", &["room:a%2Fb%3Ac"]),
        ("room:{path.room}", "/rooms/%C3%A9+1", &["room:%C3%A9%2B1"]),
        ("u:{header.X-User}", "/rooms/7", &["u:ann%40example.com"]),
        ("u:{header.x-bytes}", "/rooms/7", &["u:%FF%E9"]),
        ("u:{header.x-none}", "/rooms/7", &[]),
        ("t:{subprotocol.ticket}", "/rooms/7", &["t:a.b"]),
        ("t:{subprotocol.chat}", "/rooms/7", &["t:v2"]),
        ("t:{subprotocol.chat.v2}", "/rooms/7", &[]),
        ("{query.q}!", "/rooms/7?q=a+b&x=1&q=%2a", &["*!", "a%20b!"]),
        ("{query.q}", "/rooms/7?q=-_.!~*'()", &["-_.!~*'()"]),
        ("{query.q}", "/rooms/7?q=1&q=1", &["1"]),
        ("{query.q}", "/rooms/7?q=", &[]),
        ("{query.q}", "/rooms/7", &[]),
        (
            "{query.a}.{query.b}",
            "/rooms/7?a=1&b=2&b=3",
            &["1.2", "1.3"],
        ),
        ("{query.a}.{query.b}", "/rooms/7?a=1", &[]),
    ] {
        let found = channels(&[written], target, &headers).unwrap();
        assert_eq!(found, names, "{written} {target}");
    }
}

#[test]
fn a_channel_is_there_once() {
    let found = channels(
        &["7", "{path.room}", "{query.q}"],
        "/rooms/7?q=7&q=8",
        &HeaderMap::new(),
    );
    assert_eq!(found.unwrap(), ["7", "8"]);
}

#[test]
fn there_are_no_more_than_there_may_be() {
    let none = HeaderMap::new();
    let of = |written: &[&str], target: &str| channels(written, target, &none);
    assert_eq!(
        of(&["{query.q}"], "/rooms/7?q=1&q=2&q=3&q=4")
            .unwrap()
            .len(),
        4
    );
    for (written, target) in [
        (&["{query.q}"][..], "/rooms/7?q=1&q=2&q=3&q=4&q=5"),
        (&["{query.q}", "news"], "/rooms/7?q=1&q=2&q=3&q=4"),
        (&["{query.a}{query.b}"], "/rooms/7?a=1&a=2&a=3&b=1&b=2"),
        (&["a", "b", "c", "d", "e"], "/rooms/7"),
    ] {
        let refused = of(written, target);
        assert!(matches!(refused, Err(Refusal::ManyChannels)), "{written:?}");
    }
}

#[test]
fn a_name_is_no_longer_than_it_may_be() {
    let none = HeaderMap::new();
    let of = |written: &str, room: usize| {
        channels(&[written], &format!("/rooms/{}", "x".repeat(room)), &none)
    };
    assert_eq!(of("a:{path.room}", 253).unwrap()[0].len(), 255);
    for (written, room) in [("a:{path.room}", 254), ("{path.room}", 256)] {
        assert!(matches!(of(written, room), Err(Refusal::LongChannel)));
    }
}

#[test]
fn an_endpoint_names_whole_channels() {
    let mut headers = headers(&[
        ("switchyard-channels", b"user:7 , room a,,\tnews"),
        ("switchyard-channels", b"\xff, \xc3\xa9"),
        ("x-other", b"stays"),
    ]);
    let names = announced(&mut headers, "10.0.0.1:9");
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    assert_eq!(names, ["user:7", "news", "é"]);
    assert_eq!(headers.len(), 1);
    assert!(headers.contains_key("x-other"));
}
