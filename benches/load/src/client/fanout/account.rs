//! What has come of the messages of a run.

use std::time::Duration;

use super::ledger::Came;
use crate::histogram::Histogram;
use crate::report::Line;

pub(super) struct Account {
    /// How many sessions are to hear each.
    hearers: usize,
    /// How many have heard it, for each message.
    heard: Vec<usize>,
    delivered: u64,
    repeated: u64,
    disordered: u64,
    /// From when a message was due to when a session had it.
    lag: Histogram,
    /// The same to when the last session had it.
    last: Histogram,
}

impl Account {
    pub(super) fn new(messages: u64, hearers: usize) -> Self {
        Self {
            hearers,
            heard: vec![0; usize::try_from(messages).unwrap_or(usize::MAX)],
            delivered: 0,
            repeated: 0,
            disordered: 0,
            lag: Histogram::new(),
            last: Histogram::new(),
        }
    }

    /// A session had a message, so long after it was due.
    pub(super) fn delivered(&mut self, number: u64, came: Came, lag: Duration) {
        if came == Came::Again {
            self.repeated += 1;
            return;
        }
        self.disordered += u64::from(came == Came::Late);
        self.delivered += 1;
        self.lag.record(lag);
        let heard = usize::try_from(number)
            .ok()
            .and_then(|number| self.heard.get_mut(number));
        if let Some(heard) = heard {
            *heard += 1;
            if *heard == self.hearers {
                self.last.record(lag);
            }
        }
    }

    /// Whether everybody had everything.
    pub(super) fn is_complete(&self) -> bool {
        self.missed() == 0
    }

    fn missed(&self) -> u64 {
        let expected = self.heard.len() as u64 * self.hearers as u64;
        expected.saturating_sub(self.delivered)
    }

    /// Adds it to a line of results.
    pub(super) fn describe(&self, line: Line) -> Line {
        line.number("messages", self.delivered)
            .number("missed", self.missed())
            .number("repeated", self.repeated)
            .number("disordered", self.disordered)
            .latency(&self.lag)
            .number("last_p50_us", self.last.micros(0.5))
            .number("last_max_us", self.last.longest_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_was_not_delivered() {
        let mut account = Account::new(2, 2);
        let mut deliver = |number, came, millis| {
            account.delivered(number, came, Duration::from_millis(millis));
            account.is_complete()
        };
        assert!(!deliver(0, Came::InOrder, 1));
        assert!(!deliver(1, Came::InOrder, 2));
        assert!(!deliver(1, Came::Again, 9));
        assert!(!deliver(0, Came::Late, 4));
        let line = format!("{:?}", account.describe(Line::new("result")));
        for part in [
            r#""messages\":3,"#,
            r#""missed\":1,"#,
            r#""repeated\":1,"#,
            r#""disordered\":1,"#,
            r#""max_us\":4000,"#,
            r#""last_max_us\":4000"#,
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        account.delivered(1, Came::InOrder, Duration::from_millis(3));
        assert!(account.is_complete());
    }
}
