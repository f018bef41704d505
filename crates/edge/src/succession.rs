//! What becomes of the sessions of one snapshot under the next.
//!
//! A session stays wherever it can: it goes by the limits of its route as they are now, and keeps its
//! endpoint. It goes where its place is gone: its listener, its route, or its route's way to its cluster.
//!
//! Not here: how fast those are asked that go.

use std::sync::Arc;

use switchyard_proto::session::{Cause, Policy};
use switchyard_relay::{Handle, RelayLimits, SessionInfo, Terms};

use crate::route::Route;
use crate::snapshot::Snapshot;

/// What becomes of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing is different for it.
    Stays,
    /// It stays, under other limits.
    Adopts(Arc<Policy>, RelayLimits),
    /// It has no place any more.
    Goes,
}

impl Snapshot {
    /// What becomes of a session that opened under `former`, or under one before, and was told all that
    /// came between.
    pub fn fate(&self, session: &SessionInfo, former: &Self) -> Fate {
        let listener = |snapshot: &Self| snapshot.listener(&session.listener).cloned();
        let has_listener = match (listener(former), listener(self)) {
            (Some(was), Some(is)) => was.goes_on_as(&is),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        match self.route(&session.route) {
            Some(route) if has_listener && route.leads_to(&session.cluster) => {
                let former = former.route(&session.route);
                former.map_or_else(|| route.terms(), |former| route.terms_after(former))
            }
            _ => Fate::Goes,
        }
    }

    /// Tells a session what has changed while it was opening on `route`, which was another then.
    pub(crate) fn receive(&self, session: &Handle, route: &Route, mut random: impl FnMut() -> u64) {
        let now = self.route(&route.name);
        match now.filter(|now| now.leads_to(&session.info().cluster)) {
            None => session.close(Cause::Reload, self.farewell.clone()),
            Some(now) => {
                if let Fate::Adopts(policy, limits) = now.terms_after(route) {
                    let random = [random(), random(), random()];
                    session.adopt(Terms {
                        policy,
                        limits,
                        random,
                    });
                }
            }
        }
    }
}

impl Route {
    /// A session without an endpoint has a cluster without a name.
    fn leads_to(&self, cluster: &str) -> bool {
        if self.is_push_only() {
            return cluster.is_empty();
        }
        let mut clusters = self.split.clusters.iter();
        clusters.any(|it| &**it.name() == cluster)
    }

    fn terms(&self) -> Fate {
        Fate::Adopts(Arc::clone(&self.policy), self.limits)
    }

    fn terms_after(&self, former: &Self) -> Fate {
        if self.policy == former.policy && self.limits == former.limits {
            Fate::Stays
        } else {
            self.terms()
        }
    }
}

#[cfg(test)]
mod tests;
