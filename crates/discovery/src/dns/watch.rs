//! What is told of the answers: changes and failures.
//!
//! Knows nothing of DNS: whatever gives an [`Answer`] can be watched.

use std::time::Duration;

use crate::dns::pace::{Pace, spread};
use crate::error::Error;
use crate::found::{Found, Update, Updates};

/// What a lookup found.
#[derive(Debug)]
pub(super) struct Answer {
    /// At least one, in the order of their addresses, each address once.
    pub(super) members: Vec<Found>,
    /// How long all of it is valid.
    pub(super) ttl: Duration,
    /// Why some members are missing.
    pub(super) missing: Vec<Error>,
}

/// Asks, tells and waits, again and again, until nobody listens.
pub(super) async fn watch<Asked>(ask: impl Fn() -> Asked, mut pace: Pace, updates: &Updates)
where
    Asked: Future<Output = Result<Answer, Error>>,
{
    let mut told = Vec::new();
    loop {
        let (news, wait) = match ask().await {
            Ok(answer) => after(answer, &mut told, &mut pace),
            Err(error) => (vec![Update::Failed(error)], pace.after_failure()),
        };
        for update in news {
            if updates.send(update).await.is_err() {
                return;
            }
        }
        // Without randomness replicas keep step, and all else works.
        let chance = getrandom::u32().unwrap_or_default();
        tokio::time::sleep(spread(wait, chance)).await;
    }
}

/// What there is to tell of an answer, and how long it holds.
fn after(answer: Answer, told: &mut Vec<Found>, pace: &mut Pace) -> (Vec<Update>, Duration) {
    let wait = if answer.missing.is_empty() {
        pace.after_answer(answer.ttl)
    } else {
        pace.after_part(answer.ttl)
    };
    let mut news = Vec::new();
    if answer.members != *told {
        told.clone_from(&answer.members);
        news.push(Update::Members(answer.members));
    }
    news.extend(answer.missing.into_iter().map(Update::Failed));
    (news, wait)
}

#[cfg(test)]
mod tests;
