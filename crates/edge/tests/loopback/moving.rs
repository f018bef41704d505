//! A session that goes from one gateway to another, as it would from one process to the next.

use switchyard_edge::Unmoored;
use switchyard_relay::{Freeze, Parcel, Verdict};

use crate::client::{Endpoint, Peer, config, handshake, switching};
use crate::gateway::Gateway;

/// A text of one byte from each end, as that end sends it.
const FROM_CLIENT: &[u8] = b"\x81\x81\0\0\0\0x";
const FROM_ENDPOINT: &[u8] = b"\x81\x01y";

const GAUGES: [&str; 3] = [
    "switchyard_listener_connections{",
    "switchyard_sessions{",
    "switchyard_endpoint_sessions{",
];

struct Ends {
    client: Peer,
    server: Peer,
}

impl Ends {
    async fn open(gateway: &Gateway, endpoint: &Endpoint) -> Self {
        let mut client = gateway.connect().await;
        client.send(handshake("/ws", "")).await;
        let mut server = endpoint.accept().await;
        server.head().await;
        server.send(switching("")).await;
        assert_eq!(client.head().await.status(), 101);
        Self { client, server }
    }

    async fn talk(&mut self) {
        self.client.send(FROM_CLIENT).await;
        assert_eq!(self.server.take(FROM_CLIENT.len()).await, FROM_CLIENT);
        self.server.send(FROM_ENDPOINT).await;
        assert_eq!(self.client.take(FROM_ENDPOINT.len()).await, FROM_ENDPOINT);
    }
}

/// Has the only session hold still.
async fn freeze(gateway: &Gateway) -> Parcel {
    let (freeze, mut parcels) = Freeze::collecting(1);
    let handle = gateway.registry.handles().remove(0);
    handle.freeze(freeze);
    parcels.recv().await.expect("it can be moved")
}

#[tokio::test]
async fn it_counts_where_it_is_and_closes_once() {
    let endpoint = Endpoint::bind();
    let old = Gateway::start(&endpoint.config(""));
    let new = Gateway::start(&endpoint.config(""));
    let mut ends = Ends::open(&old, &endpoint).await;
    ends.talk().await;
    let parcel = freeze(&old).await;
    let moored = new
        .berth
        .moor(&parcel.record, parcel.descriptors, &new.receptions);
    let moored = moored.expect("there is a place for it");
    // Nothing is read before it is decided where it goes on.
    ends.client.send(FROM_CLIENT).await;
    parcel.verdict.send(Verdict::Gone).expect("it waits");
    moored.go();
    assert_eq!(ends.server.take(FROM_CLIENT.len()).await, FROM_CLIENT);
    ends.talk().await;
    for gauge in GAUGES {
        old.until_metric(gauge, 0).await;
        new.until_metric(gauge, 1).await;
    }
    assert_eq!(new.registry.len(), 1);
    drop(ends);
    for gauge in GAUGES {
        new.until_metric(gauge, 0).await;
    }
    let closes = "switchyard_session_closes_total{";
    assert_eq!((old.metric(closes), new.metric(closes)), (None, Some(1)));
    let moved = "switchyard_sessions_handed_over_total ";
    assert_eq!((old.metric(moved), new.metric(moved)), (Some(1), Some(0)));
    let moved = "switchyard_sessions_taken_over_total ";
    assert_eq!((old.metric(moved), new.metric(moved)), (Some(0), Some(1)));
    let accepted = "switchyard_listener_connections_total{";
    assert_eq!(new.metric(accepted), Some(0));
}

#[tokio::test]
async fn it_goes_on_where_it_was_if_it_is_told_so_or_nothing() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start(&endpoint.config(""));
    let mut ends = Ends::open(&gateway, &endpoint).await;
    for say in [true, false] {
        let parcel = freeze(&gateway).await;
        ends.client.send(FROM_CLIENT).await;
        if say {
            parcel.verdict.send(Verdict::Stays).expect("it waits");
        } else {
            drop(parcel);
        }
        assert_eq!(ends.server.take(FROM_CLIENT.len()).await, FROM_CLIENT);
        ends.talk().await;
    }
    assert_eq!(gateway.registry.len(), 1);
}

#[tokio::test]
async fn it_stays_where_the_other_has_no_place_for_it() {
    let endpoint = Endpoint::bind();
    let old = Gateway::start(&endpoint.config(""));
    let mut ends = Ends::open(&old, &endpoint).await;
    let other = Endpoint::bind();
    let elsewhere = config(&[other.address()], "");
    let renamed = endpoint.config("").replace("name: all", "name: other");
    let full = Gateway::start_with(", max_connections: 1", &endpoint.config(""));
    let _seated = full.connect().await;
    full.until_metric(GAUGES[0], 1).await;
    let places = [
        (Gateway::start(&renamed), "there is no such route"),
        (Gateway::start(&elsewhere), "there is no such endpoint"),
        (full, "its listener has no room"),
    ];
    for (new, why) in places {
        let parcel = freeze(&old).await;
        let unmoored = new
            .berth
            .moor(&parcel.record, parcel.descriptors, &new.receptions);
        let unmoored: Unmoored = unmoored.expect_err("it has to stay");
        assert_eq!(unmoored.to_string(), why);
        assert!(new.registry.is_empty());
        drop(parcel.verdict);
        ends.talk().await;
    }
    let none = old
        .berth
        .moor(b"nonsense", freeze(&old).await.descriptors, &old.receptions);
    assert!(matches!(none, Err(Unmoored::Malformed)));
    ends.talk().await;
}

/// It was moored, and then the old process gave up.
#[tokio::test]
async fn what_is_let_go_again_leaves_nothing_behind() {
    let endpoint = Endpoint::bind();
    let old = Gateway::start(&endpoint.config(""));
    let new = Gateway::start(&endpoint.config(""));
    let mut ends = Ends::open(&old, &endpoint).await;
    let parcel = freeze(&old).await;
    let moored = new
        .berth
        .moor(&parcel.record, parcel.descriptors, &new.receptions);
    new.until_metric(GAUGES[0], 1).await;
    drop(moored);
    drop(parcel.verdict);
    ends.talk().await;
    for gauge in GAUGES {
        assert!(new.metric(gauge).is_none_or(|value| value == 0), "{gauge}");
    }
}
