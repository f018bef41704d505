//! What a scrape says: the exposition text itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::labels::{
    AffinityResult, BusKind, Direction, DrainResult, DrainState, FrameKind, Initiator, MessageKind,
    MethodClass, NotDelivered, Protocol, ProxyHeader, Resumed, Side, TlsVersion,
};

const BUILD: Build<'_> = Build {
    version: "1.2.3",
    revision: "abc",
    rustc: "1.95.0",
};

fn metrics() -> Metrics {
    Metrics::new(BUILD).expect("no two metrics collide")
}

/// Whether the exposition has exactly this sample, as in `name{label="value"} 1`.
fn has(metrics: &Metrics, sample: &str) -> bool {
    metrics
        .render()
        .expect("renders")
        .lines()
        .any(|line| line == sample)
}

#[track_caller]
fn assert_has(metrics: &Metrics, sample: &str) {
    assert!(
        has(metrics, sample),
        "no {sample} in\n{}",
        metrics.render().expect("renders")
    );
}

/// One of everything, so that every family shows.
fn exercise(metrics: &Metrics) -> (impl Sized, EndpointMetrics) {
    let listener = metrics.listener("web");
    listener.rejected("full");
    listener.http2_ended("idle");
    metrics.proxy_protocol("web").began_with(ProxyHeader::V2);
    let tls = metrics.tls("web");
    tls.completed(TlsVersion::Tls13, Resumed::Yes, Duration::from_millis(2));
    tls.failed("timeout");
    let route = metrics.route("chat");
    route.handshake("accepted", Duration::from_millis(3));
    route.session_closed(
        Protocol::Http1,
        1000,
        Initiator::Downstream,
        "close_frame",
        Duration::from_secs(90),
    );
    route.affinity(AffinityResult::Owner);
    route.http_request(MethodClass::Read, 200, Duration::from_millis(20));
    let endpoint = metrics.endpoint("app", "10.0.0.1:80");
    endpoint.ports(Some(4));
    let connection = endpoint.connected(Duration::from_micros(200));
    endpoint.handshake_begun();
    endpoint.handshake_begun();
    endpoint.handshake_over();
    endpoint.tls_completed(TlsVersion::Tls13, Resumed::Yes);
    endpoint.tls_failed("wrong_name");
    endpoint.failure("connect");
    metrics.cluster("app").tls_unverified(true);
    metrics.cluster("app").retried();
    metrics.drain().state(DrainState::Draining);
    metrics.drain().sessions_left(7);
    metrics.drain().eta(Duration::from_millis(1500));
    metrics.drain().closed(DrainResult::Clean);
    let traffic = metrics.worker().route("chat", Protocol::Http1);
    traffic.frame(Direction::FromDownstream, FrameKind::Text);
    traffic.message(Direction::FromDownstream, MessageKind::Text, 100);
    traffic.bytes(Direction::FromUpstream, 106);
    traffic.backpressure(Direction::FromUpstream, Duration::from_millis(1500));
    traffic.buffered(Direction::FromUpstream, 4096);
    traffic.ping_answered(Side::Upstream, Duration::from_millis(40));
    traffic.ping_timed_out(Side::Upstream);
    traffic.delivered(Duration::from_micros(300));
    traffic.queue_full(2);
    traffic.undelivered(3);
    published(metrics);
    listener.opened();
    let served = metrics.worker_load(1).connection();
    metrics.worker_load(0).handed_over();
    metrics.cluster("app").retry_denied();
    metrics.cluster("app").rebalanced(3);
    let guards = (served, endpoint.session(), traffic.session(), connection);
    (guards, endpoint)
}

fn published(metrics: &Metrics) {
    let push = metrics.push(BusKind::Redis).expect("the first of them");
    push.published();
    push.dropped(NotDelivered::QueueFull, 1);
    push.dropped(NotDelivered::Overrun, 4);
    for _ in 0..3 {
        push.subscribed();
    }
    push.unsubscribed(2);
    let bus = metrics.bus(BusKind::Redis).expect("the first of them");
    bus.connected(true);
    bus.gap(Duration::from_millis(2500));
    bus.event_dropped();
}

#[test]
fn a_scrape_shows_every_metric_with_its_labels() {
    let metrics = metrics();
    let guards = exercise(&metrics);
    for sample in [
        r#"switchyard_build_info{revision="abc",rustc="1.95.0",version="1.2.3"} 1"#,
        r#"switchyard_listener_connections{listener="web"} 1"#,
        r#"switchyard_listener_connections_total{listener="web"} 1"#,
        r#"switchyard_worker_connections{worker="1"} 1"#,
        r#"switchyard_worker_handovers_total{worker="0"} 1"#,
        r#"switchyard_listener_rejected_total{listener="web",reason="full"} 1"#,
        r#"switchyard_http2_connections_ended_total{listener="web",reason="idle"} 1"#,
        r#"switchyard_proxy_protocol_total{listener="web",result="v2"} 1"#,
        r#"switchyard_tls_handshakes_total{listener="web",result="ok",resumed="yes",version="1.3"} 1"#,
        r#"switchyard_tls_handshakes_total{listener="web",result="timeout",resumed="no",version="none"} 1"#,
        r#"switchyard_tls_handshake_seconds_count{listener="web"} 1"#,
        r#"switchyard_handshakes_total{result="accepted",route="chat"} 1"#,
        r#"switchyard_handshake_seconds_bucket{route="chat",le="0.0025"} 0"#,
        r#"switchyard_handshake_seconds_bucket{route="chat",le="0.005"} 1"#,
        r#"switchyard_sessions{route="chat",protocol="h1"} 1"#,
        r#"switchyard_session_seconds_bucket{protocol="h1",route="chat",le="300"} 1"#,
        r#"switchyard_frames_total{route="chat",direction="from_downstream",opcode="text"} 1"#,
        r#"switchyard_frames_total{route="chat",direction="from_upstream",opcode="pong"} 0"#,
        r#"switchyard_messages_total{route="chat",direction="from_downstream",kind="text"} 1"#,
        r#"switchyard_message_bytes_bucket{route="chat",direction="from_downstream",kind="text",le="64"} 0"#,
        r#"switchyard_message_bytes_bucket{route="chat",direction="from_downstream",kind="text",le="256"} 1"#,
        r#"switchyard_message_bytes_bucket{route="chat",direction="from_downstream",kind="text",le="1024"} 1"#,
        r#"switchyard_message_bytes_bucket{route="chat",direction="from_downstream",kind="text",le="+Inf"} 1"#,
        r#"switchyard_message_bytes_sum{route="chat",direction="from_downstream",kind="text"} 100"#,
        r#"switchyard_message_bytes_count{route="chat",direction="from_downstream",kind="text"} 1"#,
        r#"switchyard_bytes_total{route="chat",direction="from_upstream"} 106"#,
        r#"switchyard_backpressure_seconds_total{route="chat",direction="from_upstream"} 1.5"#,
        r#"switchyard_ping_rtt_seconds_bucket{route="chat",side="upstream",le="0.025"} 0"#,
        r#"switchyard_ping_rtt_seconds_bucket{route="chat",side="upstream",le="0.05"} 1"#,
        r#"switchyard_ping_rtt_seconds_sum{route="chat",side="upstream"} 0.04"#,
        r#"switchyard_pings_total{route="chat",side="upstream",result="answered"} 1"#,
        r#"switchyard_pings_total{route="chat",side="upstream",result="timeout"} 1"#,
        r#"switchyard_buffered_bytes{route="chat",direction="from_upstream"} 4096"#,
        r#"switchyard_session_closes_total{code="1000",initiator="downstream",reason="close_frame",route="chat"} 1"#,
        r#"switchyard_http_requests_total{method="read",route="chat",status="200"} 1"#,
        r#"switchyard_http_request_seconds_count{method="read",route="chat",status="200"} 1"#,
        r#"switchyard_endpoint_sessions{cluster="app",endpoint="10.0.0.1:80"} 1"#,
        r#"switchyard_upstream_ports_used_ratio{cluster="app",endpoint="10.0.0.1:80"} 0.25"#,
        r#"switchyard_endpoint_pending_handshakes{cluster="app",endpoint="10.0.0.1:80"} 1"#,
        r#"switchyard_endpoint_queued_handshakes{cluster="app",endpoint="10.0.0.1:80"} 0"#,
        r#"switchyard_endpoint_connect_seconds_bucket{cluster="app",endpoint="10.0.0.1:80",le="0.0001"} 0"#,
        r#"switchyard_endpoint_connect_seconds_bucket{cluster="app",endpoint="10.0.0.1:80",le="0.00025"} 1"#,
        r#"switchyard_endpoint_connect_seconds_sum{cluster="app",endpoint="10.0.0.1:80"} 0.0002"#,
        r#"switchyard_endpoint_tls_handshakes_total{cluster="app",endpoint="10.0.0.1:80",result="ok",version="1.3",resumed="yes"} 1"#,
        r#"switchyard_endpoint_tls_handshakes_total{cluster="app",endpoint="10.0.0.1:80",result="wrong_name",version="none",resumed="no"} 1"#,
        r#"switchyard_cluster_tls_unverified{cluster="app"} 1"#,
        r#"switchyard_endpoint_failures_total{cluster="app",endpoint="10.0.0.1:80",reason="connect"} 1"#,
        r#"switchyard_affinity_total{result="owner",route="chat"} 1"#,
        r#"switchyard_affinity_total{result="overflow",route="chat"} 0"#,
        r#"switchyard_cluster_retries_total{cluster="app"} 1"#,
        r#"switchyard_cluster_retries_denied_total{cluster="app"} 1"#,
        r#"switchyard_cluster_rebalanced_total{cluster="app"} 3"#,
        r#"switchyard_push_published_total{bus="redis"} 1"#,
        r#"switchyard_push_delivered_total{bus="redis"} 1"#,
        r#"switchyard_push_dropped_total{bus="redis",reason="queue_full"} 3"#,
        r#"switchyard_push_dropped_total{bus="redis",reason="closing"} 3"#,
        r#"switchyard_push_dropped_total{bus="redis",reason="overrun"} 4"#,
        r#"switchyard_push_dropped_total{bus="redis",reason="malformed"} 0"#,
        r#"switchyard_push_lag_seconds_bucket{bus="redis",le="0.00025"} 0"#,
        r#"switchyard_push_lag_seconds_bucket{bus="redis",le="0.0005"} 1"#,
        r#"switchyard_push_lag_seconds_sum{bus="redis"} 0.0003"#,
        "switchyard_push_subscriptions 1",
        r#"switchyard_bus_connected{bus="redis"} 1"#,
        r#"switchyard_bus_gaps_total{bus="redis"} 1"#,
        r#"switchyard_bus_gap_seconds_total{bus="redis"} 2.5"#,
        r#"switchyard_bus_events_dropped_total{bus="redis"} 1"#,
        "switchyard_drain_state 2",
        "switchyard_drain_sessions_left 7",
        "switchyard_drain_eta_seconds 1.5",
        r#"switchyard_drain_closed_total{result="clean"} 1"#,
        r#"switchyard_drain_closed_total{result="left"} 0"#,
    ] {
        assert_has(&metrics, sample);
    }
    drop(guards);
}

#[test]
fn what_is_open_falls_when_its_guard_is_dropped() {
    let metrics = metrics();
    let (guards, endpoint) = exercise(&metrics);
    drop(guards);
    metrics.listener("web").closed();
    assert_has(&metrics, r#"switchyard_worker_connections{worker="1"} 0"#);
    assert_has(
        &metrics,
        r#"switchyard_listener_connections{listener="web"} 0"#,
    );
    assert_has(
        &metrics,
        r#"switchyard_listener_connections_total{listener="web"} 1"#,
    );
    assert_has(
        &metrics,
        r#"switchyard_sessions{route="chat",protocol="h1"} 0"#,
    );
    let sessions = r#"switchyard_endpoint_sessions{cluster="app",endpoint="10.0.0.1:80"} 0"#;
    assert_has(&metrics, sessions);
    let ports = r#"switchyard_upstream_ports_used_ratio{cluster="app",endpoint="10.0.0.1:80"} 0"#;
    assert_has(&metrics, ports);
    drop(endpoint);
}

#[test]
fn workers_are_summed_and_what_has_ended_stays_in_the_sums() {
    let metrics = metrics();
    let first = metrics.worker().route("chat", Protocol::Http1);
    let second = metrics.worker().route("chat", Protocol::Http1);
    let over_http2 = metrics.worker().route("chat", Protocol::Http2);
    let apart = over_http2.session();
    apart.bytes(Direction::FromDownstream, 100);
    let ended = first.session();
    ended.bytes(Direction::FromDownstream, 10);
    let open = second.session();
    open.bytes(Direction::FromDownstream, 5);
    let other = first.session();
    drop((ended, first));
    assert_has(
        &metrics,
        r#"switchyard_sessions{route="chat",protocol="h1"} 2"#,
    );
    assert_has(
        &metrics,
        r#"switchyard_bytes_total{route="chat",direction="from_downstream"} 115"#,
    );
    assert_has(
        &metrics,
        r#"switchyard_sessions{route="chat",protocol="h2"} 1"#,
    );
    drop((open, other, apart));
}

#[test]
fn a_gauge_is_right_when_one_worker_lowers_what_another_raised() {
    let metrics = metrics();
    let (first, second) = (
        metrics.worker().route("chat", Protocol::Http1),
        metrics.worker().route("chat", Protocol::Http1),
    );
    first.buffered(Direction::FromUpstream, 100);
    second.buffered(Direction::FromUpstream, -40);
    let sample = r#"switchyard_buffered_bytes{route="chat",direction="from_upstream"} 60"#;
    assert_has(&metrics, sample);
}

#[test]
fn a_block_is_found_again_by_name() {
    let worker = metrics().worker();
    let first = worker.route("chat", Protocol::Http1);
    assert!(Arc::ptr_eq(
        &first,
        &worker.clone().route("chat", Protocol::Http1)
    ));
    assert!(!Arc::ptr_eq(
        &first,
        &worker.route("other", Protocol::Http1)
    ));
    assert!(!Arc::ptr_eq(&first, &worker.route("chat", Protocol::Http2)));
}

#[test]
fn the_series_of_an_endpoint_go_with_its_last_handle() {
    let metrics = metrics();
    let old = metrics.endpoint("app", "10.0.0.1:80");
    let new = metrics.endpoint("app", "10.0.0.1:80");
    let session = old.session();
    drop(old);
    new.failure("reset");
    let failures = |n: u32| {
        format!(
            r#"switchyard_endpoint_failures_total{{cluster="app",endpoint="10.0.0.1:80",reason="reset"}} {n}"#
        )
    };
    assert_has(&metrics, &failures(1));
    drop(new);
    let sample = r#"switchyard_endpoint_sessions{cluster="app",endpoint="10.0.0.1:80"} 1"#;
    assert_has(&metrics, sample);
    drop(session);
    assert!(!metrics.render().expect("renders").contains("10.0.0.1:80"));
    metrics.endpoint("app", "10.0.0.1:80").failure("reset");
    assert!(!metrics.render().expect("renders").contains("10.0.0.1:80"));
    let again = metrics.endpoint("app", "10.0.0.1:80");
    again.failure("reset");
    assert_has(&metrics, &failures(1));
}

#[test]
fn a_code_that_a_peer_chose_has_no_series_of_its_own() {
    let metrics = metrics();
    let route = metrics.route("chat");
    for code in [4000, 4001, 4999] {
        route.session_closed(
            Protocol::Http1,
            code,
            Initiator::Upstream,
            "close_frame",
            Duration::ZERO,
        );
    }
    let sample = r#"switchyard_session_closes_total{code="4xxx",initiator="upstream",reason="close_frame",route="chat"} 3"#;
    assert_has(&metrics, sample);
}

#[test]
fn every_name_and_help_follows_the_conventions() {
    let metrics = metrics();
    let guards = exercise(&metrics);
    let text = metrics.render().expect("renders");
    let kinds: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .collect();
    let helps: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '))
        .collect();
    assert!(kinds.len() > 25, "{kinds:?}");
    for (name, kind) in kinds {
        assert!(
            name.starts_with("switchyard_") || name.starts_with("process_"),
            "{name}"
        );
        assert_eq!(
            kind == "counter",
            name.ends_with("_total"),
            "{name} is a {kind}"
        );
        let help = helps[name];
        assert!(
            help.ends_with('.') || name.starts_with("process_"),
            "{name}: {help}"
        );
        let unit = name.trim_end_matches("_total").ends_with("_seconds");
        assert!(
            !unit || help.contains("seconds"),
            "{name} does not say its unit: {help}"
        );
    }
    drop(guards);
}

#[test]
fn no_series_is_shown_twice() {
    let metrics = metrics();
    let _again = (
        metrics.route("chat"),
        metrics.listener("web"),
        metrics.tls("web"),
        metrics.cluster("app"),
    );
    let guards = exercise(&metrics);
    let text = metrics.render().expect("renders");
    let names = || {
        text.lines()
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(name, _)| name)
    };
    let samples = || names().filter(|name| !name.starts_with('#'));
    assert_eq!(samples().count(), samples().collect::<BTreeSet<_>>().len());
    drop(guards);
}
