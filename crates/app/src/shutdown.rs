//! Leaving, as one written order: not ready -> stop accepting -> paced Close -> deadline -> cut.

use std::time::Duration;

use switchyard_drain::Phase;
use switchyard_proto::session::Cause;
use tokio::time::{Instant, sleep_until, timeout};

use crate::compose::Gateway;
use crate::signals::{Stop, Stops};
use crate::systemd;

/// What the end takes beyond the deadline of the drain: the workers let go, the log is written.
const GRACE: Duration = Duration::from_secs(10);

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
pub(crate) async fn run(gateway: Gateway, mut stops: Stops) -> Ending {
    let stop = stops.recv().await;
    leave(gateway, stop, stops).await
}

/// Leaves in order.
pub(crate) async fn leave(mut gateway: Gateway, stop: Option<Stop>, mut stops: Stops) -> Ending {
    become_unready(&gateway, stop);
    let ready_delay = gateway.live.settings().config.drain.ready_delay;
    let cause = match timeout(ready_delay, stops.recv()).await {
        Ok(_) => Cause::Shutdown,
        Err(_) => drain(&mut gateway, &mut stops).await,
    };
    cut(gateway, cause).await
}

/// Leaves in order where another process accepts already: nobody has to notice first.
pub(crate) async fn retire(mut gateway: Gateway, mut stops: Stops) -> Ending {
    let cause = drain(&mut gateway, &mut stops).await;
    cut(gateway, cause).await
}

/// Not ready, still accepting: whoever sends clients here can notice first.
fn become_unready(gateway: &Gateway, stop: Option<Stop>) {
    let signal = stop.map_or("none", |Stop(signal)| signal);
    let settings = gateway.live.settings();
    let drain = &settings.config.drain;
    tracing::info!(
        signal,
        ready_delay_ms = millis(drain.ready_delay),
        "leaving"
    );
    gateway
        .manager
        .stopping(drain.ready_delay + drain.deadline + GRACE);
    gateway
        .manager
        .status(&"leaving: not ready, still accepting");
    gateway.control.advance(Phase::Leaving);
    gateway.drains.show();
}

/// Stops accepting and asks the sessions of all workers to go. Returns when all have gone, the deadline has come or another
/// request to stop has; and why those are cut that are left.
async fn drain(gateway: &mut Gateway, stops: &mut Stops) -> Cause {
    let sessions = gateway.workers.sessions();
    let deadline = gateway.live.settings().config.drain.deadline;
    tracing::info!(sessions, deadline_ms = millis(deadline), "draining");
    gateway.reloader.close_listeners().await;
    gateway.control.advance(Phase::Draining);
    gateway.drains.begin_own();
    let deadline = Instant::now() + deadline;
    tokio::select! {
        () = all_gone(gateway, sessions) => Cause::DrainDeadline,
        () = sleep_until(deadline) => Cause::DrainDeadline,
        _ = stops.recv() => Cause::Shutdown,
    }
}

/// Returns when every worker has ended, which is when its last session and request have. There were `of`
/// sessions when it began.
async fn all_gone(gateway: &mut Gateway, of: usize) {
    let registries = gateway.workers.registries().to_vec();
    tokio::select! {
        () = gateway.workers.ended() => {}
        () = gateway.drains.keep_showing() => {}
        () = systemd::report_drain(&gateway.manager, &registries, of) => {}
    }
}

/// Cuts what is left, which may be nothing, and waits for the workers.
async fn cut(mut gateway: Gateway, cause: Cause) -> Ending {
    let sessions = gateway.workers.sessions();
    gateway.workers.cut_sessions(cause);
    gateway.control.advance(Phase::Cut);
    gateway.drains.show();
    gateway.workers.ended().await;
    gateway.push.leave().await;
    gateway.drains.show();
    gateway
        .manager
        .status(&format_args!("stopped, sessions cut: {sessions}"));
    tracing::info!(sessions_cut = sessions, "stopped");
    match sessions {
        0 => Ending::InOrder,
        sessions => Ending::Cut { sessions },
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
