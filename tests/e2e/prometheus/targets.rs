//! The example for Kubernetes: which ports of which pods are scraped, and how their series are called.
//!
//! Debian's Prometheus cannot ask Kubernetes, so that pods are told to it here, with the labels that it would find.

use std::collections::{BTreeMap, BTreeSet};

use switchyard_testkit::{Prometheus, eventually};

use super::{ALERTS, often};

const EXAMPLE: &str = include_str!("../../../config/prometheus/kubernetes.yml");

/// The example with these pods instead of those of a cluster.
fn with_pods(pods: &str) -> String {
    let config = often(EXAMPLE);
    let (before, rest) = config.split_once("    kubernetes_sd_configs:\n").unwrap();
    let (_, after) = rest.split_once("    relabel_configs:\n").unwrap();
    format!("{before}    static_configs:\n{pods}    relabel_configs:\n{after}")
}

/// One port of one pod, as Prometheus's discovery has it.
fn port(address: &str, pod: &str, phase: &str, port: &str) -> String {
    let labels = [
        ("namespace", "web"),
        ("pod_name", pod),
        ("pod_phase", phase),
        ("pod_node_name", "node-1"),
        ("pod_container_port_name", port),
        ("pod_label_app_kubernetes_io_name", "switchyard"),
        ("pod_label_app_kubernetes_io_instance", "edge"),
    ];
    let labels = labels.map(|(name, value)| format!("__meta_kubernetes_{name}: {value}"));
    format!(
        "      - {{ targets: [\"{address}\"], labels: {{ {} }} }}\n",
        labels.join(", ")
    )
}

#[test]
fn the_admin_ports_of_pods_that_run_are_scraped() {
    let pods = [
        port("127.0.0.1:1", "edge-0", "Running", "admin"),
        port("127.0.0.1:2", "edge-0", "Running", "web"),
        port("127.0.0.1:3", "edge-1", "Running", "admin"),
        port("127.0.0.1:4", "edge-2", "Failed", "admin"),
        port("127.0.0.1:5", "edge-3", "Succeeded", "admin"),
    ];
    let config = with_pods(&pods.concat());
    let files = [
        ("config/prometheus/kubernetes.yml", config.as_str()),
        ("config/prometheus/switchyard-token", super::TOKEN),
        ("helm/switchyard/files/alerts.yaml", ALERTS),
    ];
    let prometheus = Prometheus::start(&files, "config/prometheus/kubernetes.yml");
    let targets = eventually("targets", || {
        let targets = prometheus.targets();
        (!targets.is_empty()).then_some(targets)
    });
    let labels: BTreeSet<BTreeMap<String, String>> = targets
        .into_iter()
        .map(|target| serde_json::from_value(target["labels"].clone()).unwrap())
        .collect();
    let expected = [("127.0.0.1:1", "edge-0"), ("127.0.0.1:3", "edge-1")].map(|(at, pod)| {
        [
            ("instance", at),
            ("job", "edge"),
            ("namespace", "web"),
            ("node", "node-1"),
            ("pod", pod),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    });
    assert_eq!(labels, BTreeSet::from(expected));
}
