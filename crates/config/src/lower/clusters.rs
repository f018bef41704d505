//! Clusters: unique names, unique endpoints, source addresses that reach them, and TLS.

mod discovery;
mod health;
mod sources;
mod tls;

use std::collections::HashMap;

use arcstr::ArcStr;

use super::files::Files;
use super::{Names, optional, repeated};
use crate::decode::{At, Known, List};
use crate::model::{
    Cluster, ClusterHttp2, Endpoint, Outlier, PendingHandshakes, Protocol, Rebalance, SendProxy,
};
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::{Count, Switch};

pub(super) use tls::certificate as client_certificate;

/// Checks the clusters, and keeps their names for the routes.
pub(super) fn lower(
    list: List<raw::Cluster, 1>,
    files: &Files<'_>,
    zone: Known<&Option<ArcStr>>,
    report: &mut Report,
) -> (Known<Vec<Cluster>>, Names) {
    let mut names = Names::new("cluster", list.complete);
    for cluster in &list.items {
        names.define(cluster.name.as_ref(), report);
        report_repeated_endpoints(cluster, report);
        sources::check(cluster, report);
    }
    let clusters: Vec<_> = list
        .items
        .into_iter()
        .map(|raw| cluster(raw, files, zone, report))
        .collect();
    (clusters.into_iter().collect(), names)
}

fn cluster(
    raw: raw::Cluster,
    files: &Files<'_>,
    zone: Known<&Option<ArcStr>>,
    report: &mut Report,
) -> Option<Cluster> {
    let prefer_zone = prefer_zone(raw.prefer_same_zone.as_ref(), zone, report);
    let discovery = discovery::lower(&raw, files.directory, report);
    let health = health::lower(raw.health, report);
    let http2 = http2(
        raw.protocol,
        raw.http2.as_ref(),
        raw.proxy_protocol.as_ref(),
        report,
    );
    let tls = tls::lower(raw.tls, files, report);
    let endpoints = raw
        .endpoints?
        .map_or_else(|| Some(Vec::new()), |list| list.value.whole())?;
    Some(Cluster {
        name: raw.name?.value.0,
        endpoints: endpoints.iter().map(endpoint).collect::<Option<_>>()?,
        discovery: discovery?,
        on_removed: raw.on_removed?,
        balancer: raw.balancer?,
        bounded_load: raw.bounded_load?.0.map(|factor| factor.0),
        slow_start: raw.slow_start?.0.map(|time| time.0),
        prefer_zone: prefer_zone?,
        rebalance: optional(raw.rebalance?, |raw| rebalance(&raw))?,
        tls: tls?,
        http2: http2?,
        connect_timeout: raw.connect_timeout?.0,
        retries: raw.retries?.0,
        retry_budget: raw.retry_budget?.0.map(|percent| percent.0),
        header_case: raw.header_case?,
        proxy_protocol: raw.proxy_protocol?.value,
        source_addresses: sources::lower(raw.source_addresses?)?,
        max_sessions_per_endpoint: raw.max_sessions_per_endpoint?.0.map(Count::at_least_one),
        pending_handshakes: optional(raw.pending_handshakes?, |raw| pending_handshakes(&raw))?,
        outlier: optional(raw.outlier?, outlier)?,
        health: health?,
        when_none_healthy: raw.when_none_healthy?,
    })
}

/// The gateway's zone, if the cluster prefers it.
fn prefer_zone(
    switch: Option<&At<Switch>>,
    zone: Known<&Option<ArcStr>>,
    report: &mut Report,
) -> Known<Option<ArcStr>> {
    let switch = switch?;
    match (switch.value, zone?) {
        (Switch::Off, _) => Some(None),
        (Switch::On, Some(zone)) => Some(Some(zone.clone())),
        (Switch::On, None) => {
            let message = "this gateway has no zone that could be preferred";
            let problem = Problem::new(switch.span, message);
            report.add(problem.help("set `zone` or `zone_file` at the top of the file"));
            None
        }
    }
}

/// A PROXY header says whose a connection is, which none is that many clients share.
fn http2(
    protocol: Known<Protocol>,
    raw: Known<&raw::ClusterHttp2>,
    proxy: Known<&At<SendProxy>>,
    report: &mut Report,
) -> Known<Option<ClusterHttp2>> {
    let (protocol, raw) = (protocol?, raw?);
    if let Some(proxy) = proxy
        && proxy.value != SendProxy::Off
        && protocol == Protocol::Http2
    {
        let message =
            "a PROXY header says whose a connection is, and HTTP/2 has many clients on one";
        let help = "leave out `proxy_protocol` or `protocol: http2`; `X-Forwarded-For` tells each \
                    request's client";
        report.add(Problem::new(proxy.span, message).help(help));
        return None;
    }
    let settings = ClusterHttp2 {
        max_connections: raw.max_connections.as_ref()?.at_least_one(),
        max_concurrent_streams: raw.max_concurrent_streams.as_ref()?.at_least_one(),
        without_extended_connect: raw.without_extended_connect?,
    };
    Some((protocol == Protocol::Http2).then_some(settings))
}

fn rebalance(raw: &raw::Rebalance) -> Option<Rebalance> {
    Some(Rebalance {
        above: raw.above?.0,
        sessions_per_second: raw.sessions_per_second?.0,
    })
}

fn pending_handshakes(raw: &raw::PendingHandshakes) -> Option<PendingHandshakes> {
    Some(PendingHandshakes {
        max: raw.max?.0,
        queue: raw.queue?.0,
        wait: raw.wait?.0,
    })
}

fn outlier(raw: raw::Outlier) -> Option<Outlier> {
    let codes = raw.close_codes?.whole()?;
    Some(Outlier {
        consecutive_failures: raw.consecutive_failures?.at_least_one(),
        close_codes: codes.into_iter().map(|code| code.0).collect(),
        eject_for: raw.eject_for?.0,
        max_ejected: raw.max_ejected?.0,
    })
}

fn endpoint(raw: &raw::Endpoint) -> Option<Endpoint> {
    Some(Endpoint {
        address: raw.address.as_ref()?.value.0,
        weight: raw.weight?.at_least_one(),
        zone: raw.zone.as_ref()?.as_ref().map(|zone| zone.0.clone()),
    })
}

/// The endpoints that are written out, where they are.
fn written(cluster: &raw::Cluster) -> Option<&List<raw::Endpoint, 1>> {
    Some(&cluster.endpoints.as_ref()?.as_ref()?.value)
}

fn report_repeated_endpoints(cluster: &raw::Cluster, report: &mut Report) {
    let endpoints = written(cluster).into_iter().flat_map(|list| &list.items);
    let mut seen = HashMap::new();
    for At { value, span, .. } in endpoints.flat_map(|endpoint| &endpoint.address) {
        if let Some(first) = repeated(&mut seen, value.0, *span) {
            let message = format!("the endpoint `{}` is repeated", value.0);
            let problem = Problem::new(*span, message).related(first, "first here");
            report.add(problem.help("give it a larger `weight` instead"));
        }
    }
}
