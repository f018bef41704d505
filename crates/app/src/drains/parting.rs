//! The sessions of an endpoint that leaves, as discovery says or by order.

use std::sync::Arc;

use switchyard_admin::DrainStatus;
use switchyard_drain::Scope;
use switchyard_proto::session::Cause;
use switchyard_relay::{Asking, SessionInfo};
use switchyard_upstream::{Departure, Endpoint};
use tokio::time::Instant;

use super::Drains;

/// An endpoint whose sessions are asked to go.
pub(super) struct Parting {
    scope: Scope,
    endpoint: Arc<Endpoint>,
    begun: Instant,
    pub(super) asking: Asking,
}

impl Drains {
    /// Asks the sessions of an endpoint that leaves to go. Where it comes back meanwhile, whoever is left stays.
    pub(crate) fn part(&self, departure: Departure) {
        let Departure { cluster, endpoint } = departure;
        let name = endpoint.name().clone();
        let plan = self.plan(self.partings().len());
        let wanted = |info: &SessionInfo| info.endpoint == name && info.cluster == cluster;
        let registries = &self.shared.means.registries;
        let ask = || Asking::among(registries, wanted, &plan, Cause::EndpointLeft);
        let asking = tokio::task::block_in_place(ask);
        let scope = Scope::Endpoint {
            endpoint: name.clone(),
            cluster: cluster.clone(),
        };
        let mut partings = self.partings();
        partings.retain(|parting| parting.is_of_interest() && parting.scope != scope);
        partings.push(Parting {
            scope,
            endpoint: Arc::clone(&endpoint),
            begun: Instant::now(),
            asking: asking.clone(),
        });
        let drains = self.clone();
        self.shared.tasks.spawn(async move {
            let asked = asking.run(asking.pace(), || endpoint.asks_to_go());
            tokio::join!(asked, drains.all_gone(&asking));
            drains.show();
        });
    }
}

impl Parting {
    /// Whether there is something to see: who left for good, and has nobody left, is forgotten.
    pub(super) fn is_of_interest(&self) -> bool {
        self.endpoint.asks_to_go()
            && (self.endpoint.is_drained() || self.asking.progress().left > 0)
    }

    pub(super) fn status(&self) -> DrainStatus {
        DrainStatus {
            scope: self.scope.clone(),
            begun: self.begun.elapsed(),
            progress: Some(self.asking.progress()),
            deadline: None,
        }
    }
}
