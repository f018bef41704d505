//! Levels clusters: asks sessions that would be better off elsewhere to come again, a few a second.
//!
//! Not here: which sessions these are (`upstream`), and how one is asked (`relay`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_config::Rebalance;
use switchyard_proto::session::Cause;
use switchyard_proto::{Close, CloseCode};
use switchyard_relay::{Asking, DrainPlan, Handle, Registry, Tie, Walk};
use switchyard_upstream::{Cluster, Seat, Survey};

use crate::live::Live;

/// The shortest round: as many are asked as may be in this time.
const ROUND: Duration = Duration::from_secs(1);

/// The shortest time between two looks at a cluster that is level.
const REST: Duration = Duration::from_secs(5);

/// Looks take at most this part of one core: large clusters are looked at less often.
const LOOKING: u32 = 20;

/// What sessions are told: a restart of the service, to their clients (RFC 6455 section 7.4.2).
const CLOSE: (u16, &str) = (1012, "rebalance");

/// Levels `cluster` for ever.
pub(crate) async fn level(
    cluster: Arc<Cluster>,
    settings: Rebalance,
    registries: Vec<Registry>,
    live: Live,
) {
    let code = CloseCode::new(CLOSE.0);
    let close = Close::new(code, CLOSE.1).unwrap_or_else(|_| code.into());
    loop {
        let began = Instant::now();
        let (handles, survey) = survey(&cluster, &registries, settings.above);
        let pause = began.elapsed() * LOOKING;
        let better_off = handles.into_iter().zip(survey.reasons);
        let better_off: Vec<_> = better_off
            .filter_map(|(handle, reason)| reason.map(|_| handle))
            .collect();
        if better_off.is_empty() {
            tokio::time::sleep(REST.max(pause)).await;
            continue;
        }
        let over = ROUND.max(pause);
        let (all, round) = (better_off.len(), tokio::time::sleep(over));
        let asked = all.min(most(settings.sessions_per_second, over));
        tracing::info!(cluster = %cluster.name(), asked, left = all - asked, "rebalancing");
        cluster.rebalanced(asked);
        let plan = DrainPlan {
            over,
            close: close.clone(),
            ..live.plan()
        };
        let asking = Asking::first_of(asked, better_off, &plan, Cause::Rebalanced);
        asking.run(asking.pace(), || true).await;
        round.await;
    }
}

/// How many may be asked in a round.
fn most(per_second: u32, round: Duration) -> usize {
    let most = u128::from(per_second) * round.as_millis() / 1000;
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// The sessions of `cluster` that take part, and which of them would be better off elsewhere.
///
/// With many sessions and endpoints this takes a while: the runtime's thread is left to its other tasks.
pub(crate) fn survey(
    cluster: &Cluster,
    registries: &[Registry],
    above: u32,
) -> (Vec<Handle>, Survey) {
    tokio::task::block_in_place(|| {
        let (handles, seats): (Vec<_>, Vec<_>) = Walk::all(registries)
            .filter(|handle| handle.info().cluster == *cluster.name())
            .filter_map(|handle| seat(&handle).map(|seat| (handle, seat)))
            .unzip();
        let survey = cluster.survey(&seats, above);
        (handles, survey)
    })
}

/// Whoever has a cookie of the gateway's would come back to the same endpoint: it has no part in this.
fn seat(handle: &Handle) -> Option<Seat> {
    let info = handle.info();
    let affinity = match info.tie {
        Tie::Cookie => return None,
        Tie::Nothing => None,
        Tie::Value(bits) => Some(bits),
    };
    Some(Seat {
        endpoint: info.endpoint.clone(),
        affinity,
        is_going: handle.told().is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_round_asks_as_many_a_second() {
        assert_eq!(most(20, ROUND), 20);
        assert_eq!(most(20, Duration::from_secs(30)), 600);
        assert_eq!(most(1, Duration::from_millis(1500)), 1);
    }
}
