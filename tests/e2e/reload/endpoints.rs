//! Clusters and their endpoints change under live sessions.

use switchyard_testkit::{Endpoint, Handshake, Peer, Response, Settings};

use super::asked;
use crate::support::{Stage, dead_address, gateway};

#[test]
fn sessions_of_an_endpoint_that_is_written_out_no_more_go_to_the_next() {
    let (gone, next) = (Endpoint::bind(), Endpoint::named("next"));
    let before = asked(Settings::to(&[gone.address()]));
    let after = asked(Settings::to(&[next.address()]));
    let stage = Stage::of(gone, &before);
    let session = stage.open();
    stage.gateway.reload(&after, 1);
    assert_eq!(session.client.answer_close(), 1012);
    assert_eq!(session.server.answer_close(), 1012);
    assert_eq!(stage.gateway.closed()["reason"], "endpoint_left");
    let again = Peer::connect(stage.gateway.web(), "/");
    assert_eq!(again.head().get("x-endpoint"), Some("next"));
}

#[test]
fn sessions_that_are_to_be_kept_stay_with_an_endpoint_that_has_left() {
    let (gone, next) = (Endpoint::bind(), Endpoint::named("next"));
    let keeping = |at| asked(Settings::to(&[at])).cluster("on_removed: keep");
    let (before, after) = (keeping(gone.address()), keeping(next.address()));
    let stage = Stage::of(gone, &before);
    let mut session = stage.open();
    stage.gateway.reload(&after, 1);
    let again = Peer::connect(stage.gateway.web(), "/");
    assert_eq!(again.head().get("x-endpoint"), Some("next"));
    session.talk();
    let endpoint = stage.endpoint.address().to_string();
    let labels = [("cluster", "main"), ("endpoint", endpoint.as_str())];
    let sessions = "switchyard_endpoint_sessions";
    assert_eq!(stage.gateway.metrics().count(sessions, &labels), 1);
    stage.gateway.reload(&before, 2);
    assert_eq!(stage.gateway.metrics().count(sessions, &labels), 1);
    stage.open().talk();
    session.talk();
}

#[test]
fn what_is_known_of_an_endpoint_outlives_its_clusters_settings() {
    let (dead, live) = (dead_address(), Endpoint::named("live"));
    let settings = asked(Settings::to(&[dead, live.address()])).cluster("balancer: round_robin");
    let settings = settings.cluster("health: { tcp: {}, interval: 1h, unhealthy_after: 1 }");
    let gateway = gateway(&settings);
    let (dead, live) = (dead.to_string(), live.address().to_string());
    let up = "switchyard_endpoint_up";
    gateway.wait_metric(up, &[("endpoint", &dead)], 0);
    let session = Peer::connect(gateway.web(), "/");
    gateway.reload(&settings.cluster("retries: 0"), 1);
    // Nobody has been asked again, and the dead one is passed over all the same.
    for _ in 0..4 {
        Peer::connect(gateway.web(), "/").close(1000);
    }
    assert_eq!(gateway.metrics().count(up, &[("endpoint", &dead)]), 0);
    let sessions = "switchyard_endpoint_sessions";
    gateway.wait_metric(sessions, &[("endpoint", &live)], 1);
    session.close(1000);
    gateway.wait_metric(sessions, &[("endpoint", &live)], 0);
}

#[test]
fn another_balancer_and_other_limits_hold_for_the_next_session() {
    let endpoint = Endpoint::bind();
    let settings = asked(Settings::to(&[endpoint.address()]));
    let stage = Stage::of(endpoint, &settings);
    let mut session = stage.open();
    let full = settings
        .cluster("max_sessions_per_endpoint: 1")
        .cluster("balancer: maglev");
    let said = stage.gateway.reload(&full, 1);
    assert_eq!(
        (&said["unchanged"], &said["closing"]),
        (&1.into(), &0.into())
    );
    let mut socket = Handshake::to("/").send(stage.gateway.web());
    let refused = Response::read(&mut socket);
    assert_eq!(refused.status(), 503, "{}", refused.text());
    session.talk();
}
