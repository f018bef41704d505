//! Many clients at once, and some that hold things up.

use std::thread;

use switchyard_testkit::{
    Certificate, Endpoint, Gateway, Settings, Socket, Trust, Tunnel, eventually,
};

use super::gateway_with;

/// A gateway with one worker that does one handshake at a time.
fn narrow(endpoint: &Endpoint, line: &str) -> (Gateway, Certificate) {
    let settings = Settings::to(&[endpoint.address()])
        .workers(1)
        .listener(line);
    let more = ", handshakes_at_once: 1";
    let (gateway, mut certificates) = gateway_with(settings, &[&["localhost"]], more, &[]);
    (gateway, certificates.remove(0))
}

fn wait_results(gateway: &Gateway, result: &str, count: u64) {
    let labels = [("listener", "web"), ("result", result)];
    gateway.wait_metric("switchyard_tls_handshakes_total", &labels, count);
}

fn wait_waiting(gateway: &Gateway, count: u64) {
    let labels = [("listener", "web")];
    gateway.wait_metric("switchyard_tls_handshakes_waiting", &labels, count);
}

/// A client that says hello, and nothing more.
fn staller(gateway: &Gateway, hello: &[u8]) -> Socket {
    let mut socket = Socket::connect(gateway.web());
    socket.send(hello);
    socket
}

#[test]
fn everybody_gets_a_turn() {
    const CLIENTS: u64 = 60;
    let endpoint = Endpoint::named("one");
    let (gateway, certificate) = narrow(&endpoint, "max_connections: 1000");
    let trust = Trust::of(&[&certificate]);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| Tunnel::open(gateway.web(), &trust, "localhost").unwrap());
        }
    });
    wait_results(&gateway, "ok", CLIENTS);
    wait_waiting(&gateway, 0);
}

#[test]
fn who_has_not_said_hello_holds_nobody_up() {
    let endpoint = Endpoint::named("one");
    let (gateway, certificate) = narrow(&endpoint, "max_connections: 1000");
    let trust = Trust::of(&[&certificate]);
    let mut hello = trust.hello("localhost");
    hello.pop();
    let mut idle: Vec<_> = (0..4).map(|_| Socket::connect(gateway.web())).collect();
    for half in &mut idle[2..] {
        half.send(&hello);
    }
    Tunnel::open(gateway.web(), &trust, "localhost").unwrap();
    let metrics = gateway.metrics();
    let labels = [("listener", "web")];
    assert_eq!(
        metrics.count("switchyard_tls_handshakes_waiting", &labels),
        0
    );
    let open = metrics.count("switchyard_listener_connections", &labels);
    assert!(open >= 4, "{open}");
}

#[test]
fn who_dawdles_holds_others_up_for_a_moment_only() {
    let endpoint = Endpoint::named("one");
    let (gateway, certificate) = narrow(&endpoint, "handshake_timeout: 60s");
    let trust = Trust::of(&[&certificate]);
    let hello = trust.hello("localhost");
    let _dawdler = staller(&gateway, &hello);
    let leaver = staller(&gateway, &hello);
    wait_waiting(&gateway, 1);
    drop(leaver);
    Tunnel::open(gateway.web(), &trust, "localhost").unwrap();
    wait_results(&gateway, "ok", 1);
    wait_results(&gateway, "client_gone", 1);
    wait_waiting(&gateway, 0);
}

#[test]
fn whose_turn_does_not_come_in_time_is_sent_away() {
    const STALLERS: u64 = 8;
    let endpoint = Endpoint::named("one");
    let (gateway, certificate) = narrow(&endpoint, "handshake_timeout: 2500ms");
    let trust = Trust::of(&[&certificate]);
    let hello = trust.hello("localhost");
    let mut stallers: Vec<_> = (0..STALLERS).map(|_| staller(&gateway, &hello)).collect();
    let count = |result| {
        let labels = [("listener", "web"), ("result", result)];
        let metrics = gateway.metrics();
        metrics.count("switchyard_tls_handshakes_total", &labels)
    };
    let (late, slow) = eventually("all to be sent away", || {
        let counts = (count("queue_timeout"), count("timeout"));
        (counts.0 + counts.1 == STALLERS).then_some(counts)
    });
    // Three turns of a second fill the time; on a busy machine it may be one more or less.
    assert!(late >= STALLERS / 2 && slow >= 1, "{late} and {slow}");
    for staller in &mut stallers {
        staller.drain();
    }
    wait_waiting(&gateway, 0);
    Tunnel::open(gateway.web(), &trust, "localhost").unwrap();
}
