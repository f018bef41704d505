//! Serving, until the gateway is asked to stop or another process has taken its place.

use crate::compose::Gateway;
use crate::shutdown::{self, Ending};
use crate::signals::Stops;

use super::failure::Failure;
use super::give::{Given, give};
use super::requests::{Request, Requests};
use super::successor::Command;

/// Serves to the end. Upgrades that fail change nothing; who asks for one after the end has begun is told that
/// it has.
pub(crate) async fn serve(
    gateway: Gateway,
    mut stops: Stops,
    mut requests: Requests,
    command: &Command,
) -> Ending {
    loop {
        let request = tokio::select! {
            stop = stops.recv() => {
                drop(requests);
                return shutdown::leave(gateway, stop, stops).await;
            }
            request = requests.next() => request,
        };
        let given = tokio::select! {
            given = give(&gateway, command) => given,
            stop = stops.recv() => {
                drop(requests);
                failed(&gateway, request, &Failure::Stopped).await;
                return shutdown::leave(gateway, stop, stops).await;
            }
        };
        match given {
            Ok(given) => {
                drop(requests);
                return retire(gateway, given, request, stops).await;
            }
            Err(failure) => failed(&gateway, request, &failure).await,
        }
    }
}

/// Another process serves; what is left here goes at the pace of a drain.
async fn retire(gateway: Gateway, given: Given, request: Request, stops: Stops) -> Ending {
    let pid = given.process();
    gateway.manager.main_process(pid);
    tracing::info!(pid, sessions = given.sessions(), "handed over");
    let sessions = given.settle(&gateway).await;
    let left = gateway.workers.sessions();
    tracing::info!(pid, sessions, left, "upgraded");
    let own = std::process::id();
    let outcome = format!(
        "process {pid} has taken over with {sessions} sessions; {left} stay with process {own} until they end"
    );
    request.done(&outcome).await;
    shutdown::retire(gateway, stops).await
}

async fn failed(gateway: &Gateway, request: Request, failure: &Failure) {
    let reason = failure.reason();
    gateway.metrics.upgrade().failed(reason);
    tracing::error!(reason, error = %failure, "not upgraded, and going on");
    request.failed(&failure.to_string()).await;
}
