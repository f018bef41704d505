use std::path::Path as FilePath;

use http::{HeaderName, HeaderValue};
use switchyard_config::ClientAddress;
use switchyard_telemetry::{Build, Metrics};

use super::*;
use crate::routes::{Host, Path};
use crate::snapshot::Snapshot;

const CONFIG: &str = r#"
listeners: [{ name: web, address: "127.0.0.1:0" }]
routes:
  - name: rooms
    match: { path: "/rooms/{room}" }
    split: [{ cluster: chat, weight: 1 }, { cluster: canary, weight: 1 }]
    affinity:
      - { path: room }
  - name: rest
    match: { path_prefix: / }
    split: [{ cluster: chat, weight: 1 }, { cluster: canary, weight: 1 }]
    affinity:
      - { cookie: sid }
      - { header: x-user }
      - { issued_cookie: { name: SYAFF } }
      - { query: user }
      - client_address
clusters:
  - name: chat
    endpoints: [{ address: "127.0.0.1:9001" }, { address: "127.0.0.1:9002" }]
  - name: canary
    endpoints: [{ address: "127.0.0.1:9003" }]
"#;

fn snapshot() -> Snapshot {
    let config = switchyard_config::parse(CONFIG, FilePath::new("test.yaml"));
    let build = Build {
        version: "0",
        revision: "0",
        rustc: "0",
    };
    let metrics = Metrics::new(build).unwrap();
    Snapshot::new(
        &config.unwrap_or_else(|errors| panic!("{errors}")),
        &metrics,
        None,
    )
    .unwrap()
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let value = HeaderValue::from_str(value).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

/// What decides, whether the cookie was looked for, and where it leads.
fn decided(target: &str, headers: &HeaderMap) -> (String, bool) {
    let snapshot = snapshot();
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    let path = Path::parse(path).unwrap();
    let host = Host::parse(b"h").unwrap();
    let found = snapshot.routes.find(&host, &path, headers).unwrap();
    let places = Places {
        captures: &found.captures,
        headers,
        query,
        client: "192.0.2.1".parse().unwrap(),
    };
    let choice = decide(found.route, &places);
    let decision = match &choice.decision {
        Decision::Value(source, value) => {
            format!("{}={value}", source.label)
        }
        Decision::Named(cluster, endpoint) => format!("{}/{}", cluster.name(), endpoint.name()),
        Decision::Nothing => "nothing".to_owned(),
    };
    (decision, choice.cookie.is_some())
}

fn token_of(cluster: &str, endpoint: &str) -> String {
    let snapshot = snapshot();
    let route = snapshot.routes.targets().next().unwrap();
    let mut clusters = route.split.clusters.iter();
    let cluster = clusters.find(|known| &**known.name() == cluster).unwrap();
    let endpoints = cluster.endpoints();
    let endpoint = endpoints
        .iter()
        .find(|known| &**known.name() == endpoint)
        .unwrap();
    cluster.token(endpoint).to_owned()
}

#[test]
fn the_first_source_that_is_present_decides() {
    let all = headers(&[("cookie", "sid=s1"), ("x-user", "u1")]);
    assert_eq!(
        decided("/rooms/a%2Fb", &all),
        ("path:room=a/b".to_owned(), false)
    );
    assert_eq!(
        decided("/x?user=q1", &all),
        ("cookie:sid=s1".to_owned(), false)
    );
    let some = headers(&[("x-user", "u1")]);
    assert_eq!(
        decided("/x?user=q1", &some),
        ("header:x-user=u1".to_owned(), false)
    );
    let none = HeaderMap::new();
    assert_eq!(
        decided("/x?user=q1", &none),
        ("query:user=q1".to_owned(), true)
    );
    assert_eq!(
        decided("/x", &none),
        ("client_address=192.0.2.1".to_owned(), true)
    );
}

#[test]
fn an_empty_value_is_absent() {
    let empty = headers(&[("cookie", "sid="), ("x-user", "")]);
    assert_eq!(
        decided("/x?user=q1", &empty),
        ("query:user=q1".to_owned(), true)
    );
}

#[test]
fn a_genuine_cookie_names_its_endpoint_in_any_cluster_of_the_split() {
    for (cluster, endpoint) in [("chat", "127.0.0.1:9002"), ("canary", "127.0.0.1:9003")] {
        let cookie = format!("SYAFF={}", token_of(cluster, endpoint));
        let (decision, _) = decided("/x?user=q1", &headers(&[("cookie", &cookie)]));
        assert_eq!(decision, format!("{cluster}/{endpoint}"));
    }
}

#[test]
fn a_forged_cookie_is_no_cookie() {
    let mut forged = token_of("chat", "127.0.0.1:9002");
    let last = forged.pop().unwrap();
    forged.push(if last == '0' { '1' } else { '0' });
    for token in [forged.as_str(), "", "127.0.0.1:9002"] {
        let cookie = format!("SYAFF={token}");
        let decided = decided("/x?user=q1", &headers(&[("cookie", &cookie)]));
        assert_eq!(decided, ("query:user=q1".to_owned(), true), "{token}");
    }
}

#[test]
fn the_source_is_part_of_the_affinity() {
    let value = |label: &str| {
        let source = ValueSource {
            place: AffinitySource::Cookie("sid".to_owned()),
            label: label.into(),
        };
        let value = Value::Bytes(Cow::Borrowed(b"7"));
        Decision::Value(&source, value).affinity(&HashKey::PUBLIC)
    };
    assert_eq!(value("path:room"), value("path:room"));
    assert_ne!(value("path:room"), value("query:room"));
}

/// The network of `client`, with these many bits of IPv6 and IPv4.
fn network(client: &str, ipv6_prefix: u8, ipv4_prefix: u8) -> Value<'static> {
    let bits = ClientAddress {
        ipv6_prefix,
        ipv4_prefix,
    };
    Value::network(client.parse().unwrap(), bits)
}

#[test]
fn a_network_is_the_address_without_the_bits_behind_the_prefix() {
    for (client, ipv6, ipv4, expected) in [
        ("192.0.2.129", 64, 32, "192.0.2.129"),
        ("192.0.2.129", 64, 24, "192.0.2.0/24"),
        ("192.0.2.129", 64, 25, "192.0.2.128/25"),
        ("192.0.2.129", 64, 1, "128.0.0.0/1"),
        ("192.0.2.129", 64, u8::MAX, "192.0.2.129"),
        ("2001:db8:0:1:ffff::2", 64, 32, "2001:db8:0:1::/64"),
        ("2001:db8:0:1ff::2", 56, 32, "2001:db8:0:100::/56"),
        ("2001:db8::3", 127, 32, "2001:db8::2/127"),
        ("2001:db8::3", 128, 32, "2001:db8::3"),
        ("ffff::1", 1, 32, "8000::/1"),
        ("2001:db8::3", u8::MAX, 32, "2001:db8::3"),
    ] {
        let found = network(client, ipv6, ipv4).to_string();
        assert_eq!(found, expected, "{client} {ipv6} {ipv4}");
    }
}

#[test]
fn the_bits_behind_a_prefix_are_no_part_of_the_affinity() {
    let affinity = |client, ipv6, ipv4| {
        network(client, ipv6, ipv4).affinity(&HashKey::PUBLIC, "client_address")
    };
    let of_64 = |client| affinity(client, 64, 32);
    assert_eq!(of_64("2001:db8:0:1::1"), of_64("2001:db8:0:1:ffff::2"));
    assert_ne!(of_64("2001:db8:0:1::1"), of_64("2001:db8:0:2::1"));
    assert_ne!(
        affinity("2001:db8:0:1::1", 128, 32),
        affinity("2001:db8:0:1:ffff::2", 128, 32)
    );
    assert_eq!(
        affinity("192.0.2.1", 64, 24),
        affinity("192.0.2.255", 64, 24)
    );
    assert_ne!(of_64("192.0.2.1"), of_64("192.0.2.255"));
}

#[test]
fn all_of_an_ipv4_address_hashes_as_its_four_bytes() {
    let whole = network("192.0.2.1", 64, 32).affinity(&HashKey::PUBLIC, "client_address");
    let bytes = HashKey::PUBLIC.affinity("client_address", &[192, 0, 2, 1]);
    assert_eq!(whole, bytes);
}
