//! Follows discovery: who joins is given sessions and probed, who leaves is given none and its
//! sessions are told about.
//!
//! Not here: how endpoints are found (`discovery`), and how sessions are asked to go.

use std::sync::Arc;

use arcstr::ArcStr;
use switchyard_config::{self as config, Discovery, OnRemoved, Records, ServicePort};
use switchyard_discovery::{Found, Update, Updates, dns, kubernetes};
use switchyard_drain::Tasks;
use tokio::sync::mpsc;

use crate::cluster::Cluster;
use crate::endpoint::Endpoint;

/// Updates that wait for a cluster that is busy; a source that is ahead of it waits.
const UPDATES: usize = 1;

/// Sessions that are to be asked to go, because their endpoint leaves.
#[derive(Debug, Clone)]
pub struct Departure {
    /// The endpoint's cluster.
    pub cluster: ArcStr,
    /// Who leaves; it may change its mind.
    pub endpoint: Arc<Endpoint>,
}

/// Where departures are told.
pub type Departures = mpsc::Sender<Departure>;

/// Who says which endpoints a cluster has.
pub(crate) enum Source {
    /// The configuration, once.
    Written(Vec<Found>),
    /// Somebody who is asked again and again.
    Discovery(Discovery),
}

/// Has the cluster have the endpoints that `source` says, for as long as it says something.
pub(crate) async fn follow(
    cluster: Arc<Cluster>,
    source: Source,
    tasks: Tasks,
    departures: Departures,
) {
    match source {
        Source::Written(found) => adopt(&cluster, &found, &tasks, &departures).await,
        Source::Discovery(discovery) => discover(&cluster, discovery, &tasks, &departures).await,
    }
}

async fn discover(
    cluster: &Arc<Cluster>,
    discovery: Discovery,
    tasks: &Tasks,
    departures: &Departures,
) {
    let (updates, mut told) = mpsc::channel(UPDATES);
    cluster.while_in_use(tasks, ask(discovery, updates));
    while let Some(update) = told.recv().await {
        match update {
            Update::Members(found) => {
                cluster.metrics().discovered();
                adopt(cluster, &found, tasks, departures).await;
                cluster.first_answer().give();
            }
            Update::Failed(error) => {
                if error.is_answer() {
                    cluster.first_answer().give();
                }
                cluster.metrics().discovery_failed(error.reason());
                tracing::warn!(
                    cluster = %cluster.name(),
                    reason = error.reason(),
                    error = %chain(&error),
                    "discovery failed: what it told last holds"
                );
            }
        }
    }
}

/// These are the cluster's endpoints from now on. Who joins is watched, who leaves is seen off.
async fn adopt(cluster: &Arc<Cluster>, found: &[Found], tasks: &Tasks, departures: &Departures) {
    let changes = cluster.adopt(found);
    for endpoint in &changes.joined {
        tracing::info!(cluster = %cluster.name(), endpoint = %endpoint.name(), "joined");
        cluster.watch_endpoint(endpoint, tasks);
    }
    for endpoint in &changes.left {
        tracing::info!(cluster = %cluster.name(), endpoint = %endpoint.name(), "left");
        if cluster.on_removed() == OnRemoved::Drain {
            endpoint.ask_to_go();
            let departure = Departure {
                cluster: cluster.name().clone(),
                endpoint: Arc::clone(endpoint),
            };
            // Nobody listens when the gateway itself is on its way out.
            drop(departures.send(departure).await);
        }
    }
}

/// An error and what lies underneath it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

async fn ask(discovery: Discovery, updates: Updates) {
    match discovery {
        Discovery::Dns(settings) => {
            let (name, resolver, refresh) = look_up(settings);
            dns::follow(name, resolver, refresh, updates).await;
        }
        Discovery::Kubernetes(settings) => {
            let (service, access) = watch(settings);
            kubernetes::follow(service, access, updates).await;
        }
    }
}

fn look_up(settings: config::Dns) -> (dns::Name, dns::Resolver, dns::Refresh) {
    let kind = match settings.records {
        Records::A(port) => dns::Kind::A { port },
        Records::Aaaa(port) => dns::Kind::Aaaa { port },
        Records::Srv => dns::Kind::Srv,
    };
    let name = dns::Name {
        name: settings.name,
        kind,
    };
    let resolver = dns::Resolver {
        servers: settings.resolvers,
        timeout: settings.timeout,
    };
    let refresh = dns::Refresh {
        min: settings.min_refresh,
        max: settings.max_refresh,
        retry: settings.retry,
    };
    (name, resolver, refresh)
}

fn watch(settings: config::Kubernetes) -> (kubernetes::Service, kubernetes::Access) {
    let port = match settings.port {
        ServicePort::Name(name) => kubernetes::Port::Name(name),
        ServicePort::Number(number) => kubernetes::Port::Number(number),
    };
    let service = kubernetes::Service {
        namespace: settings.namespace,
        service: settings.service,
        port,
    };
    let access = match settings.kubeconfig {
        Some(path) => kubernetes::Access::Kubeconfig {
            path,
            context: settings.context,
        },
        None => kubernetes::Access::InCluster,
    };
    (service, access)
}
