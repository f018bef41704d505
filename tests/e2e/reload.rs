//! Another configuration while everything runs: what changes for whom, and that nothing else does.

mod endpoints;
mod faults;
mod listeners;
mod orders;
mod terms;
mod watch;

use switchyard_testkit::{Endpoint, Peer, Settings};

use crate::support::Stage;

/// With a configuration that is read again when that is asked for, and not else.
pub(crate) fn asked(settings: Settings) -> Settings {
    settings.top("reload: { watch: off }").drain("over: 0s")
}

/// A second route, that is matched first.
const NEWS: &str = "{ name: news, match: { path_prefix: /news }, cluster: main }";

#[test]
fn sessions_of_a_route_that_is_gone_are_asked_to_go_and_no_others() {
    let endpoint = Endpoint::bind();
    let plain = asked(Settings::to(&[endpoint.address()]));
    let stage = Stage::of(endpoint, &plain.clone().first_route(NEWS));
    let news = stage.open_at("/news/today");
    let mut other = stage.open_at("/chat");
    let said = stage.gateway.reload(&plain, 1);
    assert_eq!(
        (&said["closing"], &said["unchanged"]),
        (&1.into(), &1.into())
    );
    assert_eq!(news.client.answer_close(), 1012);
    assert_eq!(news.server.answer_close(), 1012);
    let closed = stage.gateway.closed();
    assert_eq!(
        (&closed["route"], &closed["reason"]),
        (&"news".into(), &"reload".into())
    );
    assert_eq!(
        (&closed["initiator"], &closed["code"]),
        (&"gateway".into(), &1012.into())
    );
    let labels = [("route", "news"), ("reason", "reload"), ("code", "1012")];
    stage
        .gateway
        .wait_metric("switchyard_session_closes_total", &labels, 1);
    other.talk();
    stage.open_at("/news/today").talk();
}

#[test]
fn a_session_goes_whose_route_leads_to_its_cluster_no_more() {
    let (here, there) = (Endpoint::bind(), Endpoint::named("there"));
    let to = |clusters: &str| {
        let route =
            format!("{{ name: news, match: {{ path_prefix: /news }}, cluster: {clusters} }}");
        let other = format!(
            "{{ name: other, endpoints: [{{ address: \"{}\" }}] }}",
            there.address()
        );
        asked(Settings::to(&[here.address()]))
            .first_route(&route)
            .another_cluster(&other)
    };
    let split = "[{ cluster: main, weight: 9 }, { cluster: other, weight: 1 }]";
    let (first, second, third) = (to("main"), to(split), to("other"));
    let stage = Stage::of(here, &first);
    let mut session = stage.open_at("/news");
    let said = stage.gateway.reload(&second, 1);
    assert_eq!(
        (&said["closing"], &said["unchanged"]),
        (&0.into(), &1.into())
    );
    session.talk();
    let said = stage.gateway.reload(&third, 2);
    assert_eq!(
        (&said["closing"], &said["unchanged"]),
        (&1.into(), &0.into())
    );
    assert_eq!(session.client.receive_close().0, 1012);
    let moved = Peer::connect(stage.gateway.web(), "/news");
    assert_eq!(moved.head().get("x-endpoint"), Some("there"));
}

#[test]
fn the_same_configuration_is_nothing_to_reload() {
    let stage = Stage::with(asked);
    let mut session = stage.open();
    stage.gateway.hang_up();
    let same = "nothing to reload: the configuration is the same";
    stage.gateway.records(1, same);
    session.talk();
    let metrics = stage.gateway.metrics();
    assert_eq!(
        metrics.count("switchyard_config_reloads_total", &[("result", "ok")]),
        1
    );
    assert_eq!(
        metrics.count("switchyard_config_last_reload_success", &[]),
        1
    );
}

#[test]
fn a_change_that_comes_with_a_restart_is_said_to() {
    let stage = Stage::with(asked);
    let settings = asked(Settings::to(&[stage.endpoint.address()])).workers(1);
    stage.gateway.reload(&settings, 1);
    let said = stage
        .gateway
        .records(1, "a change of this key comes with a restart");
    assert_eq!(said[0]["key"], "workers");
}

#[test]
fn what_is_different_about_the_bus_comes_with_a_restart() {
    let at =
        |unready: &str| format!("bus: {{ redis: {{ url: \"redis://127.0.0.1:1\"{unready} }} }}");
    let stage = Stage::with(|settings| asked(settings).top(&at("")));
    let settings = asked(Settings::to(&[stage.endpoint.address()]));
    let settings = settings.top(&at(", unready_after: 30s"));
    stage.gateway.reload(&settings, 1);
    let said = stage
        .gateway
        .records(1, "a change of this key comes with a restart");
    assert_eq!(said[0]["key"], "bus");
}
