//! Passive health: an endpoint that fails in use is left out for a while (ejected).
//!
//! Failures are counted in a row and apart by kind, because a success of one kind says nothing of
//! another: an endpoint that takes every handshake and then ends every session badly is broken, too.
//! What a client does is never held against an endpoint.
//!
//! Not here: who asks whether an endpoint is ejected; see [`crate::ranking`].

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use switchyard_config as config;
use switchyard_telemetry::labels::Ejection;

/// An ejection lasts at most this many times the configured time.
const LONGEST: u32 = 10;

/// How a session ended, as far as its endpoint answers for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The endpoint ended it, with this Close code; 1006 where it sent none.
    ByEndpoint(u16),
    /// Somebody else did.
    ByOthers,
}

/// How a cluster's endpoints are judged, and how many of them are ejected now.
#[derive(Debug)]
pub(crate) struct Outliers {
    policy: config::Outlier,
    /// When those that are ejected come back.
    ejected: Mutex<Vec<Instant>>,
    /// How many may be ejected at once.
    most: AtomicUsize,
}

impl Outliers {
    /// Judges a cluster that has no endpoint yet.
    pub(crate) fn new(policy: config::Outlier) -> Self {
        Self {
            most: AtomicUsize::new(0),
            ejected: Mutex::default(),
            policy,
        }
    }

    /// The cluster has so many endpoints from now on.
    pub(crate) fn judge_among(&self, endpoints: usize) {
        let share = usize::try_from(self.policy.max_ejected).unwrap_or(usize::MAX);
        let most = endpoints.saturating_mul(share) / 100;
        self.most.store(most, Ordering::Relaxed);
    }

    /// Whether one more may be ejected until `until`; it counts then.
    fn admits(&self, now: Instant, until: Instant) -> bool {
        let mut ejected = self.ejected.lock().unwrap_or_else(PoisonError::into_inner);
        ejected.retain(|back| *back > now);
        let admits = ejected.len() < self.most.load(Ordering::Relaxed);
        if admits {
            ejected.push(until);
        }
        admits
    }
}

/// What is held against one endpoint.
#[derive(Debug)]
pub(crate) struct Record {
    outliers: ArcSwapOption<Outliers>,
    /// What the times below are counted from.
    epoch: Instant,
    /// Exchanges without an answer, in a row.
    unanswered: AtomicU32,
    /// Handshakes answered 5xx, in a row.
    refused: AtomicU32,
    /// Sessions that it ended badly, in a row.
    bad_ends: AtomicU32,
    /// When it comes back, in milliseconds; in the past when it is not ejected, 0 when it never was.
    back: AtomicU64,
    /// Ejections that followed one another closely.
    times: AtomicU32,
}

impl Record {
    /// A clean one; without `outliers` it stays that.
    pub(crate) fn new(outliers: Option<Arc<Outliers>>) -> Self {
        Self {
            outliers: ArcSwapOption::new(outliers),
            epoch: Instant::now(),
            unanswered: AtomicU32::new(0),
            refused: AtomicU32::new(0),
            bad_ends: AtomicU32::new(0),
            back: AtomicU64::new(0),
            times: AtomicU32::new(0),
        }
    }

    /// It is judged so from now on.
    pub(crate) fn judge_by(&self, outliers: Option<Arc<Outliers>>) {
        self.outliers.store(outliers);
    }

    /// Whether it is left out now.
    pub(crate) fn is_ejected(&self, now: Instant) -> bool {
        self.outliers.load().is_some() && self.back.load(Ordering::Relaxed) > self.millis(now)
    }

    /// When its last ejection ends or ended.
    pub(crate) fn back(&self) -> Option<Instant> {
        match self.back.load(Ordering::Relaxed) {
            0 => None,
            back => self.epoch.checked_add(Duration::from_millis(back)),
        }
    }

    /// It answered something.
    pub(crate) fn answered(&self) {
        self.unanswered.store(0, Ordering::Relaxed);
    }

    /// It took a handshake, or declined it for the client's sake.
    pub(crate) fn took_handshake(&self) {
        self.answered();
        self.refused.store(0, Ordering::Relaxed);
    }

    /// There was no answer, or none that makes sense.
    pub(crate) fn failed(&self) -> Option<(Ejection, Duration)> {
        self.strike(&self.unanswered, Ejection::Unanswered)
    }

    /// It answered a handshake with 5xx.
    pub(crate) fn refused(&self) -> Option<(Ejection, Duration)> {
        self.answered();
        self.strike(&self.refused, Ejection::Refused)
    }

    /// A session of it ended.
    pub(crate) fn ended(&self, end: End) -> Option<(Ejection, Duration)> {
        match end {
            End::ByEndpoint(code) if self.is_bad(code) => {
                self.strike(&self.bad_ends, Ejection::BadEnd)
            }
            End::ByEndpoint(_) => {
                self.bad_ends.store(0, Ordering::Relaxed);
                None
            }
            End::ByOthers => None,
        }
    }

    fn is_bad(&self, code: u16) -> bool {
        code == ABNORMAL
            || self
                .outliers
                .load()
                .as_ref()
                .is_some_and(|outliers| outliers.policy.close_codes.contains(&code))
    }

    /// Counts one more in a row, and ejects when that is one too many. What was ejected and why, for
    /// the record.
    fn strike(&self, row: &AtomicU32, kind: Ejection) -> Option<(Ejection, Duration)> {
        let outliers = self.outliers.load_full()?;
        let in_a_row = row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let now = Instant::now();
        if in_a_row < outliers.policy.consecutive_failures.get() || self.is_ejected(now) {
            return None;
        }
        let length = outliers.policy.eject_for;
        let times = self.next_time(now, length);
        let length = length.saturating_mul(times);
        let until = now.checked_add(length)?;
        if !outliers.admits(now, until) {
            return None;
        }
        for row in [&self.unanswered, &self.refused, &self.bad_ends] {
            row.store(0, Ordering::Relaxed);
        }
        self.times.store(times, Ordering::Relaxed);
        self.back.store(self.millis(until), Ordering::Relaxed);
        Some((kind, length))
    }

    /// How often it has been ejected, with this time, without having been good for a long while.
    fn next_time(&self, now: Instant, length: Duration) -> u32 {
        let forgiven = self.epoch
            + Duration::from_millis(self.back.load(Ordering::Relaxed))
            + length.saturating_mul(LONGEST);
        if now > forgiven {
            return 1;
        }
        let times = self.times.load(Ordering::Relaxed);
        times.saturating_add(1).min(LONGEST)
    }

    fn millis(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.epoch).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}

/// RFC 6455 section 7.4.1: the connection ended without a Close frame.
const ABNORMAL: u16 = 1006;

#[cfg(test)]
mod tests;
