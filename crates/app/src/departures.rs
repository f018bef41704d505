//! Sees off the sessions of endpoints that leave.

use switchyard_upstream::Departure;
use tokio::sync::mpsc;

use crate::drains::Drains;

/// Asks the sessions of every endpoint that `told` names to go.
pub(crate) async fn see_off(mut told: mpsc::Receiver<Departure>, drains: Drains) {
    while let Some(departure) = told.recv().await {
        drains.part(departure);
    }
}
