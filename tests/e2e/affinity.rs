//! Who gets a session: each source of affinity, each balancer, and the sticky split.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use switchyard_testkit::{Endpoint, Gateway, Handshake, Head, Response, Settings, Socket};

use crate::support::gateway;

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Three endpoints that say who they are, behind a gateway.
struct Trio {
    gateway: Gateway,
    _endpoints: [Endpoint; 3],
}

impl Trio {
    #[track_caller]
    fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let endpoints = NAMES.map(Endpoint::named);
        let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
        let gateway = gateway(&change(Settings::to(&addresses)));
        Self {
            gateway,
            _endpoints: endpoints,
        }
    }

    /// Who takes a handshake.
    #[track_caller]
    fn takes(&self, handshake: &Handshake) -> String {
        let peer = handshake.open(self.gateway.web());
        peer.head()
            .get("x-endpoint")
            .expect("an endpoint's name")
            .to_owned()
    }

    /// Who answers a plain request with these header lines.
    #[track_caller]
    fn answers(&self, target: &str, lines: &str) -> Response {
        ask(&self.gateway, target, lines)
    }
}

/// What `gateway` answers to a plain request with these header lines.
#[track_caller]
fn ask(gateway: &Gateway, target: &str, lines: &str) -> Response {
    let mut socket = Socket::connect(gateway.web());
    let request = format!("GET {target} HTTP/1.1\r\nHost: chat.example.com\r\n{lines}\r\n");
    socket.send(request.as_bytes());
    Response::read(&mut socket)
}

/// So many values that each of three endpoints has some: that one has none is once in 10^10.
const MANY: u8 = 60;

/// Many values: each always reaches one endpoint, and all of them reach every endpoint.
#[track_caller]
fn is_sticky(trio: &Trio, handshake: impl Fn(usize) -> Handshake) {
    let owners: Vec<String> = (0..MANY.into())
        .map(|n| trio.takes(&handshake(n)))
        .collect();
    for (n, owner) in owners.iter().enumerate() {
        assert_eq!(trio.takes(&handshake(n)), *owner, "value {n}");
    }
    assert_eq!(
        owners.iter().collect::<BTreeSet<_>>().len(),
        3,
        "{owners:?}"
    );
}

#[test]
fn by_path_capture() {
    let trio = Trio::with(|settings| {
        settings
            .matching("path: \"/rooms/{room}\"")
            .route("affinity: [{ path: room }]")
    });
    is_sticky(&trio, |n| Handshake::to(&format!("/rooms/{n}?x={}", n * 7)));
}

#[test]
fn by_cookie() {
    let trio = Trio::with(|settings| settings.route("affinity: [{ cookie: sid }]"));
    is_sticky(&trio, |n| {
        Handshake::to("/").with("Cookie", &format!("a=b; sid=s{n}; c=d"))
    });
}

#[test]
fn by_header() {
    let trio = Trio::with(|settings| settings.route("affinity: [{ header: x-user-id }]"));
    is_sticky(&trio, |n| {
        Handshake::to("/").with("X-User-Id", &format!("u{n}"))
    });
}

#[test]
fn by_query() {
    let trio = Trio::with(|settings| settings.route("affinity: [{ query: user }]"));
    is_sticky(&trio, |n| Handshake::to(&format!("/?v=1&user=u{n}")));
}

#[test]
fn by_client_address() {
    let trio = Trio::with(|settings| settings.route("affinity: [client_address]"));
    let from = |n: u8| {
        let socket = Socket::connect_from(IpAddr::from([127, 0, 1, n]), trio.gateway.web());
        let peer = Handshake::to("/").open_on(socket);
        peer.head().get("x-endpoint").unwrap().to_owned()
    };
    let owners: BTreeMap<u8, String> = (1..=MANY).map(|n| (n, from(n))).collect();
    assert!(owners.iter().all(|(n, owner)| from(*n) == *owner));
    assert_eq!(
        owners.values().collect::<BTreeSet<_>>().len(),
        3,
        "{owners:?}"
    );
}

#[test]
fn by_the_address_that_a_trusted_proxy_tells() {
    let trio = Trio::with(|settings| {
        settings
            .top("trusted_proxies: [127.0.0.0/8]")
            .route("affinity: [client_address]")
    });
    is_sticky(&trio, |n| {
        Handshake::to("/").with("X-Forwarded-For", &format!("203.0.113.{n}"))
    });
}

#[test]
fn the_first_source_that_is_there_counts() {
    let trio =
        Trio::with(|settings| settings.route("affinity: [{ header: x-user-id }, { query: user }]"));
    is_sticky(&trio, |n| {
        // The query differs each time and must not matter.
        Handshake::to(&format!("/?user={}", uuid())).with("X-User-Id", &format!("u{n}"))
    });
    is_sticky(&trio, |n| Handshake::to(&format!("/?user=u{n}")));
}

/// Something else on each call.
fn uuid() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

#[test]
fn a_plain_request_and_a_handshake_share_their_endpoint() {
    let trio = Trio::with(|settings| settings.route("affinity: [{ cookie: sid }]"));
    for n in 0..20 {
        let plain = trio.answers("/", &format!("Cookie: sid=s{n}\r\n"));
        let socket = trio.takes(&Handshake::to("/").with("Cookie", &format!("sid=s{n}")));
        assert_eq!(plain.text(), socket);
    }
}

/// The cookie in an answer, as the client sends it back.
#[track_caller]
fn issued(head: &Head) -> Option<String> {
    let set = head.get("set-cookie")?;
    Some(set.split(';').next().expect("a pair").to_owned())
}

#[test]
fn an_issued_cookie_names_its_endpoint() {
    let trio = Trio::with(|settings| {
        let cookie =
            "affinity: [{ issued_cookie: { name: SYAFF, max_age: 1h, same_site: strict } }]";
        settings.route(cookie).cluster("balancer: round_robin")
    });
    let first = trio.answers("/", "");
    let cookie = issued(&first.head).expect("a cookie for who has none");
    let attributes = first.head.get("set-cookie").unwrap().to_ascii_lowercase();
    for attribute in [
        "max-age=3600",
        "httponly",
        "samesite=strict",
        "secure",
        "path=/",
    ] {
        assert!(
            attributes.contains(attribute),
            "{attribute} is missing: {attributes}"
        );
    }
    for _ in 0..6 {
        let again = trio.answers("/", &format!("Cookie: {cookie}\r\n"));
        assert_eq!(again.text(), first.text());
        assert_eq!(
            issued(&again.head).as_ref(),
            Some(&cookie),
            "its hour begins anew"
        );
        let socket = trio.takes(&Handshake::to("/").with("Cookie", &cookie));
        assert_eq!(socket, first.text());
    }
}

#[test]
fn a_cookie_without_an_age_is_set_once() {
    let trio = Trio::with(|settings| {
        settings.route("affinity: [{ issued_cookie: { name: SYAFF, secure: false } }]")
    });
    let cookie = issued(&trio.answers("/", "").head).expect("a cookie for who has none");
    let again = trio.answers("/", &format!("Cookie: {cookie}\r\n"));
    assert_eq!(issued(&again.head), None);
}

#[test]
fn a_forged_cookie_means_nothing() {
    let trio = Trio::with(|settings| {
        settings.route("affinity: [{ issued_cookie: { name: SYAFF, secure: false } }]")
    });
    let genuine = issued(&trio.answers("/", "").head).expect("a cookie");
    let (start, last) = genuine.split_at(genuine.len() - 1);
    let forged = format!("{start}{}", if last == "0" { "1" } else { "0" });
    let answer = trio.answers("/", &format!("Cookie: {forged}\r\n"));
    assert!(issued(&answer.head).is_some(), "it gets a new one");
}

#[test]
fn a_cookie_holds_on_every_replica_until_its_endpoint_leaves() {
    let key = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(key.path(), [b'k'; 32]).expect("written");
    let replica = |endpoints: &[SocketAddr]| {
        let settings = Settings::to(endpoints)
            .top(&format!("affinity_key_file: {}", key.path().display()))
            .route("affinity: [{ issued_cookie: { name: SYAFF, secure: false } }]");
        gateway(&settings)
    };
    let endpoints = NAMES.map(Endpoint::named);
    let addresses = endpoints.each_ref().map(Endpoint::address);
    let [one, other] = [replica(&addresses), replica(&addresses)];
    let first = ask(&one, "/", "");
    let cookie = issued(&first.head).expect("a cookie for who has none");
    let mine = format!("Cookie: {cookie}\r\n");
    let again = ask(&other, "/", &mine);
    assert_eq!(again.text(), first.text());
    assert_eq!(issued(&again.head), None, "it holds there too");

    let owner = NAMES.iter().position(|name| first.text() == *name);
    let mut left = addresses.to_vec();
    left.remove(owner.expect("one of them"));
    let without = replica(&left);
    let moved = ask(&without, "/", &mine);
    let next = issued(&moved.head).expect("one that names who is there");
    assert_ne!(next, cookie);
    let settled = ask(&without, "/", &format!("Cookie: {next}\r\n"));
    assert_eq!(settled.text(), moved.text());
    assert_eq!(issued(&settled.head), None);
}

#[test]
fn round_robin_takes_turns() {
    let trio = Trio::with(|settings| settings.cluster("balancer: round_robin"));
    let mut counts = BTreeMap::new();
    for _ in 0..30 {
        *counts.entry(trio.takes(&Handshake::to("/"))).or_insert(0) += 1;
    }
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [10, 10, 10]);
}

#[test]
fn least_sessions_fills_up_the_emptier_one() {
    let endpoints = ["a", "b"].map(Endpoint::named);
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let gateway = gateway(&Settings::to(&addresses).cluster("balancer: least_sessions"));
    let sessions: Vec<_> = (0..20)
        .map(|_| Handshake::to("/").open(gateway.web()))
        .collect();
    let on_a = sessions
        .iter()
        .filter(|peer| peer.head().get("x-endpoint") == Some("a"))
        .count();
    assert_eq!(on_a, 10, "of 20 sessions on two endpoints");
}

#[test]
fn weights_are_respected() {
    let endpoints = ["heavy", "light"].map(Endpoint::named);
    let [heavy, light] = endpoints.each_ref().map(Endpoint::address);
    let text = Settings::to(&[heavy, light])
        .route("affinity: [{ query: user }]")
        .render()
        .replace(
            &format!("\"{heavy}\" }}"),
            &format!("\"{heavy}\", weight: 9 }}"),
        );
    let gateway = Gateway::start_with(crate::support::BINARY, &text);
    let owner = |n: u32| switchyard_testkit::gateway::get(gateway.web(), &format!("/?user={n}"));
    let on_heavy = (0..200).filter(|n| owner(*n).text() == "heavy").count();
    // 180 are expected; the bounds are ten standard deviations away.
    assert!((138..200).contains(&on_heavy), "{on_heavy} of 200");
}

#[test]
fn a_split_is_sticky_too() {
    let [main, canary] = ["main", "canary"].map(Endpoint::named);
    let settings = Settings::to(&[main.address()])
        .another_cluster(&format!(
            "{{ name: canary, endpoints: [{{ address: \"{}\" }}] }}",
            canary.address()
        ))
        .first_route(
            "{ name: split, match: { path_prefix: /split }, affinity: [{ query: user }], \
             split: [{ cluster: main, weight: 1 }, { cluster: canary, weight: 1 }] }",
        );
    let gateway = gateway(&settings);
    let owner = |n: u32| {
        switchyard_testkit::gateway::get(gateway.web(), &format!("/split?user={n}"))
            .text()
            .to_owned()
    };
    let first: Vec<String> = (0..40).map(owner).collect();
    let second: Vec<String> = (0..40).map(owner).collect();
    assert_eq!(first, second);
    assert!(
        first.contains(&"main".to_owned()) && first.contains(&"canary".to_owned()),
        "{first:?}"
    );
}
