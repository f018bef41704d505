//! Endpoints are asked whether they work: who does not gets no new sessions, and is found to work
//! again without a client that tries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use switchyard_testkit::peer::Role;
use switchyard_testkit::{Endpoint, Gateway, Head, Peer, Settings, handshake};

use crate::support::gateway;

/// A WebSocket server that can be told to hang: it answers handshakes then, and no more.
struct Fickle {
    endpoint: Endpoint,
    hangs: Arc<AtomicBool>,
}

impl Fickle {
    fn start(name: &'static str) -> Self {
        let hangs = Arc::new(AtomicBool::new(false));
        let is_hanging = Arc::clone(&hangs);
        let endpoint = Endpoint::serve(move |mut socket| {
            let Some(request) = Head::next(&mut socket) else {
                return;
            };
            socket.send(&handshake::accept(&request, &[("x-endpoint", name)]));
            let mut peer = Peer::new(socket, Role::Endpoint, request);
            if is_hanging.load(Ordering::Relaxed) {
                while peer.socket().has_more() {
                    peer.receive();
                }
            } else {
                switchyard_testkit::endpoint::echo(peer);
            }
        });
        Self { endpoint, hangs }
    }

    fn hang(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::Relaxed);
    }
}

const PROBE: &str = "health: { websocket: { path: /ws, pong_within: 200ms }, interval: 50ms, \
                     unhealthy_after: 2, healthy_after: 2 }";

#[track_caller]
fn wait_up(gateway: &Gateway, endpoint: &Endpoint, value: u64) {
    let address = endpoint.address().to_string();
    gateway.wait_metric("switchyard_endpoint_up", &[("endpoint", &address)], value);
}

fn names(gateway: &Gateway) -> Vec<String> {
    let open = |_| {
        let peer = Peer::connect(gateway.web(), "/");
        peer.head().get("x-endpoint").expect("a name").to_owned()
    };
    (0..6).map(open).collect()
}

#[test]
fn an_endpoint_whose_websockets_hang_gets_no_more_and_comes_back() {
    let (fickle, steady) = (Fickle::start("fickle"), Fickle::start("steady"));
    let addresses = [fickle.endpoint.address(), steady.endpoint.address()];
    let settings = Settings::to(&addresses)
        .cluster("balancer: round_robin")
        .cluster(PROBE);
    let gateway = gateway(&settings);
    let address = addresses[0].to_string();
    let probes = [("endpoint", &*address), ("result", "ok")];
    switchyard_testkit::eventually("a probe of the endpoint", || {
        let probes = gateway
            .metrics()
            .count("switchyard_endpoint_probes_total", &probes);
        (probes > 0).then_some(())
    });
    let mut session = (0..2)
        .map(|_| Peer::connect(gateway.web(), "/"))
        .find(|peer| peer.head().get("x-endpoint") == Some("fickle"))
        .expect("they take turns");
    assert!(names(&gateway).contains(&"fickle".to_owned()));

    fickle.hang(true);
    wait_up(&gateway, &fickle.endpoint, 0);
    assert_eq!(names(&gateway), ["steady"; 6]);
    let pongs = [("endpoint", &*address), ("result", "pong")];
    let metrics = gateway.metrics();
    assert!(metrics.count("switchyard_endpoint_probes_total", &pongs) >= 2);
    // The sessions that it has go on.
    session.send_text("still there?");
    assert_eq!(session.receive_text(), "still there?");

    fickle.hang(false);
    wait_up(&gateway, &fickle.endpoint, 1);
    assert!(names(&gateway).contains(&"fickle".to_owned()));
}

#[test]
fn the_rate_of_probes_does_not_follow_the_workers() {
    let endpoint = Endpoint::bind();
    let settings = Settings::to(&[endpoint.address()])
        .workers(8)
        .cluster("health: { tcp: {}, interval: 1h }");
    let gateway = gateway(&settings);
    let ok = [("result", "ok")];
    gateway.wait_metric("switchyard_endpoint_probes_total", &ok, 1);
    endpoint.accept();
    assert!(!endpoint.has_more());
}

#[test]
fn probes_are_no_sessions() {
    let steady = Fickle::start("steady");
    let settings = Settings::to(&[steady.endpoint.address()]).cluster(PROBE);
    let gateway = gateway(&settings);
    switchyard_testkit::eventually("three probes", || {
        let metrics = gateway.metrics();
        let probes = metrics.count("switchyard_endpoint_probes_total", &[("result", "ok")]);
        (probes >= 3).then_some(())
    });
    let metrics = gateway.metrics();
    assert_eq!(
        metrics.count("switchyard_handshakes_total", &[("result", "accepted")]),
        0
    );
    assert_eq!(metrics.count("switchyard_endpoint_failures_total", &[]), 0);
    assert_eq!(metrics.count("switchyard_endpoint_sessions", &[]), 0);
}
