//! Answers in a row: how many it takes to change one's mind.

use std::num::NonZeroU32;

use switchyard_telemetry::labels::ProbeResult;

/// What a row of answers has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The endpoint is healthy from now on.
    Up,
    /// It is unhealthy.
    Down,
}

/// The answers of one endpoint.
#[derive(Debug)]
pub(super) struct Row {
    unhealthy_after: u32,
    healthy_after: u32,
    verdict: Option<Turn>,
    /// How many in a row say otherwise.
    against: u32,
}

impl Row {
    /// So many bad answers turn it down, so many good ones up.
    pub(super) fn new(unhealthy_after: NonZeroU32, healthy_after: NonZeroU32) -> Self {
        Self {
            unhealthy_after: unhealthy_after.get(),
            healthy_after: healthy_after.get(),
            verdict: None,
            against: 0,
        }
    }

    /// One more; what it changes. The first decides alone.
    pub(super) fn add(&mut self, result: ProbeResult) -> Option<Turn> {
        let (says, needed) = match result {
            ProbeResult::Ok => (Turn::Up, self.healthy_after),
            ProbeResult::Connect
            | ProbeResult::Timeout
            | ProbeResult::Tls
            | ProbeResult::Closed
            | ProbeResult::Status
            | ProbeResult::Handshake
            | ProbeResult::Pong => (Turn::Down, self.unhealthy_after),
        };
        if self.verdict == Some(says) {
            self.against = 0;
            return None;
        }
        self.against = self.against.saturating_add(1);
        if self.verdict.is_some() && self.against < needed {
            return None;
        }
        self.against = 0;
        self.verdict = Some(says);
        Some(says)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(answers: &str) -> Vec<(usize, Turn)> {
        let after = |number| NonZeroU32::new(number).unwrap();
        let mut row = Row::new(after(3), after(2));
        let add = |answer| {
            row.add(match answer {
                '+' => ProbeResult::Ok,
                _ => ProbeResult::Timeout,
            })
        };
        let all = answers.chars().map(add).enumerate();
        all.filter_map(|(at, turn)| Some((at, turn?))).collect()
    }

    #[test]
    fn the_first_answer_decides() {
        assert_eq!(turns("+"), [(0, Turn::Up)]);
        assert_eq!(turns("-"), [(0, Turn::Down)]);
    }

    #[test]
    fn later_it_takes_several_in_a_row() {
        assert_eq!(turns("+--+--"), [(0, Turn::Up)]);
        assert_eq!(turns("+---"), [(0, Turn::Up), (3, Turn::Down)]);
        assert_eq!(turns("-+-+-"), [(0, Turn::Down)]);
        assert_eq!(turns("-++"), [(0, Turn::Down), (2, Turn::Up)]);
        assert_eq!(
            turns("+---++---"),
            [
                (0, Turn::Up),
                (3, Turn::Down),
                (5, Turn::Up),
                (8, Turn::Down)
            ]
        );
    }
}
