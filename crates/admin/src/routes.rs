//! `/routes`: what there is, what each matches, where it leads, and how many sessions it has.

use std::collections::HashMap;

use arcstr::ArcStr;
use serde_json::{Value, json};
use switchyard_drain::Scope;
use switchyard_relay::{Registry, Walk};

use crate::answer::{Answer, ok};
use crate::drains::DrainControl;

/// What is known of routes.
pub struct RouteControl {
    /// Those of the snapshot in use. Asked anew for each request: a snapshot may be replaced.
    pub routes: Box<dyn Fn() -> Vec<RouteStatus> + Send + Sync>,
    /// The sessions of each worker.
    pub registries: Vec<Registry>,
}

/// A route.
#[derive(Clone, Debug)]
pub struct RouteStatus {
    /// Its name.
    pub name: ArcStr,
    /// What it matches, in words.
    pub matches: String,
    /// Its clusters, with their weights; none where it is `push_only`.
    pub clusters: Vec<(ArcStr, u32)>,
}

impl RouteControl {
    /// Every route, in the order in which they are tried.
    pub(crate) fn list(&self, drains: &dyn DrainControl) -> Answer {
        let sessions = self.count();
        let drained: Vec<_> = drains.list().into_iter().map(|it| it.scope).collect();
        let routes = (self.routes)();
        let routes = routes.iter().map(|route| {
            let sessions = sessions.get(&route.name).copied().unwrap_or_default();
            described(route, sessions, &drained)
        });
        ok(&json!({ "routes": routes.collect::<Vec<_>>() }))
    }

    /// With many sessions this takes a while: the runtime's thread is left to its other tasks.
    fn count(&self) -> HashMap<ArcStr, usize> {
        tokio::task::block_in_place(|| {
            let mut counts = HashMap::new();
            for handle in Walk::all(&self.registries) {
                let route = handle.info().route.clone();
                *counts.entry(route).or_default() += 1;
            }
            counts
        })
    }
}

fn described(route: &RouteStatus, sessions: usize, drained: &[Scope]) -> Value {
    let clusters = route.clusters.iter();
    let clusters = clusters.map(|(name, weight)| json!({ "cluster": &**name, "weight": weight }));
    json!({
        "name": &*route.name,
        "match": route.matches,
        "clusters": clusters.collect::<Vec<_>>(),
        "sessions": sessions,
        "draining": is_drained(route, drained),
    })
}

/// Whether nothing that takes the route gets a session, or soon will not.
fn is_drained(route: &RouteStatus, drained: &[Scope]) -> bool {
    let has = |scope| drained.contains(&scope);
    let is_closed = |(name, _): &(ArcStr, u32)| has(Scope::Cluster(name.clone()));
    let clusters = &route.clusters;
    has(Scope::Gateway)
        || has(Scope::Route(route.name.clone()))
        || (!clusters.is_empty() && clusters.iter().all(is_closed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_drained_when_nothing_of_it_is_open() {
        let route = RouteStatus {
            name: "chat".into(),
            matches: String::new(),
            clusters: vec![("a".into(), 9), ("b".into(), 1)],
        };
        let (a, b) = (Scope::Cluster("a".into()), Scope::Cluster("b".into()));
        assert!(!is_drained(&route, &[]));
        assert!(!is_drained(&route, std::slice::from_ref(&a)));
        assert!(is_drained(&route, &[a, b]));
        assert!(is_drained(&route, &[Scope::Route("chat".into())]));
        assert!(!is_drained(&route, &[Scope::Listener("chat".into())]));
        assert!(is_drained(&route, &[Scope::Gateway]));
        let push_only = RouteStatus {
            clusters: Vec::new(),
            ..route
        };
        assert!(!is_drained(&push_only, &[]));
        assert!(is_drained(&push_only, &[Scope::Gateway]));
    }
}
