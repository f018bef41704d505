//! Probes go through TLS, too.

use switchyard_testkit::{Certificate, Cover, Endpoint, Farewell, Settings};

use super::trusting;

const PROBES: [&str; 3] = [
    "websocket: { path: /ws }",
    "http: { path: /healthz }",
    "tcp: {}",
];

#[test]
fn every_probe_finds_an_endpoint_that_works() {
    let endpoint = Endpoint::named("one");
    let certificate = Certificate::of(&["chat.test"]);
    for probe in PROBES {
        let cover = Cover::before(endpoint.address(), &certificate);
        let health = format!("health: {{ {probe}, interval: 1h }}");
        let settings = Settings::to(&[cover.address()]).cluster(&health);
        let gateway = trusting(&certificate, settings);
        let ok = [("result", "ok")];
        gateway.wait_metric("switchyard_endpoint_probes_total", &ok, 1);
        let guest = cover.guest();
        if probe.starts_with("tcp") {
            assert_eq!(guest.farewell(), Farewell::Said);
        }
    }
}

#[test]
fn every_probe_finds_one_that_is_not_to_be_trusted() {
    let endpoint = Endpoint::named("one");
    let (good, other) = (
        Certificate::of(&["chat.test"]),
        Certificate::of(&["chat.test"]),
    );
    for probe in PROBES {
        let cover = Cover::before(endpoint.address(), &other);
        let health = format!("health: {{ {probe}, interval: 50ms, unhealthy_after: 1 }}");
        let settings = Settings::to(&[cover.address()]).cluster(&health);
        let gateway = trusting(&good, settings);
        let address = cover.address().to_string();
        gateway.wait_metric("switchyard_endpoint_up", &[("endpoint", &address)], 0);
        let metrics = gateway.metrics();
        assert!(metrics.count("switchyard_endpoint_probes_total", &[("result", "tls")]) > 0);
    }
}

#[test]
fn a_probe_waits_no_longer_for_tls_than_it_may() {
    let silent = Endpoint::bind();
    let settings = Settings::to(&[silent.address()])
        .cluster("health: { tcp: {}, interval: 1h, timeout: 100ms }");
    let gateway = trusting(&Certificate::of(&["chat.test"]), settings);
    let late = [("result", "timeout")];
    gateway.wait_metric("switchyard_endpoint_probes_total", &late, 1);
}
