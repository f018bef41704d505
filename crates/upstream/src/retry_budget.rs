//! A cluster's retry budget: retries are a share of the requests, so that they cannot double the load
//! of endpoints that fail under it.
//!
//! A few a second are always allowed: in a cluster with few requests a share of them is nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Retries a second that need no requests to pay for them.
const FREE_A_SECOND: u64 = 10;

/// The most retries that are saved up.
const SAVINGS: u64 = 100;

/// One retry, in the unit of the account: a hundredth, so that a request pays its percentage.
const RETRY: u64 = 100;

/// What a cluster may spend on retries.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    /// Percent of the requests. `None`: no limit.
    percent: Option<u32>,
    requests: AtomicU64,
    account: Mutex<Account>,
}

/// Looked at for a retry only.
#[derive(Debug)]
struct Account {
    hundredths: u64,
    /// Requests that have paid.
    paid: u64,
    /// The time that has been paid for.
    until: Instant,
}

impl RetryBudget {
    /// Nothing has been spent.
    pub(crate) fn new(percent: Option<u32>, now: Instant) -> Self {
        Self {
            percent,
            requests: AtomicU64::new(0),
            account: Mutex::new(Account {
                hundredths: SAVINGS * RETRY,
                paid: 0,
                until: now,
            }),
        }
    }

    /// A request came: it pays its share.
    pub(crate) fn earn(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Spends one retry, and says whether there was one left.
    pub(crate) fn spend(&self, now: Instant) -> bool {
        let Some(percent) = self.percent else {
            return true;
        };
        let requests = self.requests.load(Ordering::Relaxed);
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.receive(requests, percent.into(), now);
        let rest = account.hundredths.checked_sub(RETRY);
        account.hundredths = rest.unwrap_or(account.hundredths);
        rest.is_some()
    }
}

impl Account {
    fn receive(&mut self, requests: u64, percent: u64, now: Instant) {
        let earned = requests.saturating_sub(self.paid).saturating_mul(percent);
        let millis = now.saturating_duration_since(self.until).as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        let free = millis.saturating_mul(FREE_A_SECOND * RETRY) / 1000;
        let sum = self.hundredths.saturating_add(earned).saturating_add(free);
        *self = Self {
            hundredths: sum.min(SAVINGS * RETRY),
            paid: requests.max(self.paid),
            // Not `now`: what is less than a millisecond is not lost.
            until: self.until + Duration::from_millis(millis),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spend_all(budget: &RetryBudget, now: Instant) -> u64 {
        (0..1_000_000).take_while(|_| budget.spend(now)).count() as u64
    }

    #[test]
    fn what_was_saved_is_spent_and_then_a_share_of_the_requests() {
        let start = Instant::now();
        let budget = RetryBudget::new(Some(20), start);
        assert_eq!(spend_all(&budget, start), SAVINGS);
        for _ in 0..100 {
            budget.earn();
        }
        assert_eq!(spend_all(&budget, start), 20);
        budget.earn();
        assert!(!budget.spend(start), "a fifth of one");
    }

    #[test]
    fn a_failing_cluster_gets_no_more_than_the_share() {
        let start = Instant::now();
        let budget = RetryBudget::new(Some(20), start);
        let mut retries = 0;
        for _ in 0..10_000 {
            budget.earn();
            retries += u64::from(budget.spend(start));
        }
        // The first found the savings full.
        assert_eq!(retries, SAVINGS + 1_999);
    }

    #[test]
    fn a_few_a_second_are_free_and_no_more_than_the_savings_are_kept() {
        let start = Instant::now();
        let budget = RetryBudget::new(Some(1), start);
        spend_all(&budget, start);
        let later = start + Duration::from_secs(1);
        assert_eq!(spend_all(&budget, later), FREE_A_SECOND);
        let in_parts = (1..=1_000).map(|half| later + Duration::from_micros(500) * half);
        let spent: u64 = in_parts.map(|now| u64::from(budget.spend(now))).sum();
        assert_eq!(spent, 5);
        assert_eq!(spend_all(&budget, start + Duration::from_hours(1)), SAVINGS);
    }

    #[test]
    fn without_a_share_there_is_no_limit() {
        let budget = RetryBudget::new(None, Instant::now());
        assert!((0..1_000).all(|_| budget.spend(Instant::now())));
    }
}
