//! Endpoints that fail in use are left out for a while, full ones are passed over, and neither is
//! decided by what clients do.

use std::net::SocketAddr;

use switchyard_testkit::peer::Role;
use switchyard_testkit::{Endpoint, Frame, Gateway, Handshake, Head, Peer, Settings};

use crate::support::gateway;

/// One failure ejects, for longer than any test runs.
const AT_ONCE: &str = "outlier: { consecutive_failures: 1, eject_for: 1h, max_ejected: 50% }";

/// Takes every handshake, and ends each session with this code when the first message comes.
fn ends_with(code: u16) -> Endpoint {
    Endpoint::serve(move |mut socket| {
        let Some(request) = Head::next(&mut socket) else {
            return;
        };
        let accept = [("x-endpoint", "bad")];
        socket.send(&switchyard_testkit::handshake::accept(&request, &accept));
        let mut peer = Peer::new(socket, Role::Endpoint, request);
        if peer.socket().has_more() {
            peer.receive();
            peer.send(&Frame::close(code, "broken"));
        }
        // The answer to its Close is the last it reads.
        if peer.socket().has_more() {
            peer.receive();
        }
        peer.socket().finish();
    })
}

/// Answers every request with this status.
fn answers(status: &'static str) -> Endpoint {
    Endpoint::serve(move |mut socket| {
        while Head::next(&mut socket).is_some() {
            socket.send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        }
    })
}

fn one_after_the_other(endpoints: &[SocketAddr], outlier: &str) -> Gateway {
    gateway(
        &Settings::to(endpoints)
            .websocket("close_timeout: 200ms")
            .cluster("balancer: round_robin")
            .cluster(outlier),
    )
}

/// Whose session this is.
fn endpoint(peer: &Peer) -> &str {
    peer.head().get("x-endpoint").expect("it says who it is")
}

#[track_caller]
fn all_go_to(gateway: &Gateway, name: &str) {
    for _ in 0..6 {
        assert_eq!(endpoint(&Peer::connect(gateway.web(), "/")), name);
    }
}

#[track_caller]
fn is_ejected(gateway: &Gateway, address: SocketAddr, reason: &str) {
    let address = address.to_string();
    gateway.wait_metric("switchyard_endpoint_ejected", &[("endpoint", &address)], 1);
    let labels = [("endpoint", &*address), ("reason", reason)];
    gateway.wait_metric("switchyard_endpoint_ejections_total", &labels, 1);
}

#[test]
fn who_ends_sessions_badly_gets_no_more_of_them() {
    let (bad, good) = (ends_with(1011), Endpoint::named("good"));
    let gateway = one_after_the_other(&[bad.address(), good.address()], AT_ONCE);
    let mut sessions: Vec<_> = (0..2).map(|_| Peer::connect(gateway.web(), "/")).collect();
    let at = sessions
        .iter()
        .position(|session| endpoint(session) == "bad")
        .expect("they take turns");
    let mut session = sessions.remove(at);
    session.send_text("hello");
    assert_eq!(session.answer_close(), 1011);
    is_ejected(&gateway, bad.address(), "bad_end");
    all_go_to(&gateway, "good");
}

#[test]
fn who_answers_handshakes_with_5xx_gets_no_more_of_them() {
    let (bad, good) = (answers("503 Busy"), Endpoint::named("good"));
    let gateway = one_after_the_other(&[bad.address(), good.address()], AT_ONCE);
    let statuses: Vec<_> = (0..2)
        .map(|_| Head::read(&mut Handshake::to("/").send(gateway.web())).status())
        .collect();
    assert!(statuses.contains(&503), "{statuses:?}");
    is_ejected(&gateway, bad.address(), "refused");
    all_go_to(&gateway, "good");
}

#[test]
fn who_is_dead_is_not_tried_again() {
    let good = Endpoint::named("good");
    let dead = crate::support::dead_address();
    let gateway = one_after_the_other(&[dead, good.address()], AT_ONCE);
    all_go_to(&gateway, "good");
    is_ejected(&gateway, dead, "unanswered");
    let retries = || {
        gateway
            .metrics()
            .count("switchyard_cluster_retries_total", &[])
    };
    let before = retries();
    assert_eq!(before, 1);
    all_go_to(&gateway, "good");
    assert_eq!(retries(), before);
}

#[test]
fn an_endpoint_that_is_ejected_comes_back() {
    let (bad, good) = (ends_with(1013), Endpoint::named("good"));
    let shortly = "outlier: { consecutive_failures: 1, eject_for: 300ms, max_ejected: 50% }";
    let gateway = one_after_the_other(&[bad.address(), good.address()], shortly);
    let mut back = (0..2)
        .map(|_| Peer::connect(gateway.web(), "/"))
        .find(|session| endpoint(session) == "bad")
        .expect("they take turns");
    back.send_text("hello");
    assert_eq!(back.answer_close(), 1013);
    is_ejected(&gateway, bad.address(), "bad_end");
    let labels = [("endpoint", &*bad.address().to_string())];
    gateway.wait_metric("switchyard_endpoint_ejected", &labels, 0);
    let mut two = (0..2).map(|_| Peer::connect(gateway.web(), "/"));
    assert!(two.any(|session| endpoint(&session) == "bad"));
}

#[test]
fn what_clients_do_is_not_held_against_an_endpoint() {
    let endpoints = ["good", "good"].map(Endpoint::named);
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let gateway = one_after_the_other(&addresses, AT_ONCE);
    for _ in 0..4 {
        // A crash of the client, and a Close of its own with a code that would eject an endpoint.
        drop(Peer::connect(gateway.web(), "/"));
        Peer::connect(gateway.web(), "/").close(1011);
    }
    gateway.records(8, "session closed");
    let metrics = gateway.metrics();
    assert_eq!(metrics.count("switchyard_endpoint_ejected", &[]), 0);
    assert_eq!(metrics.count("switchyard_endpoint_ejections_total", &[]), 0);
}

#[test]
fn when_all_are_out_they_are_tried_or_the_client_is_told() {
    let broken = [answers("500 Oops"), answers("500 Oops")];
    let addresses: Vec<_> = broken.iter().map(Endpoint::address).collect();
    let all = "outlier: { consecutive_failures: 1, eject_for: 1h, max_ejected: 100% }";
    let ask = |gateway: &Gateway| {
        let mut socket = Handshake::to("/").send(gateway.web());
        Head::read(&mut socket)
    };
    let open = one_after_the_other(&addresses, all);
    let statuses: Vec<_> = (0..5).map(|_| ask(&open).status()).collect();
    assert_eq!(statuses, [500; 5]);
    let settings = Settings::to(&addresses)
        .cluster("balancer: round_robin")
        .cluster(all)
        .cluster("when_none_healthy: refuse");
    let shut = gateway(&settings);
    let statuses: Vec<_> = (0..5).map(|_| ask(&shut).status()).collect();
    assert_eq!(statuses, [500, 500, 503, 503, 503]);
    assert!(ask(&shut).get("retry-after").is_some());
    let refused = shut
        .metrics()
        .count("switchyard_handshakes_total", &[("result", "none_healthy")]);
    assert_eq!(refused, 4);
}

#[test]
fn a_full_endpoint_is_passed_over_and_503_is_the_last_word() {
    let endpoints = ["a", "b"].map(Endpoint::named);
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let settings = Settings::to(&addresses)
        .matching("path: \"/rooms/{room}\"")
        .route("affinity: [{ path: room }]")
        .cluster("max_sessions_per_endpoint: 2");
    let gateway = gateway(&settings);
    let mut sessions: Vec<_> = (0..4)
        .map(|_| Peer::connect(gateway.web(), "/rooms/lobby"))
        .collect();
    let names: Vec<_> = sessions.iter().map(endpoint).collect();
    assert!(
        names[0] == names[1] && names[1] != names[2] && names[2] == names[3],
        "{names:?}"
    );
    let overflow = [("result", "overflow")];
    assert_eq!(
        gateway
            .metrics()
            .count("switchyard_affinity_total", &overflow),
        2
    );
    let mut socket = Handshake::to("/rooms/lobby").send(gateway.web());
    let refused = Head::read(&mut socket);
    assert_eq!(refused.status(), 503);
    assert!(refused.get("retry-after").is_some());
    let full = [("result", "endpoints_full")];
    assert_eq!(
        gateway
            .metrics()
            .count("switchyard_handshakes_total", &full),
        1
    );
    // Plain requests of the sessions that are there still find their endpoint.
    let answer = switchyard_testkit::gateway::get(gateway.web(), "/rooms/lobby");
    assert_eq!(answer.status(), 200);
    sessions.remove(0).close(1000);
    gateway.records(1, "session closed");
    let again = Peer::connect(gateway.web(), "/rooms/lobby");
    assert_eq!(endpoint(&again), endpoint(&sessions[0]));
}

/// Does as the path says.
fn obedient() -> Endpoint {
    Endpoint::serve(|mut socket| {
        while let Some(request) = Head::next(&mut socket) {
            match request.target() {
                "/accept" => {
                    socket.send(&switchyard_testkit::handshake::accept(&request, &[]));
                    let peer = Peer::new(socket, Role::Endpoint, request);
                    return switchyard_testkit::endpoint::echo(peer);
                }
                "/busy" => socket.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
                "/page" => socket.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
                _ => return socket.finish(),
            }
        }
    })
}

#[test]
fn a_success_ends_the_row() {
    let endpoint = obedient();
    let outlier =
        "outlier: { consecutive_failures: 2, close_codes: [], eject_for: 1h, max_ejected: 100% }";
    let gateway = gateway(&Settings::to(&[endpoint.address()]).cluster(outlier));
    let shake = |path: &str| Head::read(&mut Handshake::to(path).send(gateway.web())).status();
    let get = |path: &str| switchyard_testkit::gateway::get(gateway.web(), path).status();
    for _ in 0..3 {
        assert_eq!((shake("/busy"), shake("/accept")), (503, 101));
    }
    for _ in 0..3 {
        assert_eq!((get("/nothing"), get("/page")), (502, 200));
    }
    let ejections = || {
        let metrics = gateway.metrics();
        metrics.count(
            "switchyard_endpoint_ejections_total",
            &[("reason", "unanswered")],
        ) + metrics.count(
            "switchyard_endpoint_ejections_total",
            &[("reason", "refused")],
        )
    };
    assert_eq!(ejections(), 0);
    assert_eq!((get("/nothing"), get("/nothing")), (502, 502));
    assert_eq!(ejections(), 1);
}
