//! The addresses that a cluster is dialled from: each once, and of the endpoints' own families.

use std::collections::HashMap;
use std::net::IpAddr;

use super::super::repeated;
use crate::decode::{At, List};
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::{EndpointAddress, SourceAddress};

type Sources = List<At<SourceAddress>, 0>;

/// Reports what no connection could come from or go to.
pub(super) fn check(cluster: &raw::Cluster, report: &mut Report) {
    let Some(sources) = &cluster.source_addresses else {
        return;
    };
    report_repeated(sources, report);
    let Some(endpoints) = super::written(cluster) else {
        return;
    };
    if sources.items.is_empty() || !sources.complete || !endpoints.complete {
        return;
    }
    let addresses = endpoints
        .items
        .iter()
        .flat_map(|endpoint| &endpoint.address);
    report_useless(sources, addresses.clone().map(|it| it.value.0.ip()), report);
    report_unreachable(sources, addresses, report);
}

/// Their meaning.
pub(super) fn lower(sources: Sources) -> Option<Vec<IpAddr>> {
    Some(sources.whole()?.iter().map(source).collect())
}

fn report_repeated(sources: &Sources, report: &mut Report) {
    let mut seen = HashMap::new();
    for At { value, span, .. } in &sources.items {
        if let Some(first) = repeated(&mut seen, value.0, *span) {
            let message = format!("the source address `{}` is repeated", value.0);
            let problem = Problem::new(*span, message).related(first, "first here");
            report.add(problem.help("each has its own ports; leave this one out"));
        }
    }
}

/// Reports the addresses whose family is no endpoint's.
fn report_useless(sources: &Sources, endpoints: impl Iterator<Item = IpAddr>, report: &mut Report) {
    let families: Vec<_> = endpoints.map(family).collect();
    for source in &sources.items {
        let ip = source.value.0;
        if !families.contains(&family(ip)) {
            let family = family(ip);
            let message = format!("`{ip}` is an {family} address, and no endpoint has one");
            let help = "connections come from addresses of the endpoint's own family";
            report.add(Problem::new(source.span, message).help(help));
        }
    }
}

/// Reports the endpoints whose family is no source address's.
fn report_unreachable<'a>(
    sources: &Sources,
    endpoints: impl Iterator<Item = &'a At<EndpointAddress>>,
    report: &mut Report,
) {
    for endpoint in endpoints {
        let family_of_it = family(endpoint.value.0.ip());
        if !sources
            .items
            .iter()
            .any(|it| family(source(it)) == family_of_it)
        {
            let message = format!("no source address reaches this {family_of_it} endpoint");
            let help = format!("add an {family_of_it} address to `source_addresses`");
            report.add(Problem::new(endpoint.span, message).help(help));
        }
    }
}

fn source(source: &At<SourceAddress>) -> IpAddr {
    source.value.0
}

fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "IPv4" } else { "IPv6" }
}
