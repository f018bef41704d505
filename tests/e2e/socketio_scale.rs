//! Socket.IO while its endpoints become more and fewer: who joins disturbs nobody, and whose endpoint
//! leaves comes back by itself and is served by another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use switchyard_testkit::kubernetes::{ApiServer, EndpointSlice, Pod};
use switchyard_testkit::{Process, Settings, clients, eventually};

use crate::support::gateway;

const CLIENTS: usize = 8;

/// An endpoint with its name in discovery.
struct Endpoint {
    #[expect(dead_code, reason = "it lives as long as this does")]
    process: Process,
    slice: EndpointSlice,
}

impl Endpoint {
    fn join(name: &str, api: &ApiServer) -> Self {
        let (process, address) = clients::serve("socketio_endpoint.mjs", &[name]);
        let slice = EndpointSlice::new("chat", name, address.port());
        api.set(&slice.clone().pod(Pod::ready("127.0.0.1")));
        Self { process, slice }
    }
}

/// By which endpoints each client was served, one after the other, and how often it was cut off.
fn story(stayers: &Process) -> BTreeMap<u64, (Vec<String>, usize)> {
    let mut story = BTreeMap::<_, (Vec<_>, _)>::new();
    for line in stayers.stdout().so_far() {
        let client = line["client"].as_u64().expect("a number");
        let (served, left) = story.entry(client).or_default();
        match line["served"].as_str() {
            Some(name) => served.push(name.to_owned()),
            None => *left += 1,
        }
    }
    story
}

/// The last endpoint of each client, once all are served and none of them by `gone`.
#[track_caller]
fn all_served(stayers: &Process, gone: Option<&str>) -> BTreeMap<u64, String> {
    eventually("all clients to be served", || {
        let story = story(stayers).into_iter();
        let last = |(client, (mut served, left)): (u64, (Vec<String>, usize))| {
            // Whoever was cut off is served once more.
            (served.len() == left + 1).then_some((client, served.pop()?))
        };
        let served: BTreeMap<_, _> = story.filter_map(last).collect();
        let is_done = served.len() == CLIENTS && served.values().all(|name| Some(&**name) != gone);
        is_done.then_some(served)
    })
}

#[test]
fn who_joins_disturbs_nobody_and_whose_endpoint_leaves_finds_another() {
    let api = ApiServer::start();
    let first = ["a", "b"].map(|name| Endpoint::join(name, &api));
    let watched = format!(
        "kubernetes: {{ namespace: default, service: chat, port: ws, kubeconfig: {} }}",
        api.kubeconfig().display()
    );
    let settings = Settings::looked_up()
        .route("affinity: [{ issued_cookie: { name: SYAFF, secure: off } }]")
        .cluster(&watched)
        .cluster("balancer: least_sessions")
        .drain("over: 0s");
    let gateway = gateway(&settings);
    let endpoints = |count| {
        gateway.wait_metric(
            "switchyard_cluster_endpoints",
            &[("cluster", "main")],
            count,
        );
    };
    endpoints(2);
    let url = format!("http://{}", gateway.web());
    let stayers = clients::start("socketio_stayers.mjs", &[&url, &CLIENTS.to_string()]);
    let before = all_served(&stayers, None);

    let _third = Endpoint::join("c", &api);
    endpoints(3);
    let newcomers: Value = clients::run("socketio_client.mjs", &[&url, "9", "{}"]);
    let names = newcomers["served"]
        .as_array()
        .expect("all were served")
        .iter();
    let names: BTreeSet<_> = names.filter_map(Value::as_str).collect();
    assert!(names.contains("c"), "{newcomers}");

    api.set(&first[0].slice.clone().pod(Pod::leaving("127.0.0.1")));
    all_served(&stayers, Some("a"));
    for (client, (served, left)) in story(&stayers) {
        let owner = &before[&client];
        assert_eq!(served[0], *owner);
        assert_eq!(left, usize::from(owner == "a"), "{client}: {served:?}");
    }
    assert!(
        before.values().any(|name| name == "a"),
        "it has some: {before:?}"
    );
    let closes = [("reason", "endpoint_left"), ("code", "1012")];
    let moved = before.values().filter(|name| *name == "a").count();
    gateway.wait_metric("switchyard_session_closes_total", &closes, moved as u64);
}
