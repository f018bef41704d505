//! Routes without a cluster: the gateway opens the sessions itself, for clients that only listen.

use serde_json::Value;
use switchyard_testkit::gateway::get;
use switchyard_testkit::{
    Frame, Gateway, Handshake, Http2, Peer, Response, Settings, Socket, clients,
};

use crate::support::{BINARY, dead_address, gateway, told};
use crate::upgrade::upgrade;

const ROUTE: &str = "{ name: ticker, match: { path_prefix: /ticker }, push_only: on, \
                     channels: [\"ticker:{query.symbol}\", \"user:{subprotocol.user}\"] }";

/// With a route to a cluster behind the one without.
fn settings() -> Settings {
    without().first_route(ROUTE)
}

fn without() -> Settings {
    Settings::to(&[dead_address()])
        .drain("ready_delay: 0s")
        .drain("over: 0s")
        .drain("deadline: 20s")
}

#[track_caller]
fn open(gateway: &Gateway) -> Peer {
    Handshake::to("/ticker?symbol=X").open(gateway.web())
}

#[track_caller]
fn wait_sessions(gateway: &Gateway, protocol: &str, count: u64) {
    let labels = [("route", "ticker"), ("protocol", protocol)];
    gateway.wait_metric("switchyard_sessions", &labels, count);
}

/// A Ping is answered, and so is a Close.
#[track_caller]
fn is_answered(mut client: Peer, code: u16) {
    client.send_text("nobody wants this");
    client.send(&Frame::ping("there?"));
    assert_eq!(client.receive(), Frame::pong("there?"));
    client.close(code);
}

#[track_caller]
fn real_client(script: &str) {
    let gateway = gateway(&settings());
    let url = format!("ws://{}/ticker", gateway.web());
    let seen = clients::run(script, &[&url, "4001", "user.7", "news.v1"]);
    assert_eq!(seen["code"], 4001, "{seen}");
    assert_eq!(seen["subprotocol"], "news.v1", "{seen}");
    assert_eq!(seen["extensions"], "", "{seen}");
    let record = gateway.closed();
    assert_eq!(record["code"], 4001, "{record}");
    assert_eq!(record["initiator"], "downstream", "{record}");
    assert_eq!(record["reason"], "close_frame", "{record}");
    assert_eq!(record["messages_from_downstream"], 1, "{record}");
    assert_eq!(record["messages_from_upstream"], 0, "{record}");
}

#[test]
fn ws_listens() {
    real_client("listen_ws.mjs");
}

#[test]
fn websockets_listens() {
    real_client("listen_websockets.py");
}

#[test]
fn chromium_listens() {
    real_client("listen_chromium.mjs");
}

#[test]
fn a_client_over_http2_listens() {
    let settings = settings()
        .listener("http2: on")
        .listener("extended_connect: on");
    let gateway = gateway(&settings);
    let http2 = Http2::over(&Socket::connect(gateway.web()));
    let plain = http2.get("/ticker?symbol=X");
    assert_eq!(plain.head.status(), 426);
    let client = http2.websocket("/ticker?symbol=X", &[]).expect("a session");
    wait_sessions(&gateway, "h2", 1);
    is_answered(client, 4002);
    assert_eq!(gateway.closed()["code"], 4002);
}

/// Nothing but routes without clusters needs no clusters.
#[test]
fn a_gateway_may_have_nothing_behind_it() {
    let yaml = format!(
        "listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\nroutes: [{ROUTE}]\n\
         admin: {{ address: \"127.0.0.1:0\" }}\nworkers: 2\n"
    );
    let gateway = Gateway::start_with(BINARY, &yaml);
    is_answered(open(&gateway), 4000);
}

#[test]
fn what_is_no_handshake_for_a_channel_is_told_so() {
    let gateway = gateway(&settings());
    let plain = get(gateway.web(), "/ticker?symbol=X");
    assert_eq!(plain.status(), 426);
    assert_eq!(plain.head.get("upgrade"), Some("websocket"));
    let mut socket = Handshake::to("/ticker").send(gateway.web());
    let answer = Response::read(&mut socket);
    assert_eq!(answer.status(), 400);
    assert!(answer.text().contains("does not say what to listen to"));
    let labels = [("route", "ticker"), ("result", "no_channel")];
    gateway.wait_metric("switchyard_handshakes_total", &labels, 1);
}

#[test]
fn its_cluster_and_its_endpoint_are_called_nothing() {
    let gateway = gateway(&settings());
    let client = open(&gateway);
    let opened = gateway.records(1, "session opened").remove(0);
    let sessions = told(&gateway, "GET", "/sessions?route=ticker", 200);
    let listed = &sessions["sessions"][0];
    client.close(1000);
    let closed = gateway.closed();
    for told in [&opened, listed, &closed] {
        assert_eq!(told["route"], "ticker", "{told}");
        assert_eq!(
            (&told["cluster"], &told["endpoint"]),
            (&Value::from(""), &Value::from(""))
        );
    }
}

#[test]
fn a_drain_ends_it_as_any_other() {
    let mut gateway = gateway(&settings());
    let mut client = open(&gateway);
    gateway.terminate();
    assert_eq!(client.receive_close(), (1012, "service restart".to_owned()));
    client.send(&Frame::close(1012, ""));
    client.expect_end();
    drop(client);
    assert_eq!(gateway.wait_exit().code(), Some(0));
    let record = gateway.closed();
    assert_eq!(record["reason"], "drain", "{record}");
    assert_eq!(record["initiator"], "gateway", "{record}");
    assert_eq!(record["code"], 1012, "{record}");
}

#[test]
fn a_drain_of_its_route_ends_it_and_lets_nobody_in() {
    let gateway = gateway(&settings());
    let mut client = open(&gateway);
    told(&gateway, "POST", "/drain?route=ticker&over=0s", 202);
    assert_eq!(client.receive_close().0, 1012);
    client.send(&Frame::close(1012, ""));
    client.expect_end();
    let mut socket = Handshake::to("/ticker?symbol=X").send(gateway.web());
    assert_eq!(Response::read(&mut socket).status(), 503);
}

#[test]
fn a_reload_keeps_it_where_its_route_is_kept() {
    let gateway = gateway(&settings());
    let kept = open(&gateway);
    let report = gateway.reload(&settings().websocket("max_message: 1MiB"), 1);
    assert_eq!(report["closing"], 0, "{report}");
    is_answered(kept, 4000);
    let mut gone = open(&gateway);
    gateway.reload(&without(), 2);
    assert_eq!(gone.receive_close().0, 1012);
}

#[test]
fn it_goes_on_in_the_next_process() {
    let mut gateway = gateway(&settings());
    let client = open(&gateway);
    let _successor = upgrade(gateway.id());
    assert_eq!(gateway.wait_exit().code(), Some(0));
    wait_sessions(&gateway, "h1", 1);
    is_answered(client, 4003);
    assert_eq!(gateway.closed()["code"], 4003);
    assert_eq!(
        gateway
            .metrics()
            .count("switchyard_sessions_taken_over_total", &[]),
        1
    );
}
