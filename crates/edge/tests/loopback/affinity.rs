//! Requests of both kinds that find their endpoint again.

use std::collections::HashSet;
use std::net::SocketAddr;

use switchyard_drain::Tasks;

use crate::client::{Endpoint, Head, Peer, config, handshake, switching};
use crate::gateway::Gateway;

const ISSUED: &str = "    affinity: [{ issued_cookie: { name: SYAFF, max_age: 1h } }]";

/// Endpoints that answer everything at once and say who they are.
fn answering(count: usize) -> Vec<SocketAddr> {
    let tasks = Tasks::new();
    let mut addresses = Vec::new();
    for _ in 0..count {
        let endpoint = Endpoint::bind();
        addresses.push(endpoint.address());
        tasks.clone().spawn(answer_all(endpoint, tasks.clone()));
    }
    addresses
}

async fn answer_all(endpoint: Endpoint, tasks: Tasks) {
    let me = format!("X-Endpoint: {}\r\n", endpoint.address());
    while let Some(server) = endpoint.next().await {
        tasks.spawn(answer(server, me.clone()));
    }
}

async fn answer(mut server: Peer, me: String) {
    let head = server.head().await;
    if head.field("upgrade").is_some() {
        server.send(switching(&me)).await;
    } else {
        let fields = "Content-Length: 0\r\nConnection: close\r\n";
        server
            .send(format!("HTTP/1.1 200 OK\r\n{fields}{me}\r\n"))
            .await;
    }
    server.rest().await;
}

/// The answers to a handshake and to a plain request with the same fields.
async fn both(gateway: &Gateway, target: &str, fields: &str) -> [Head; 2] {
    let plain = format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n");
    let mut heads = Vec::new();
    for request in [handshake(target, fields), plain] {
        let mut client = gateway.connect().await;
        client.send(request).await;
        heads.push(client.head().await);
    }
    heads.try_into().unwrap()
}

fn endpoint(head: &Head) -> String {
    head.field("x-endpoint").unwrap().to_owned()
}

/// What a client sends back of a `Set-Cookie`.
fn cookie(head: &Head) -> String {
    let set = head.field("set-cookie").unwrap();
    let (pair, attributes) = set.split_once("; ").unwrap();
    assert_eq!(
        attributes,
        "Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=3600"
    );
    format!("Cookie: other=1; {pair}\r\n")
}

#[tokio::test]
async fn handshakes_and_plain_requests_go_to_the_same_endpoint() {
    let route = "    affinity: [{ query: room }, { cookie: sid }]";
    let gateway = Gateway::start(&config(&answering(3), route));
    let mut seen = HashSet::new();
    for room in 0..20 {
        let target = format!("/x?room={room}");
        let [session, plain] = both(&gateway, &target, "Cookie: sid=ignored\r\n").await;
        assert_eq!(endpoint(&session), endpoint(&plain));
        assert_eq!(session.field("set-cookie"), None);
        seen.insert(endpoint(&session));
    }
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn an_issued_cookie_leads_back_to_the_endpoint_that_served() {
    let gateway = Gateway::start(&config(&answering(3), ISSUED));
    for _ in 0..10 {
        for first in both(&gateway, "/", "").await {
            let issued = cookie(&first);
            assert!(!issued.contains(&endpoint(&first)), "{issued}");
            for again in both(&gateway, "/", &issued).await {
                assert_eq!(endpoint(&again), endpoint(&first));
                assert_eq!(cookie(&again), issued);
            }
        }
    }
}

#[tokio::test]
async fn a_cookie_that_does_not_run_out_is_set_once() {
    let route = "    affinity: [{ issued_cookie: { name: SYAFF } }]";
    let gateway = Gateway::start(&config(&answering(2), route));
    let [first, _] = both(&gateway, "/", "").await;
    let (pair, _) = first.field("set-cookie").unwrap().split_once(';').unwrap();
    for again in both(&gateway, "/", &format!("Cookie: {pair}\r\n")).await {
        assert_eq!(endpoint(&again), endpoint(&first));
        assert_eq!(again.field("set-cookie"), None);
    }
}

#[tokio::test]
async fn a_forged_cookie_is_replaced() {
    let gateway = Gateway::start(&config(&answering(1), ISSUED));
    let [first, _] = both(&gateway, "/", "").await;
    for head in both(&gateway, "/", "Cookie: SYAFF=0123456789abcdef\r\n").await {
        assert_eq!(cookie(&head), cookie(&first));
    }
}

#[tokio::test]
async fn a_cookie_whose_endpoint_is_gone_is_replaced() {
    let (live, dead) = (answering(1), Endpoint::bind());
    let endpoints = [live[0], dead.address()];
    let gateway = Gateway::start(&config(&endpoints, ISSUED));
    let mut client = gateway.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let stale = loop {
        tokio::select! {
            mut server = dead.accept() => {
                server.head().await;
                server.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
                break cookie(&client.head().await);
            }
            _live_was_asked = client.head() => {
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
            }
        }
    };
    let _refusing = dead.go();
    for head in both(&gateway, "/", &stale).await {
        assert_eq!(endpoint(&head), live[0].to_string());
        assert_ne!(cookie(&head), stale);
    }
}

#[tokio::test]
async fn a_split_is_sticky_and_follows_its_weights() {
    let endpoints = answering(2);
    let text = format!(
        "routes:\n  - name: all\n    match: {{ path_prefix: / }}\n\
         \x20   split: [{{ cluster: blue, weight: 3 }}, {{ cluster: green, weight: 1 }}]\n\
         \x20   affinity: [{{ header: x-user }}]\n\
         clusters:\n  - {{ name: blue, endpoints: [{{ address: \"{}\" }}] }}\n\
         \x20 - {{ name: green, endpoints: [{{ address: \"{}\" }}] }}\n",
        endpoints[0], endpoints[1]
    );
    let gateway = Gateway::start(&text);
    let mut blue = 0;
    for user in 0..40 {
        let [session, plain] = both(&gateway, "/", &format!("X-User: {user}\r\n")).await;
        assert_eq!(endpoint(&session), endpoint(&plain));
        blue += u32::from(endpoint(&session) == endpoints[0].to_string());
    }
    // The hash has no secret here, so these users always fall the same way.
    assert!((24..=36).contains(&blue), "{blue}");
}
