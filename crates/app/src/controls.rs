//! What the admin API asks and tells the parts of the gateway.
//!
//! Not here: what it answers (`switchyard_admin`), and where it listens (`admin`).

use std::sync::Arc;
use std::time::Duration;

use switchyard_admin::{
    ClusterControl, Parts, ReloadOrders, RouteControl, RouteStatus, SessionControl,
};
use switchyard_config::{Bus, Written};
use switchyard_drain::Tasks;
use switchyard_edge::Route;
use switchyard_relay::Registry;
use switchyard_upstream::Departures;

use crate::care::Care;
use crate::drains::Drains;
use crate::rebalance;
use crate::worker::Common;

/// What the admin API asks and tells.
pub(crate) fn parts(
    common: &Common,
    registries: &[Registry],
    care: &Care,
    drains: &Drains,
    reload: ReloadOrders,
) -> Parts {
    let first_answers = common.first_answers.clone();
    let describe = switchyard_admin::describing(common.push.clone());
    common.push.attach(registries.to_vec(), describe);
    Parts {
        clusters: cluster_control(common, registries, &care.departures),
        sessions: session_control(common, registries),
        routes: route_control(common, registries),
        drains: Box::new(drains.clone()),
        config: config_control(common),
        reload,
        push: common.push.clone(),
        is_discovered: Box::new(move || first_answers.are_given()),
        unready_after: unready_after(&common.live.settings().config.bus),
    }
}

/// How long the gateway is ready without its bus.
fn unready_after(bus: &Bus) -> Option<Duration> {
    match bus {
        Bus::Memory => None,
        Bus::Redis(redis) => redis.link.unready_after,
        Bus::Nats(nats) => nats.link.unready_after,
    }
}

/// What the admin API asks and tells the clusters.
fn cluster_control(
    common: &Common,
    registries: &[Registry],
    departures: &Departures,
) -> ClusterControl {
    let (snapshot, registries) = (Arc::clone(&common.live.snapshot), registries.to_vec());
    ClusterControl {
        clusters: Box::new(move || Arc::clone(snapshot.load().clusters())),
        survey: Box::new(move |cluster, above| rebalance::survey(cluster, &registries, above).1),
        departures: departures.clone(),
    }
}

/// What the admin API asks of the configuration.
fn config_control(common: &Common) -> Box<dyn Fn() -> Written + Send + Sync> {
    let live = common.live.clone();
    Box::new(move || live.settings().config.written.clone())
}

/// What the admin API asks and tells the sessions.
fn session_control(common: &Common, registries: &[Registry]) -> SessionControl {
    let live = common.live.clone();
    SessionControl {
        registries: registries.to_vec(),
        plan: Box::new(move || live.plan()),
        tasks: Tasks::new(),
    }
}

/// What the admin API asks of the routes.
fn route_control(common: &Common, registries: &[Registry]) -> RouteControl {
    let snapshot = Arc::clone(&common.live.snapshot);
    RouteControl {
        routes: Box::new(move || snapshot.load().routes().map(described).collect()),
        registries: registries.to_vec(),
    }
}

fn described(route: &Arc<Route>) -> RouteStatus {
    let shares = route.shares();
    RouteStatus {
        name: route.name().clone(),
        matches: route.words().to_owned(),
        clusters: shares
            .map(|(name, weight)| (name.clone(), weight))
            .collect(),
    }
}
