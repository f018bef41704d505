//! Leaving, as one written order: not ready -> stop accepting -> paced Close -> deadline -> cut.

use std::time::Duration;

use switchyard_drain::Phase;
use switchyard_proto::session::Cause;
use switchyard_telemetry::labels::DrainState;
use tokio::time::{Instant, interval, sleep_until, timeout};

use crate::compose::Gateway;
use crate::signals::{Stop, Stops};

/// How often the number of sessions left is brought up to date while draining.
const PROGRESS: Duration = Duration::from_millis(250);

/// How a gateway came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every session was gone before the deadline.
    InOrder,
    /// Sessions were cut at the deadline or by a second request to stop.
    Cut {
        /// How many.
        sessions: usize,
    },
}

/// Serves until the first request to stop, then leaves.
pub(crate) async fn run(mut gateway: Gateway, mut stops: Stops) -> Ending {
    let stop = stops.recv().await;
    leave(&gateway, stop);
    let ready_delay = gateway.live.settings().config.drain.ready_delay;
    let cause = match timeout(ready_delay, stops.recv()).await {
        Ok(_) => Cause::Shutdown,
        Err(_) => drain(&mut gateway, &mut stops).await,
    };
    cut(gateway, cause).await
}

/// Not ready, still accepting: whoever sends clients here can notice first.
fn leave(gateway: &Gateway, stop: Option<Stop>) {
    let signal = stop.map_or("none", |Stop(signal)| signal);
    tracing::info!(
        signal,
        ready_delay_ms = millis(gateway.live.settings().config.drain.ready_delay),
        "leaving"
    );
    gateway.metrics.drain().state(DrainState::Leaving);
    gateway.control.advance(Phase::Leaving);
}

/// Stops accepting and has each worker ask its sessions to go. Returns when all have gone, the deadline has come or another
/// request to stop has; and why those are cut that are left.
async fn drain(gateway: &mut Gateway, stops: &mut Stops) -> Cause {
    let sessions = gateway.workers.sessions();
    let deadline = gateway.live.settings().config.drain.deadline;
    tracing::info!(sessions, deadline_ms = millis(deadline), "draining");
    gateway.metrics.drain().state(DrainState::Draining);
    gateway.reloader.close_listeners().await;
    gateway.control.advance(Phase::Draining);
    let deadline = Instant::now() + deadline;
    tokio::select! {
        () = all_gone(gateway) => Cause::DrainDeadline,
        () = sleep_until(deadline) => Cause::DrainDeadline,
        _ = stops.recv() => Cause::Shutdown,
    }
}

/// Returns when every worker has ended, which is when its last session and request have.
async fn all_gone(gateway: &mut Gateway) {
    let mut progress = interval(PROGRESS);
    loop {
        tokio::select! {
            () = gateway.workers.ended() => return,
            _ = progress.tick() => {
                gateway.metrics.drain().sessions_left(gateway.workers.sessions());
            }
        }
    }
}

/// Cuts what is left, which may be nothing, and waits for the workers.
async fn cut(mut gateway: Gateway, cause: Cause) -> Ending {
    let sessions = gateway.workers.sessions();
    gateway.workers.cut_sessions(cause);
    gateway.metrics.drain().state(DrainState::Cut);
    gateway.control.advance(Phase::Cut);
    gateway.workers.ended().await;
    gateway.metrics.drain().sessions_left(0);
    tracing::info!(sessions_cut = sessions, "stopped");
    match sessions {
        0 => Ending::InOrder,
        sessions => Ending::Cut { sessions },
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
