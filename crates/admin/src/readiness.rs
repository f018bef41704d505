//! `/readyz`: whether the gateway takes new sessions, and why not.

use std::time::{Duration, Instant};

use switchyard_bus::Status;
use switchyard_drain::Phase;

/// Why it is not ready; `None`: it is.
pub(crate) fn obstacle(
    phase: Phase,
    is_drained: bool,
    is_discovered: bool,
    bus: Status,
    unready_after: Option<Duration>,
    now: Instant,
) -> Option<&'static str> {
    match phase {
        Phase::Leaving => Some("leaving"),
        Phase::Draining => Some("draining"),
        Phase::Cut => Some("stopped"),
        Phase::Serving if is_drained => Some("draining"),
        Phase::Serving if !is_discovered => Some("discovery"),
        Phase::Serving => match (bus, unready_after) {
            (Status::Gone(since), Some(after)) => {
                (now.saturating_duration_since(since) > after).then_some("bus")
            }
            (Status::Gone(_) | Status::Connected, _) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_that_is_gone_for_too_long_is_an_obstacle() {
        let (since, after) = (Instant::now(), Duration::from_secs(5));
        let gone = Status::Gone(since);
        let obstacle = |phase, bus, unready_after, seconds| {
            let now = since + Duration::from_secs(seconds);
            obstacle(phase, false, true, bus, unready_after, now)
        };
        let serving = Phase::Serving;
        assert_eq!(obstacle(serving, gone, Some(after), 5), None);
        assert_eq!(obstacle(serving, gone, Some(after), 6), Some("bus"));
        assert_eq!(obstacle(serving, gone, None, 60), None);
        assert_eq!(obstacle(serving, Status::Connected, Some(after), 60), None);
        assert_eq!(
            obstacle(Phase::Leaving, gone, Some(after), 60),
            Some("leaving")
        );
    }

    #[test]
    fn whoever_leaves_says_so() {
        let obstacle = |phase, is_drained| {
            obstacle(
                phase,
                is_drained,
                true,
                Status::Connected,
                None,
                Instant::now(),
            )
        };
        assert_eq!(obstacle(Phase::Serving, false), None);
        assert_eq!(obstacle(Phase::Serving, true), Some("draining"));
        assert_eq!(obstacle(Phase::Draining, false), Some("draining"));
        assert_eq!(obstacle(Phase::Cut, false), Some("stopped"));
    }

    #[test]
    fn a_process_that_does_not_know_its_clusters_takes_nobody_and_may_still_leave() {
        let obstacle = |phase, is_drained| {
            let now = Instant::now();
            obstacle(phase, is_drained, false, Status::Connected, None, now)
        };
        assert_eq!(obstacle(Phase::Serving, false), Some("discovery"));
        assert_eq!(obstacle(Phase::Serving, true), Some("draining"));
        assert_eq!(obstacle(Phase::Leaving, false), Some("leaving"));
    }
}
