//! Where a route leads: to clusters that exist, each named once, or nowhere.

use std::collections::HashMap;
use std::num::NonZeroU32;

use crate::decode::{At, Known, List};
use crate::lower::{Names, repeated};
use crate::model::{self, Split};
use crate::raw::{self, Target, Weight};
use crate::report::{Problem, Report};
use crate::scalar::{Name, Switch};

/// A cluster and its weight.
type Share<'a> = (Known<&'a At<Name>>, Known<NonZeroU32>);

/// Checks the clusters of a route, under whichever key they are.
pub(super) fn lower(
    raw: &raw::Route,
    clusters: Known<&Names>,
    report: &mut Report,
) -> Option<model::Target> {
    if raw.push_only.as_ref()?.value == Switch::On {
        return Some(model::Target::PushOnly);
    }
    report_none_or_both(raw, report);
    let cluster = raw.cluster.iter().flatten().map(|it| target(&it.value));
    let listed = raw.split.iter().flatten().map(|it| shares(&it.value));
    // There is no more than one, or that is reported.
    let mut lowered: Option<Vec<Split>> = None;
    for shares in cluster.chain(listed) {
        report_clusters(&shares, clusters, report);
        lowered = shares.into_iter().map(split).collect();
    }
    lowered.map(model::Target::Clusters)
}

fn report_none_or_both(raw: &raw::Route, report: &mut Report) {
    match (&raw.cluster, &raw.split) {
        (Some(Some(cluster)), Some(Some(split))) => {
            let message = "a route has a `cluster` or a `split`, not both";
            let (first, second) = (cluster.span.min(split.span), cluster.span.max(split.span));
            let problem = Problem::new(second, message).related(first, "the first");
            report.add(problem.help("list all of the shares under `cluster`"));
        }
        (Some(None), Some(None)) => {
            if let Some(name) = &raw.name {
                let message = format!("the route `{}` leads nowhere", name.value.0);
                let help = "add `cluster: NAME` to it, or a list of shares, or `push_only: on`";
                report.add(Problem::new(name.span, message).help(help));
            }
        }
        _ => {}
    }
}

/// One cluster has all of a route.
fn target(target: &Target) -> Vec<Share<'_>> {
    match target {
        Target::Cluster(cluster) => vec![(Some(cluster), Some(NonZeroU32::MIN))],
        Target::Shares(list) => shares(list),
    }
}

fn shares(list: &List<raw::Share, 1>) -> Vec<Share<'_>> {
    list.items.iter().map(share).collect()
}

fn share(raw: &raw::Share) -> Share<'_> {
    (raw.cluster.as_ref(), raw.weight.map(Weight::at_least_one))
}

fn split((cluster, weight): Share<'_>) -> Option<Split> {
    Some(Split {
        cluster: cluster?.value.0.clone(),
        weight: weight?,
    })
}

fn report_clusters(shares: &[Share<'_>], clusters: Known<&Names>, report: &mut Report) {
    let mut seen = HashMap::new();
    for cluster in shares.iter().filter_map(|(cluster, _)| *cluster) {
        if let Some(clusters) = clusters {
            clusters.refer(cluster, report);
        }
        if let Some(first) = repeated(&mut seen, &cluster.value.0, cluster.span) {
            let message = format!("the cluster `{}` is repeated", cluster.value.0);
            let problem = Problem::new(cluster.span, message).related(first, "first here");
            report.add(problem.help("give it a larger `weight` instead"));
        }
    }
}
