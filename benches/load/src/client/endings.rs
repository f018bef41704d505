//! How sessions ended that were open when their gateway was asked to go, and when.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::report::Line;

/// What stands for a Close without a code (RFC 6455 section 7.1.5).
pub(super) const NO_CODE: u16 = 1005;

pub(super) struct Endings {
    sessions: usize,
    began: Instant,
    /// How long after the beginning each ended, in order: its Close came, or without one its connection ended.
    at: Vec<Duration>,
    /// Those that were told by a Close, by its code.
    told: BTreeMap<u16, u64>,
    /// Those whose stream was ended without a Close.
    ended: u64,
    /// Those whose connection broke without a Close.
    reset: u64,
}

impl Endings {
    /// Of so many sessions. It begins now.
    pub(super) fn of(sessions: usize) -> Self {
        Self {
            sessions,
            began: Instant::now(),
            at: Vec::with_capacity(sessions),
            told: BTreeMap::new(),
            ended: 0,
            reset: 0,
        }
    }

    /// One was told to go.
    pub(super) fn told(&mut self, code: u16) {
        self.at.push(self.began.elapsed());
        *self.told.entry(code).or_default() += 1;
    }

    /// One was cut without a word.
    pub(super) fn cut(&mut self, is_reset: bool) {
        self.at.push(self.began.elapsed());
        if is_reset {
            self.reset += 1;
        } else {
            self.ended += 1;
        }
    }

    /// The line of results.
    pub(super) fn result(&self) -> Line {
        let seconds = |at: Option<&Duration>| at.copied().unwrap_or_default().as_secs_f64();
        Line::new("result")
            .number("sessions", self.sessions)
            .number("left", self.sessions - self.at.len())
            .counts("codes", &self.told)
            .number("ended", self.ended)
            .number("reset", self.reset)
            .number("first_s", seconds(self.at.first()))
            .number("last_s", seconds(self.at.last()))
            .number("most_in_a_second", most_within(&self.at, SECOND))
            .list("closes_a_second", a_second(&self.at).into_iter())
            .number("wall_s", self.began.elapsed().as_secs_f64())
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// How many there were in the first second, in the next, and so on to the last. `at` is in order.
fn a_second(at: &[Duration]) -> Vec<usize> {
    let mut counts = Vec::new();
    let mut rest = at;
    while !rest.is_empty() {
        let end = SECOND * u32::try_from(counts.len() + 1).unwrap_or(u32::MAX);
        let (now, later) = rest.split_at(rest.partition_point(|at| *at < end));
        counts.push(now.len());
        rest = later;
    }
    counts
}

/// The most that there were within `span`, wherever it begins. `at` is in order.
fn most_within(at: &[Duration], span: Duration) -> usize {
    let from = |index: usize| at.get(index..).unwrap_or_default();
    let within = |(index, first): (usize, &Duration)| {
        from(index).partition_point(|later| *later < *first + span)
    };
    at.iter().enumerate().map(within).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Endings {
        pub(in crate::client) fn count(&self) -> usize {
            self.at.len()
        }

        pub(in crate::client) fn cuts(&self) -> u64 {
            self.ended + self.reset
        }

        pub(in crate::client) fn with_code(&self, code: u16) -> u64 {
            self.told.get(&code).copied().unwrap_or(0)
        }
    }

    fn at(millis: &[u64]) -> Vec<Duration> {
        millis.iter().copied().map(Duration::from_millis).collect()
    }

    #[test]
    fn seconds_in_which_nothing_happened_are_there() {
        assert_eq!(a_second(&at(&[0, 999, 1000, 3500, 3500])), [2, 1, 0, 2]);
        assert_eq!(a_second(&[]), [0; 0]);
    }

    #[test]
    fn the_busiest_second_begins_anywhere() {
        assert_eq!(most_within(&at(&[0, 900, 1100, 1899, 1900]), SECOND), 3);
        assert_eq!(most_within(&[], SECOND), 0);
    }

    #[test]
    fn the_line_says_how_many_are_left() {
        let mut endings = Endings::of(4);
        endings.told(1012);
        endings.told(1012);
        endings.cut(true);
        let line = format!("{:?}", endings.result());
        for part in [
            r#""left\":1"#,
            r#""codes\":{\"1012\":2}"#,
            r#"reset\":1"#,
            r#"ended\":0"#,
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
}
