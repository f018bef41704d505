//! `switchyard clusters`.

use std::process::ExitCode;

use http::Method;

use super::print;
use crate::admin_client::AdminClient;
use crate::cli::Clusters;
use crate::table::{cell, list, table};

const TITLES: &[&str] = &[
    "CLUSTER", "BALANCER", "ENDPOINT", "WEIGHT", "ZONE", "STATE", "HEALTH", "SESSIONS",
];

pub(crate) fn execute(clusters: &Clusters) -> anyhow::Result<ExitCode> {
    let answer = AdminClient::new(&clusters.at)?.ask(&Method::GET, "/clusters")?;
    if clusters.at.json {
        return print(&format!("{answer}\n"));
    }
    let mut rows = Vec::new();
    for cluster in list(&answer, "clusters") {
        let of_cluster = [cell(cluster, &["name"]), cell(cluster, &["balancer"])];
        for endpoint in list(cluster, "endpoints") {
            let names = ["endpoint", "weight", "zone", "state", "health", "sessions"];
            let cells = names.iter().map(|name| cell(endpoint, &[name]));
            rows.push(of_cluster.iter().cloned().chain(cells).collect());
        }
    }
    print(&table(TITLES, &rows))
}
