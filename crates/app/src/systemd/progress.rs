//! The line that people see in `systemctl status`.

use std::time::Duration;

use switchyard_drain::{Phase, Watch};
use switchyard_relay::Registry;
use tokio::time::interval;

use super::Manager;
use crate::first_answers::FirstAnswers;

/// How often the line is brought up to date while the gateway serves.
const EVERY: Duration = Duration::from_secs(5);

/// And while it drains.
const DRAINING: Duration = Duration::from_millis(250);

/// Says which clusters are waited for, and then how many sessions there are, when that has changed, until the
/// gateway leaves.
pub(crate) async fn report(
    manager: Manager,
    registries: Vec<Registry>,
    first_answers: FirstAnswers,
    watch: Watch,
) {
    let serving = async {
        if !first_answers.are_given() {
            manager.status(&format_args!(
                "not ready: discovery of {}",
                first_answers.missing()
            ));
            first_answers.given().await;
        }
        say(&registries, EVERY, |sessions| {
            manager.status(&format_args!("serving, sessions: {sessions}"));
        })
        .await;
    };
    tokio::select! {
        () = serving => {}
        () = watch.reached(Phase::Leaving) => {}
    }
}

/// Says how many sessions are left of those that there were when the drain began, for ever.
pub(crate) async fn report_drain(manager: &Manager, registries: &[Registry], of: usize) {
    say(registries, DRAINING, |left| {
        manager.status(&format_args!("draining: {left} of {of} sessions left"));
    })
    .await;
}

/// Has the number of sessions told whenever it has changed, for ever.
async fn say(registries: &[Registry], every: Duration, tell: impl Fn(usize)) {
    let mut turns = interval(every);
    let mut said = None;
    loop {
        turns.tick().await;
        let sessions = registries.iter().map(Registry::len).sum();
        if said != Some(sessions) {
            tell(sessions);
            said = Some(sessions);
        }
    }
}
