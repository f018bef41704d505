//! Connections that a worker accepts and another serves.

use switchyard_drain::Phase;

use crate::client::{Endpoint, Peer};
use crate::gateway::Gateway;

const NO_ROUTE: &str = "GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fn connections(worker: usize) -> String {
    format!("switchyard_worker_connections{{worker=\"{worker}\"}}")
}

/// A configuration without a route for [`NO_ROUTE`].
fn elsewhere(endpoint: &Endpoint) -> String {
    endpoint
        .config("")
        .replace("path_prefix: /", "path_prefix: /ws")
}

async fn connected(gateway: &Gateway, count: usize) -> Vec<Peer> {
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(gateway.connect().await);
    }
    let open = u64::try_from(count).unwrap();
    gateway
        .until_metric("switchyard_listener_connections{", open)
        .await;
    clients
}

async fn is_answered(client: &mut Peer) {
    client.send(NO_ROUTE).await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer:?}");
}

#[tokio::test]
async fn workers_are_kept_level_and_all_connections_are_served() {
    let endpoint = Endpoint::bind();
    let config = elsewhere(&endpoint);
    let gateway = Gateway::start_workers(3, "", &config);
    let mut clients = connected(&gateway, 60).await;
    let each = [0, 1, 2].map(|worker| gateway.metric(&connections(worker)).unwrap());
    assert_eq!(each.iter().sum::<u64>(), 60);
    // A difference of up to 5 is not worth a hand-over, and one of three turns compares with itself.
    let most = each.iter().max().unwrap();
    assert!(most - each.iter().min().unwrap() <= 9, "{each:?}");
    let given = gateway.metric("switchyard_worker_handovers_total{worker=\"0\"}");
    assert_eq!(given, Some(each[1] + each[2]));
    for client in &mut clients {
        is_answered(client).await;
    }
    for worker in [0, 1, 2] {
        gateway.until_metric(&connections(worker), 0).await;
    }
}

#[tokio::test]
async fn a_listener_counts_the_connections_of_all_workers() {
    let endpoint = Endpoint::bind();
    let gateway = Gateway::start_workers(2, ", max_connections: 20", &endpoint.config(""));
    let _clients = connected(&gateway, 20).await;
    let mut surplus = gateway.connect().await;
    assert_eq!(surplus.rest().await, "");
    assert!(gateway.metric(&connections(1)).unwrap() > 0);
}

/// Whoever had connected is answered, wherever the connection was when the drain began.
#[tokio::test]
async fn what_is_on_its_way_when_a_drain_begins_arrives() {
    let endpoint = Endpoint::bind();
    let config = elsewhere(&endpoint);
    for turns in 0..40 {
        let gateway = Gateway::start_workers(2, "", &config);
        let connect = || std::net::TcpStream::connect(gateway.address).unwrap();
        let clients: Vec<_> = (0..30).map(|_| connect()).collect();
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        gateway.advance(Phase::Draining);
        for client in clients {
            is_answered(&mut Peer::adopt(client)).await;
        }
    }
}
