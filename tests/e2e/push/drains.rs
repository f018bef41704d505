//! Replicas that drain at once share one pace.

use switchyard_testkit::eventually;

use super::bus::{Fleet, Server};
use crate::support::{Ends, order};

/// In how many seconds the last session of a replica is asked to go.
fn eta(fleet: &Fleet, at: usize) -> f64 {
    let metrics = fleet.gateways[at].metrics();
    let eta = metrics.get("switchyard_drain_eta_seconds", &[]);
    eta.expect("a gauge")
}

/// 20 sessions of each are to go over a minute: 40 take two at the same pace.
fn two_replicas(server: Server) {
    let fleet = Fleet::new(server, 2, "");
    let sessions: Vec<Ends> = (0..40).map(|at| fleet.open(at % 2, "/room")).collect();
    let drain = |at: usize| {
        let answer = order(
            &fleet.gateways[at],
            "POST",
            "/drain?over=60s&deadline=10m",
            "",
        );
        assert_eq!(answer.status(), 202, "{}", answer.text());
    };
    drain(0);
    assert!(eta(&fleet, 0) <= 60.0, "alone it has all of the pace");
    drain(1);
    for at in 0..2 {
        eventually("half of the pace", || {
            (eta(&fleet, at) > 70.0).then_some(())
        });
    }
    let answer = order(&fleet.gateways[1], "DELETE", "/drain", "");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    eventually("all of the pace", || (eta(&fleet, 0) <= 60.0).then_some(()));
    drop(sessions);
}

#[test]
fn on_redis() {
    two_replicas(Server::redis());
}

#[test]
fn on_nats() {
    two_replicas(Server::nats());
}
