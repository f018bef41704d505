//! The line to an endpoint is cut, or slow: new sessions go elsewhere, those that are open lose
//! nothing.

use std::time::Duration;

use switchyard_testkit::{Endpoint, FaultLine, Gateway, Peer, Settings};

use crate::support::gateway;

const FAR: &str = "far";
const NEAR: &str = "near";

/// An endpoint over a line that the test holds, and one without.
struct Sites {
    gateway: Gateway,
    line: FaultLine,
    _endpoints: [Endpoint; 2],
}

impl Sites {
    fn start(health: &str) -> Self {
        let endpoints = [Endpoint::named(FAR), Endpoint::named(NEAR)];
        let line = FaultLine::to(endpoints[0].address());
        let settings = Settings::to(&[line.address(), endpoints[1].address()])
            .cluster("balancer: round_robin")
            .cluster("connect_timeout: 300ms")
            .cluster("retry_budget: 100%")
            .cluster(health);
        Self {
            gateway: gateway(&settings),
            line,
            _endpoints: endpoints,
        }
    }

    /// Which endpoints a row of new sessions reaches.
    fn reached(&self) -> Vec<String> {
        let open = |_| name(&Peer::connect(self.gateway.web(), "/"));
        (0..4).map(open).collect()
    }

    /// A session with the endpoint over the line.
    fn far_session(&self) -> Peer {
        (0..2)
            .map(|_| Peer::connect(self.gateway.web(), "/"))
            .find(|peer| name(peer) == FAR)
            .expect("they take turns")
    }

    fn wait_up(&self, value: u64) {
        let far = self.line.address().to_string();
        self.gateway
            .wait_metric("switchyard_endpoint_up", &[("endpoint", &far)], value);
    }

    fn failures(&self, reason: &str) -> u64 {
        let far = self.line.address().to_string();
        let labels = [("endpoint", &*far), ("reason", reason)];
        self.gateway
            .metrics()
            .count("switchyard_endpoint_failures_total", &labels)
    }
}

fn name(peer: &Peer) -> String {
    peer.head().get("x-endpoint").expect("a name").to_owned()
}

#[test]
fn handshakes_pass_over_an_endpoint_that_is_cut_off_before_any_probe_says_so() {
    let sites = Sites::start("health: { tcp: {}, interval: 1h }");
    assert!(sites.reached().contains(&FAR.to_owned()));

    sites.line.cut();
    assert_eq!(sites.reached(), [NEAR; 4]);
    assert_eq!(sites.failures("connect_timeout"), 2);

    sites.line.mend();
    assert!(sites.reached().contains(&FAR.to_owned()));
}

#[test]
fn a_cut_takes_an_endpoint_out_and_its_sessions_lose_nothing() {
    let sites = Sites::start(
        "health: { websocket: { path: /, pong_within: 200ms }, interval: 50ms, unhealthy_after: 2, \
         healthy_after: 2 }",
    );
    sites.wait_up(1);
    let mut session = sites.far_session();

    sites.line.cut();
    sites.wait_up(0);
    let failures = sites.failures("connect_timeout");
    assert_eq!(sites.reached(), [NEAR; 4]);
    assert_eq!(sites.failures("connect_timeout"), failures, "nobody tries");
    let rows: Vec<_> = (0..100).map(|row| format!("row {row}")).collect();
    for row in &rows {
        session.send_text(row);
    }

    sites.line.mend();
    for row in &rows {
        assert_eq!(session.receive_text(), *row);
    }
    sites.wait_up(1);
    assert!(sites.reached().contains(&FAR.to_owned()));
}

#[test]
fn a_line_too_slow_for_the_probe_takes_its_endpoint_out_and_its_sessions_go_on() {
    let sites = Sites::start(
        "health: { websocket: { path: /, pong_within: 200ms }, interval: 50ms, unhealthy_after: 2, \
         healthy_after: 2 }",
    );
    sites.wait_up(1);
    let mut session = sites.far_session();

    sites.line.slow(Duration::from_millis(300));
    sites.wait_up(0);
    assert_eq!(sites.reached(), [NEAR; 4]);
    session.send_text("slow, and there");
    assert_eq!(session.receive_text(), "slow, and there");

    sites.line.mend();
    sites.wait_up(1);
    assert!(sites.reached().contains(&FAR.to_owned()));
}
