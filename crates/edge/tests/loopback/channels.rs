//! What a session is subscribed to, and what its endpoint is told of it.

use arcstr::ArcStr;
use switchyard_push::SessionName;
use switchyard_relay::{Freeze, Verdict};

use crate::client::{Endpoint, Head, Peer, handshake, switching};
use crate::gateway::{Gateway, REPLICA};

const CHANNELS: &str = "    channels: [\"room:{query.room}\", news]";

/// Names of the channels that have subscribers, with how many.
fn subscribed(gateway: &Gateway) -> Vec<(String, usize)> {
    let channels = gateway.hub.channels("", None, 100);
    let named = |(name, count): (ArcStr, usize)| (name.to_string(), count);
    channels.into_iter().map(named).collect()
}

fn once(names: &[&str]) -> Vec<(String, usize)> {
    names.iter().map(|name| ((*name).to_owned(), 1)).collect()
}

/// A session whose endpoint adds `fields` to its 101: both ends, the request as the endpoint got it, and the answer as
/// the client did.
async fn open(gateway: &Gateway, endpoint: &Endpoint, fields: &str) -> (Peer, Peer, Head, Head) {
    let mut client = gateway.connect().await;
    client
        .send(handshake("/ws?room=7", "X-Session-Id: forged\r\n"))
        .await;
    let mut server = endpoint.accept().await;
    let asked = server.head().await;
    server.send(switching(fields)).await;
    let answer = client.head().await;
    assert_eq!(answer.status(), 101);
    (client, server, asked, answer)
}

async fn until_nobody_is_there(gateway: &Gateway) {
    gateway
        .until_metric("switchyard_push_subscriptions", 0)
        .await;
    assert_eq!(subscribed(gateway), []);
}

#[tokio::test]
async fn a_session_has_the_channels_of_its_route_and_of_its_endpoint() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(CHANNELS));
    let fields = "Switchyard-Channels: user:1, bad name\r\nswitchyard-channels: news,user:2\r\n";
    let (client, server, _, answer) = open(&gateway, &endpoint, fields).await;
    assert_eq!(answer.field("switchyard-channels"), None);
    // It was subscribed before the client had its answer.
    assert_eq!(
        subscribed(&gateway),
        once(&["news", "room:7", "user:1", "user:2"])
    );
    drop((client, server));
    until_nobody_is_there(&gateway).await;
}

#[tokio::test]
async fn those_of_the_endpoint_are_no_more_than_there_may_be() {
    let endpoint = Endpoint::bind();
    let config = endpoint.config(CHANNELS) + "push: { channels_per_session: 3 }\n";
    let gateway = Gateway::start(&config);
    let fields = "Switchyard-Channels: news, a, b\r\n";
    let (_client, _server, _, _) = open(&gateway, &endpoint, fields).await;
    assert_eq!(subscribed(&gateway), once(&["a", "news", "room:7"]));
}

#[tokio::test]
async fn a_handshake_that_names_too_much_is_refused_before_anybody_is_dialled() {
    let endpoint = Endpoint::bind();
    let config = endpoint.config(CHANNELS) + "push: { channels_per_session: 2 }\n";
    let gateway = Gateway::start(&config);
    let long = "x".repeat(251);
    for (target, reason) in [
        ("/ws?room=1&room=2", "too_many_channels"),
        (&*format!("/ws?room={long}"), "channel_too_long"),
    ] {
        let mut client = gateway.connect().await;
        client.send(handshake(target, "")).await;
        assert_eq!(client.head().await.status(), 400, "{target}");
        let refused = format!("switchyard_handshakes_total{{result=\"{reason}\",route=\"all\"}}");
        gateway.until_metric(&refused, 1).await;
    }
    assert!(endpoint.is_left_alone());
    until_nobody_is_there(&gateway).await;
}

#[tokio::test]
async fn what_is_no_id_is_refused_only_where_the_route_has_channels() {
    let endpoint = Endpoint::bind();
    let history = "push: { history: [{ prefix: a, messages: 1, age: 1h }] }\n";
    let target = "/ws?last_message_id=mine";
    let gateway = Gateway::start(&(endpoint.config(CHANNELS) + history));
    let mut client = gateway.connect().await;
    client.send(handshake(target, "")).await;
    assert_eq!(client.head().await.status(), 400);
    let refused = "switchyard_handshakes_total{result=\"last_message_id\",route=\"all\"}";
    gateway.until_metric(refused, 1).await;
    assert!(endpoint.is_left_alone());

    let gateway = Gateway::start(&(endpoint.config("") + history));
    let mut client = gateway.connect().await;
    client.send(handshake(target, "")).await;
    let mut server = endpoint.accept().await;
    assert!(server.head().await.first.contains(target));
    server.send(switching("")).await;
    assert_eq!(client.head().await.status(), 101);
}

#[tokio::test]
async fn an_endpoint_is_told_the_name_of_the_session_where_it_is_to_be() {
    let endpoint = Endpoint::bind();
    let config = endpoint.config(CHANNELS) + "push: { session_header: X-Session-Id }\n";
    let gateway = Gateway::start(&config);
    let (_client, _server, asked, answer) = open(&gateway, &endpoint, "").await;
    let id = gateway.registry.handles()[0].info().id;
    let name = SessionName {
        replica: REPLICA,
        id,
    };
    assert_eq!(asked.field("x-session-id"), Some(&*name.to_string()));
    assert_eq!(answer.field("x-session-id"), None);
}

#[tokio::test]
async fn a_name_is_nobodys_to_forge_and_no_matter_where_there_is_none() {
    let endpoint = Endpoint::bind();
    let get = "GET / HTTP/1.1\r\nHost: a\r\nX-Session-Id: forged\r\nConnection: close\r\n\r\n";
    let ok = "HTTP/1.1 200 OK\r\nSwitchyard-Channels: a\r\nContent-Length: 0\r\n\r\n";
    for (more, seen) in [
        ("push: { session_header: x-session-id }\n", None),
        ("", Some("forged")),
    ] {
        let gateway = Gateway::start(&(endpoint.config(CHANNELS) + more));
        let mut client = gateway.connect().await;
        client.send(get).await;
        let mut server = endpoint.accept().await;
        assert_eq!(server.head().await.field("x-session-id"), seen);
        server.send(ok).await;
        assert_eq!(client.head().await.field("switchyard-channels"), None);
    }
}

#[tokio::test]
async fn a_session_takes_its_channels_along() {
    let endpoint = Endpoint::bind();
    let old = Gateway::start(&endpoint.config(CHANNELS));
    let new = Gateway::start(&endpoint.config(""));
    let fields = "Switchyard-Channels: user:1\r\n";
    let (client, server, _, _) = open(&old, &endpoint, fields).await;
    let (freeze, mut parcels) = Freeze::collecting(1);
    old.registry.handles().remove(0).freeze(freeze);
    let parcel = parcels.recv().await.expect("it can be moved");
    let moored = new
        .berth
        .moor(&parcel.record, parcel.descriptors, &new.receptions);
    parcel.verdict.send(Verdict::Gone).expect("it waits");
    moored.expect("there is a place for it").go();
    until_nobody_is_there(&old).await;
    new.until_metric("switchyard_push_subscriptions", 3).await;
    assert_eq!(subscribed(&new), once(&["news", "room:7", "user:1"]));
    drop((client, server));
    until_nobody_is_there(&new).await;
}
