//! What an operator is given to scrape and to watch the gateway by is what a real Prometheus takes: the example configurations, the
//! alerts, and every metric that they and the documentation name.
//!
//! Whether an alert fires when it should is for `config/prometheus/check`, which runs here too.

mod load;
mod rules;
mod targets;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use switchyard_testkit::{Prometheus, eventually};

use load::{Load, TOKEN};

const EXAMPLE: &str = include_str!("../../config/prometheus/prometheus.yml");
const ALERTS: &str = include_str!("../../helm/switchyard/files/alerts.yaml");

/// The metrics that are promised, whatever else there is. A histogram is there by its count.
const PROMISED: [&str; 58] = [
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "switchyard_affinity_total",
    "switchyard_backpressure_seconds_total",
    "switchyard_buffered_bytes",
    "switchyard_build_info",
    "switchyard_bus_connected",
    "switchyard_bytes_total",
    "switchyard_cluster_endpoints",
    "switchyard_cluster_rebalanced_total",
    "switchyard_cluster_retries_denied_total",
    "switchyard_cluster_retries_total",
    "switchyard_config_last_reload_success",
    "switchyard_config_last_reload_timestamp_seconds",
    "switchyard_config_reloads_total",
    "switchyard_discovery_failures_total",
    "switchyard_drain_closed_total",
    "switchyard_drain_eta_seconds",
    "switchyard_drain_sessions_left",
    "switchyard_drain_state",
    "switchyard_endpoint_connect_seconds_count",
    "switchyard_endpoint_draining",
    "switchyard_endpoint_ejected",
    "switchyard_endpoint_ejections_total",
    "switchyard_endpoint_failures_total",
    "switchyard_endpoint_probes_total",
    "switchyard_endpoint_sessions",
    "switchyard_endpoint_up",
    "switchyard_frames_total",
    "switchyard_handshake_seconds_count",
    "switchyard_handshakes_total",
    "switchyard_http2_connections_ended_total",
    "switchyard_http_request_seconds_count",
    "switchyard_http_requests_total",
    "switchyard_listener_connections",
    "switchyard_listener_connections_total",
    "switchyard_listener_rejected_total",
    "switchyard_message_bytes_count",
    "switchyard_messages_total",
    "switchyard_ping_rtt_seconds_count",
    "switchyard_pings_total",
    "switchyard_proxy_protocol_total",
    "switchyard_push_delivered_total",
    "switchyard_push_dropped_total",
    "switchyard_push_lag_seconds_count",
    "switchyard_push_published_total",
    "switchyard_push_subscriptions",
    "switchyard_session_closes_total",
    "switchyard_session_seconds_count",
    "switchyard_sessions",
    "switchyard_tls_certificate_expiry_timestamp_seconds",
    "switchyard_tls_handshake_seconds_count",
    "switchyard_tls_handshakes_total",
    "switchyard_upstream_ports_used_ratio",
    "switchyard_worker_connections",
];

/// The example as it stands, but for where the gateway is and how often it is asked.
fn scraping(admin: SocketAddr) -> Prometheus {
    let config = often(EXAMPLE).replace("127.0.0.1:9901", &admin.to_string());
    let files = [
        ("config/prometheus/prometheus.yml", config.as_str()),
        ("config/prometheus/switchyard-token", TOKEN),
        ("helm/switchyard/files/alerts.yaml", ALERTS),
    ];
    Prometheus::start(&files, "config/prometheus/prometheus.yml")
}

fn often(config: &str) -> String {
    assert_eq!(config.matches("_interval: 15s").count(), 2, "{config}");
    config.replace("_interval: 15s", "_interval: 200ms")
}

/// The names of all series that Prometheus has had from the gateway.
fn names(prometheus: &Prometheus) -> BTreeSet<String> {
    let all = prometheus.ask("label/__name__/values");
    let all = all.as_array().expect("a list").iter();
    all.map(|name| name.as_str().expect("a name").to_owned())
        .collect()
}

/// Waits for all of them; fails with those that were not there at first.
#[track_caller]
fn all_are_there(prometheus: &Prometheus, wanted: &BTreeSet<String>) {
    let missing = || {
        let there = names(prometheus);
        wanted.difference(&there).cloned().collect::<Vec<_>>()
    };
    eventually(&format!("{:?}", missing()), || {
        missing().is_empty().then_some(())
    });
}

#[test]
fn a_loaded_gateway_is_scraped_and_watched() {
    let mut load = Load::start();
    let prometheus = scraping(load.gateway.admin());
    eventually("the target to be up", || {
        let up = prometheus.query("up{job=\"switchyard\"} == 1");
        (up.len() == 1).then_some(())
    });
    load.bear();
    all_are_there(&prometheus, &load.families());
    let promised = PROMISED.map(str::to_owned);
    all_are_there(&prometheus, &promised.into());
    all_are_there(&prometheus, &rules::metrics_in(&prometheus.rules()));
    rules::all_are_healthy(&prometheus);
    load.lose_endpoint();
    rules::becomes_pending(
        &prometheus,
        "SwitchyardEndpointDown",
        &[
            ("cluster", "doomed"),
            ("endpoint", &load.doomed.to_string()),
            ("job", "switchyard"),
            ("severity", "warning"),
        ],
    );
    rules::becomes_pending(
        &prometheus,
        "SwitchyardClusterDown",
        &[("cluster", "doomed"), ("severity", "critical")],
    );
}
