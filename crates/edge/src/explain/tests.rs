use std::path::Path as FilePath;

use switchyard_telemetry::{Build, Metrics};

use super::*;

const CONFIG: &str = r#"
listeners: [{ name: web, address: "127.0.0.1:8080" }]
routes:
  - name: rooms
    match: { hosts: [a.example], path: "/rooms/{room}" }
    cluster: chat
    affinity: [{ path: room }]
  - name: cookies
    match: { path_prefix: /c/ }
    cluster: chat
    affinity: [{ issued_cookie: { name: SYAFF } }]
  - name: rest
    match: { headers: { x-rest: "1" } }
    split: [{ cluster: chat, weight: 3 }, { cluster: canary, weight: 1 }]
  - name: homes
    match: { path_prefix: /homes/ }
    channels: ["home:{query.home}", news]
    cluster: many
    affinity: [client_address]
  - name: sites
    match: { path_prefix: /sites/ }
    cluster: many
    affinity: [{ client_address: { ipv6_prefix: 48, ipv4_prefix: 24 } }]
  - name: ticker
    match: { path_exact: /ticker }
    push_only: on
    channels: ["ticker:{query.symbol}"]
clusters:
  - name: chat
    endpoints: [{ address: "127.0.0.1:9001" }, { address: "127.0.0.1:9002" }]
  - name: canary
    endpoints: [{ address: "127.0.0.1:9003" }]
  - name: many
    endpoints:
      - { address: "127.0.0.1:9011" }
      - { address: "127.0.0.1:9012" }
      - { address: "127.0.0.1:9013" }
      - { address: "127.0.0.1:9014" }
      - { address: "127.0.0.1:9015" }
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

fn explained(uri: &str, header: (&str, &str)) -> String {
    explained_to("192.0.2.1", uri, header)
}

fn explained_to(peer: &str, uri: &str, header: (&str, &str)) -> String {
    let host = uri.split('/').nth(2).unwrap();
    let request = Request::builder().uri(uri).header("host", host);
    let request = request.header(header.0, header.1).body(()).unwrap();
    explain(&snapshot(), &request, peer.parse().unwrap()).to_string()
}

const NONE: (&str, &str) = ("x-other", "1");

#[test]
fn a_value_fixes_the_order() {
    let text = explained("ws://a.example:8080/rooms/7", NONE);
    let begin = "listener   web\nclient     192.0.2.1\nroute      rooms: matches\n\
                 capture    room = 7\naffinity   path:room = 7\ncluster    chat\n\
                 order      by the affinity, the same on every replica\n";
    assert!(text.starts_with(begin), "{text}");
    let served = snapshot();
    let route = served.routes.targets().next().unwrap();
    let affinity = Some(served.key.affinity("path:room", b"7"));
    let first = route.split.clusters[0]
        .rank(affinity, None, 1)
        .next()
        .unwrap();
    assert!(
        text.contains(&format!("1. {}\n", first.endpoint.name())),
        "{text}"
    );
}

#[test]
fn a_cookie_fixes_the_first() {
    let served = snapshot();
    let cluster = &served.routes.targets().next().unwrap().split.clusters[0];
    let named = &cluster.endpoints()[1];
    let cookie = format!("SYAFF={}", cluster.token(named));
    let text = explained("ws://b.example/c/", ("cookie", &cookie));
    assert!(
        text.contains("affinity   cookie SYAFF names the endpoint\n"),
        "{text}"
    );
    assert!(
        text.ends_with("1. 127.0.0.1:9002\n           2. 127.0.0.1:9001\n"),
        "{text}"
    );
    assert!(
        text.starts_with("listener   none has this port\n"),
        "{text}"
    );
}

/// From the affinity on: what decides and the order that it gives, which replicas agree on.
fn led(peer: &str, path: &str) -> String {
    let text = explained_to(peer, &format!("ws://b.example{path}"), NONE);
    let (_, led) = text.split_once("affinity   ").unwrap();
    led.to_owned()
}

#[test]
fn clients_of_one_network_have_one_order() {
    let home = led("2001:db8:0:1::1", "/homes/");
    assert!(
        home.starts_with("client_address = 2001:db8:0:1::/64\n"),
        "{home}"
    );
    assert_eq!(home, led("2001:db8:0:1:ffff::2", "/homes/"));
    let other = led("2001:db8:0:2::1", "/homes/");
    assert!(
        other.starts_with("client_address = 2001:db8:0:2::/64\n"),
        "{other}"
    );
    assert_eq!(
        led("2001:db8:0:1::1", "/sites/"),
        led("2001:db8:0:2::1", "/sites/")
    );
}

#[test]
fn a_network_is_said_with_its_prefix_and_an_address_without() {
    for (peer, path, expected) in [
        ("192.0.2.1", "/homes/", "192.0.2.1"),
        ("::ffff:192.0.2.1", "/homes/", "192.0.2.1"),
        ("::ffff:192.0.2.1", "/sites/", "192.0.2.0/24"),
        ("2001:db8:0:1::1", "/sites/", "2001:db8::/48"),
    ] {
        let led = led(peer, path);
        assert!(
            led.starts_with(&format!("client_address = {expected}\n")),
            "{peer} {path}: {led}"
        );
    }
}

#[test]
fn nothing_leaves_it_to_chance() {
    let text = explained("ws://b.example:8080/", ("x-rest", "1"));
    for part in [
        "route      rooms: is for another host\n",
        "route      cookies: is for another path\n",
        "route      rest: matches\n",
        "affinity   none\n",
        "cluster    chat (weight 3 of 4)\n",
        "cluster    canary (weight 1 of 4)\n",
        "order      as the balancer decides\n",
    ] {
        assert!(text.contains(part), "{part}{text}");
    }
}

#[test]
fn a_refusal_is_said() {
    let text = explained("ws://b.example:8080/", NONE);
    assert!(text.contains("rest: asks for a header"), "{text}");
    assert!(
        text.ends_with("refused    no route matches (404)\n"),
        "{text}"
    );
    let text = explained("ws://a.example/a/../b", NONE);
    assert!(
        text.ends_with("refused    the path has a dot segment\n"),
        "{text}"
    );
}

#[test]
fn channels_are_shown_as_they_would_be_subscribed_to() {
    let text = explained("ws://b.example/homes/1?home=a%2Fb&home=c", NONE);
    let channels = "channel    home:a%2Fb\nchannel    home:c\nchannel    news\naffinity";
    assert!(text.contains(channels), "{text}");
    let many: Vec<_> = (0..64).map(|home| format!("home={home}")).collect();
    let text = explained(&format!("ws://b.example/homes/1?{}", many.join("&")), NONE);
    let refused = "refused    a session may not have so many channels (400)\n";
    assert!(text.ends_with(refused), "{text}");
}

#[test]
fn a_route_without_a_cluster_needs_a_channel() {
    let text = explained("ws://b.example/ticker?symbol=X", NONE);
    let end = "channel    ticker:X\ncluster    none, the gateway opens the session itself\n";
    assert!(text.ends_with(end), "{text}");
    let text = explained("ws://b.example/ticker", NONE);
    let refused = "refused    the request does not say what to listen to (400)\n";
    assert!(text.ends_with(refused), "{text}");
}
