//! Sees off the sessions of endpoints that leave.

use std::sync::Arc;

use switchyard_drain::Tasks;
use switchyard_relay::Registry;
use switchyard_upstream::Departure;
use tokio::sync::mpsc;

use crate::live::Live;

/// Asks the sessions of every endpoint that `told` names to go, at the pace that is in use, on all workers
/// side by side. Where an endpoint comes back meanwhile, whoever is left stays.
pub(crate) async fn see_off(
    mut told: mpsc::Receiver<Departure>,
    registries: Vec<Registry>,
    live: Live,
    tasks: Tasks,
) {
    while let Some(Departure { cluster, endpoint }) = told.recv().await {
        for (index, registry) in registries.iter().enumerate() {
            let mut plan = live.plan();
            plan.seed ^= index as u64;
            let (cluster, endpoint) = (Arc::clone(&cluster), Arc::clone(&endpoint));
            let name = Arc::clone(endpoint.name());
            let leaves = move || endpoint.asks_to_go();
            tasks.spawn(registry.clone().part(cluster, name, plan, leaves));
        }
    }
}
