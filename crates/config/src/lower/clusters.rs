//! Clusters: unique names, unique endpoints.

use std::collections::HashMap;

use super::{Clusters, Names, repeated};
use crate::decode::List;
use crate::model::{Cluster, Endpoint};
use crate::raw;
use crate::report::{Problem, Report};

/// Checks the clusters, and keeps their names for the routes.
pub(super) fn lower(list: List<raw::Cluster, 1>, report: &mut Report) -> Clusters {
    let mut names = Names::new("cluster", list.complete);
    for cluster in &list.items {
        names.define(&cluster.name, report);
        report_repeated_endpoints(&cluster.endpoints.items, report);
    }
    (list.items.into_iter().map(cluster).collect(), names)
}

fn cluster(raw: raw::Cluster) -> Cluster {
    Cluster {
        name: raw.name.value.0,
        endpoints: raw.endpoints.items.iter().map(endpoint).collect(),
        balancer: raw.balancer,
        connect_timeout: raw.connect_timeout.0,
        retries: raw.retries.0,
        header_case: raw.header_case,
    }
}

fn endpoint(raw: &raw::Endpoint) -> Endpoint {
    Endpoint {
        address: raw.address.value.0,
        weight: raw.weight.at_least_one(),
    }
}

fn report_repeated_endpoints(endpoints: &[raw::Endpoint], report: &mut Report) {
    let mut seen = HashMap::new();
    for endpoint in endpoints {
        let address = endpoint.address.value.0;
        let span = endpoint.address.span;
        if let Some(first) = repeated(&mut seen, address, span) {
            let message = format!("the endpoint `{address}` is repeated");
            let problem = Problem::new(span, message).related(first, "first here");
            report.add(problem.help("give it a larger `weight` instead"));
        }
    }
}
