//! Sessions that have been open for a while are asked now and then how they stand.
//!
//! Nobody but the session's own task knows, so it is asked through its mailbox. Nothing is kept for this, and
//! no session has a timer for it: whose time has come is seen from when it opened.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::figures::Figures;
use crate::handle::Handle;
use crate::registry::Registry;
use crate::session_info::SessionInfo;
use crate::walk::Walk;

/// Sessions that are looked at before others may run.
const AT_ONCE: usize = 512;

/// What a session does with how it stands, in its own task.
pub type Report = Arc<dyn Fn(&SessionInfo, &Figures) + Send + Sync>;

/// Asks each session of `registries` that became as old as `every`, or as a multiple of it, after `since`
/// and until `now`.
pub async fn ask_each(
    registries: &[Registry],
    every: Duration,
    since: Instant,
    now: Instant,
    report: &Report,
) {
    let is_due = |handle: &Handle| {
        let opened = handle.info().opened;
        turns(opened, every, now) > turns(opened, every, since)
    };
    for (count, handle) in Walk::all(registries).enumerate() {
        if is_due(&handle) {
            handle.ask(Report::clone(report));
        }
        if count % AT_ONCE == AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
    }
}

/// How often `every` has gone by since a session opened.
fn turns(opened: Instant, every: Duration, now: Instant) -> u128 {
    let age = now.saturating_duration_since(opened).as_nanos();
    age.checked_div(every.as_nanos()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use switchyard_proto::Side;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::SessionId;
    use crate::testing::{World, leg, tcp, text};

    const EVERY: Duration = Duration::from_mins(5);

    type Reports = Arc<Mutex<Vec<(SessionId, Figures)>>>;

    fn reports() -> (Reports, Report) {
        let reports = Reports::default();
        let all = Arc::clone(&reports);
        let report: Report = Arc::new(move |info, figures| {
            all.lock().expect("not poisoned").push((info.id, *figures));
        });
        (reports, report)
    }

    /// How many of a worker's sessions are asked between two moments.
    async fn asked(world: &World, since: Instant, now: Instant) -> usize {
        let (_, report) = reports();
        let registries = std::slice::from_ref(&world.registry);
        ask_each(registries, EVERY, since, now, &report).await;
        let asked = |handle: &Handle| handle.take_post().report.is_some();
        world
            .registry
            .handles()
            .iter()
            .filter(|it| asked(it))
            .count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_asked_once_each_time() {
        let world = World::new();
        let _ticket = world.registry.open(crate::testing::info());
        let opened = crate::now();
        let mut since = opened;
        let mut asked_at = Vec::new();
        for second in (0..=903).step_by(7) {
            let now = opened + Duration::from_secs(second);
            if asked(&world, since, now).await == 1 {
                asked_at.push(second);
            }
            since = now;
        }
        assert_eq!(asked_at, [301, 602, 903]);
    }

    #[tokio::test(start_paused = true)]
    async fn all_of_many_are_asked() {
        let world = World::new();
        let tickets: Vec<_> = (0..=3 * AT_ONCE)
            .map(|_| world.registry.open(crate::testing::info()))
            .collect();
        let now = crate::now();
        assert_eq!(asked(&world, now, now + EVERY).await, tickets.len());
        assert_eq!(asked(&world, now + EVERY, now + EVERY).await, 0);
    }

    #[tokio::test]
    async fn a_session_says_what_it_has_moved() {
        let world = World::new();
        let ((mut client, down), (_server, up)) = (tcp().await, tcp().await);
        let sent = text(Side::Downstream, "hello");
        world.spawn(leg(down), leg(up));
        client.write_all(&sent).await.expect("it is open");
        let (reports, report) = reports();
        let figures = loop {
            for handle in world.registry.handles() {
                handle.ask(Report::clone(&report));
            }
            tokio::task::yield_now().await;
            let last = reports.lock().expect("not poisoned").pop();
            if let Some((_, figures)) = last
                && figures.from_downstream.messages == 1
            {
                break figures;
            }
        };
        assert_eq!(figures.from_downstream.bytes, sent.len() as u64);
        assert_eq!(figures.from_upstream.messages, 0);
    }
}
