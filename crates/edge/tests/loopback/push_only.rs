//! Sessions that have no endpoint: the gateway agrees to them itself, and answers for the other end.

use std::time::Duration;

use switchyard_drain::Phase;
use switchyard_proto::session::Cause;
use switchyard_proto::{Close, CloseCode};
use switchyard_relay::{Freeze, Message, Verdict};

use crate::client::{ACCEPT, Head, Peer, handshake};
use crate::gateway::Gateway;

const ROUTE: &str =
    "routes:\n  - name: ticker\n    match: { path_prefix: /t }\n    push_only: on\n";
const CHANNELS: &str = "    channels: [\"ticker:{query.symbol}\", \"user:{subprotocol.user}\"]\n";

fn config(route: &str) -> String {
    format!("{ROUTE}{CHANNELS}{route}")
}

/// What a handshake is answered.
async fn ask(gateway: &Gateway, target: &str, fields: &str) -> (Peer, Head) {
    let mut client = gateway.connect().await;
    client.send(handshake(target, fields)).await;
    let head = client.head().await;
    (client, head)
}

async fn open(gateway: &Gateway) -> Peer {
    let (client, head) = ask(gateway, "/t?symbol=X", "").await;
    assert_eq!(head.status(), 101);
    client
}

fn publish(gateway: &Gateway, channel: &str, text: &str) {
    let message = Message::text(text, switchyard_relay::now());
    gateway.hub.deliver(channel, &message.into(), None);
}

fn closes(code: &str, initiator: &str, reason: &str) -> String {
    format!(
        "switchyard_session_closes_total{{code=\"{code}\",initiator=\"{initiator}\",reason=\"{reason}\",\
         route=\"ticker\"}}"
    )
}

#[tokio::test]
async fn the_gateway_agrees_itself() {
    let gateway = Gateway::start(&config(""));
    let (mut client, head) = ask(
        &gateway,
        "/t?symbol=X",
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    )
    .await;
    assert_eq!(head.first, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(head.field("sec-websocket-accept"), Some(ACCEPT));
    assert_eq!(head.field("upgrade"), Some("websocket"));
    assert_eq!(head.field("connection"), Some("upgrade"));
    assert_eq!(head.field("sec-websocket-extensions"), None);
    assert_eq!(head.field("sec-websocket-protocol"), None);
    publish(&gateway, "ticker:X", "41");
    assert_eq!(client.take(4).await, b"\x81\x0241");
    let info = gateway.registry.handles()[0].info().clone();
    assert_eq!(
        (&*info.route, &*info.cluster, &*info.endpoint),
        ("ticker", "", "")
    );
    gateway.until_metric("switchyard_sessions{", 1).await;
}

#[tokio::test]
async fn pings_and_closes_are_answered_and_all_else_is_dropped() {
    let gateway = Gateway::start(&config("    websocket: { close_timeout: 60s }\n"));
    let mut client = open(&gateway).await;
    client.send(b"\x81\x82\0\0\0\0hi\x01\x81\0\0\0\0a").await;
    client.send(b"\x89\x82\x01\x02\x01\x02ij").await;
    assert_eq!(client.take(4).await, b"\x8a\x02hh");
    client
        .send(b"\x80\x81\0\0\0\0b\x88\x83\0\0\0\0\x0f\xa0!")
        .await;
    assert_eq!(client.take(4).await, b"\x88\x02\x0f\xa0");
    assert_eq!(client.rest().await, "");
    drop(client);
    gateway
        .until_metric(&closes("4xxx", "downstream", "close_frame"), 1)
        .await;
    let messages = "switchyard_messages_total{direction=\"downstream_to_upstream\",";
    assert!(gateway.metric(messages).is_none_or(|count| count == 2));
    gateway
        .until_metric("switchyard_push_subscriptions", 0)
        .await;
    assert!(gateway.registry.is_empty());
}

#[tokio::test]
async fn who_breaks_the_rules_is_told_so() {
    let gateway = Gateway::start(&config("    websocket: { max_message: 4B }\n"));
    for (sent, code, reason) in [
        (&b"\x81\x02hi"[..], 1002, "unmasked"),
        (b"\x82\x85\0\0\0\0hello", 1009, "message_too_big"),
    ] {
        let mut client = open(&gateway).await;
        client.send(sent).await;
        let close = client.take(4).await;
        assert_eq!((close[0], &close[2..]), (0x88, &u16::to_be_bytes(code)[..]));
        drop(client);
        gateway
            .until_metric(&closes(&code.to_string(), "downstream", reason), 1)
            .await;
    }
}

#[tokio::test]
async fn who_is_gone_is_gone() {
    let gateway = Gateway::start(&config("    websocket: { close_timeout: 60s }\n"));
    drop(open(&gateway).await);
    gateway
        .until_metric(&closes("1006", "downstream", "eof"), 1)
        .await;
    gateway
        .until_metric("switchyard_listener_connections{", 0)
        .await;
}

#[tokio::test]
async fn its_own_pings_go_to_the_client_and_are_answered_within() {
    let gateway = Gateway::start(&config(
        "    websocket: { ping_interval: 10ms, pong_timeout: 60s }\n",
    ));
    let mut client = open(&gateway).await;
    for _ in 0..3 {
        let ping = client.take(10).await;
        assert_eq!(ping[..2], [0x89, 8]);
        let mut answer = vec![0x8a, 0x88, 0, 0, 0, 0];
        answer.extend(&ping[2..]);
        client.send(&answer).await;
    }
    let handle = gateway.registry.handles().remove(0);
    let figures = handle
        .figures(Duration::from_secs(10))
        .await
        .expect("it is open");
    assert!(figures.ping_rtt_upstream.is_some());
}

#[tokio::test]
async fn a_drain_ends_it_cleanly() {
    let gateway = Gateway::start(&config(""));
    let mut client = open(&gateway).await;
    let close = Close::new(CloseCode::SERVICE_RESTART, "bye").expect("it fits");
    gateway.advance(Phase::Draining);
    gateway.registry.handles()[0].close(Cause::Drain, close);
    assert_eq!(client.take(7).await, b"\x88\x05\x03\xf4bye");
    client.send(b"\x88\x82\0\0\0\0\x03\xf4").await;
    assert_eq!(client.rest().await, "");
    drop(client);
    gateway
        .until_metric("switchyard_drain_closed_total{result=\"clean\"}", 1)
        .await;
    gateway
        .until_metric(&closes("1012", "gateway", "drain"), 1)
        .await;
}

#[tokio::test]
async fn what_is_no_handshake_for_a_channel_is_refused() {
    let limited =
        "    websocket: { allowed_origins: [\"https://a.example\"], subprotocols: [v1] }\n";
    let (gateway, strict) = (
        Gateway::start(&config("")),
        Gateway::start(&config(limited)),
    );
    let origin = "Origin: https://a.example\r\n";
    let other = "Origin: https://b.example\r\n";
    let odd = format!("{origin}Sec-WebSocket-Protocol: v9\r\n");
    for (gateway, target, fields, status, reason) in [
        (&gateway, "/t", "", 400, "no_channel"),
        (&gateway, "/t?symbol=", "", 400, "no_channel"),
        (&strict, "/t?symbol=X", other, 403, "origin"),
        (&strict, "/t?symbol=X", &odd, 400, "subprotocol"),
        (&strict, "/t?symbol=X", origin, 101, "accepted"),
    ] {
        let (_client, head) = ask(gateway, target, fields).await;
        assert_eq!(head.status(), status, "{reason}");
        let counted =
            format!("switchyard_handshakes_total{{result=\"{reason}\",route=\"ticker\"}}");
        assert!(gateway.metric(&counted) > Some(0), "{counted}");
    }
    let plain =
        gateway.ask_once("GET /t?symbol=X HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let plain = plain.await.to_ascii_lowercase();
    assert!(plain.starts_with("http/1.1 426 "), "{plain}");
    assert!(plain.contains("upgrade: websocket\r\n"), "{plain}");
    let mut late = gateway.connect().await;
    gateway
        .until_metric("switchyard_listener_connections{", 1)
        .await;
    gateway.advance(Phase::Draining);
    late.send(handshake("/t?symbol=X", "")).await;
    assert_eq!(late.head().await.status(), 503);
}

#[tokio::test]
async fn a_subprotocol_that_names_a_channel_is_the_last_to_be_agreed_on() {
    let gateway = Gateway::start(&config(""));
    let strict = Gateway::start(&config("    websocket: { subprotocols: [v2, user.7] }\n"));
    for (gateway, offered, agreed) in [
        (&gateway, "user.7, v1, v2", "v1"),
        (&gateway, "user.7", "user.7"),
        (&strict, "user.7, v2", "user.7"),
        (&strict, "user.8, v1, v2", "v2"),
    ] {
        let fields = format!("Sec-WebSocket-Protocol: {offered}\r\n");
        let (_client, head) = ask(gateway, "/t", &fields).await;
        assert_eq!(
            head.field("sec-websocket-protocol"),
            Some(agreed),
            "{offered}"
        );
    }
    assert_eq!(strict.hub.subscribers("user:8"), 1);
}

#[tokio::test]
async fn it_goes_to_another_process_with_its_channels() {
    let (old, new) = (Gateway::start(&config("")), Gateway::start(&config("")));
    let mut client = open(&old).await;
    let (freeze, mut parcels) = Freeze::collecting(1);
    old.registry.handles().remove(0).freeze(freeze);
    let parcel = parcels.recv().await.expect("it can be moved");
    let moored = new
        .berth
        .moor(&parcel.record, parcel.descriptors, &new.receptions);
    parcel.verdict.send(Verdict::Gone).expect("it waits");
    moored.expect("there is a place for it").go();
    new.until_metric("switchyard_push_subscriptions", 1).await;
    publish(&new, "ticker:X", "42");
    assert_eq!(client.take(4).await, b"\x81\x0242");
    client.send(b"\x89\x80\0\0\0\0").await;
    assert_eq!(client.take(2).await, b"\x8a\0");
    old.until_metric("switchyard_listener_connections{", 0)
        .await;
}

#[tokio::test]
async fn it_stays_where_its_route_leads_to_a_cluster_now() {
    let old = Gateway::start(&config(""));
    let leads = "routes: [{ name: ticker, cluster: app }]\n\
                 clusters: [{ name: app, endpoints: [{ address: \"127.0.0.1:9\" }] }]\n";
    let new = Gateway::start(leads);
    let mut client = open(&old).await;
    let (freeze, mut parcels) = Freeze::collecting(1);
    old.registry.handles().remove(0).freeze(freeze);
    let parcel = parcels.recv().await.expect("it can be moved");
    let unmoored = new
        .berth
        .moor(&parcel.record, parcel.descriptors, &new.receptions);
    assert_eq!(
        unmoored.expect_err("no place").to_string(),
        "there is no such endpoint"
    );
    drop(parcel.verdict);
    publish(&old, "ticker:X", "43");
    assert_eq!(client.take(4).await, b"\x81\x0243");
}
