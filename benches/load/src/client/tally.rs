//! What became of a crowd that connected at once.

use std::time::{Duration, Instant};

use crate::report::Line;

pub(super) struct Tally {
    clients: usize,
    began: Instant,
    /// How long after the beginning each client had its session, in order.
    done: Vec<Duration>,
    /// Clients that have neither a session nor an attempt left.
    pub(super) without: usize,
    /// Attempts that were begun.
    pub(super) attempts: u64,
    /// Attempts that were over because their time was.
    pub(super) missed: u64,
    /// Attempts that the gateway ended.
    pub(super) refused: u64,
    /// Sessions that it ended.
    pub(super) lost: u64,
    /// TLS handshakes that resumed a session.
    resumed: u64,
}

impl Tally {
    /// It begins now.
    pub(super) fn new(clients: usize) -> Self {
        Self {
            clients,
            began: Instant::now(),
            done: Vec::with_capacity(clients),
            without: 0,
            attempts: 0,
            missed: 0,
            refused: 0,
            lost: 0,
            resumed: 0,
        }
    }

    /// One more client has its session.
    pub(super) fn arrived(&mut self, is_resumed: bool) {
        self.done.push(self.began.elapsed());
        self.resumed += u64::from(is_resumed);
    }

    /// Whether each client has a session or has given up.
    pub(super) fn is_over(&self) -> bool {
        self.done.len() + self.without >= self.clients
    }

    /// The line of results.
    pub(super) fn result(&self) -> Line {
        Line::new("result")
            .number("clients", self.clients)
            .number("messages", self.done.len())
            .number("attempts", self.attempts)
            .number("missed", self.missed)
            .number("refused", self.refused)
            .number("lost", self.lost)
            .number("resumed", self.resumed)
            .number("wall_s", self.began.elapsed().as_secs_f64())
            .list("percent_s", percents(&self.done, self.clients))
    }
}

/// When one percent of the clients had a session, when two had, and so on, in seconds. As many as that
/// happened to. `done` is in order.
fn percents(done: &[Duration], clients: usize) -> impl Iterator<Item = f64> {
    let percents = (1..=100).map(move |percent| (percent * clients).div_ceil(100).max(1));
    percents.map_while(|count| done.get(count - 1).map(Duration::as_secs_f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_end_where_the_clients_end() {
        let done: Vec<Duration> = (1..=150).map(Duration::from_secs).collect();
        let found: Vec<f64> = percents(&done, 200).collect();
        assert_eq!(found.len(), 75);
        assert_eq!((found[0], found[74]), (2.0, 150.0));
        let few: Vec<f64> = percents(&done[..3], 3).collect();
        assert_eq!(
            (few.len(), few[0], few[32], few[33], few[99]),
            (100, 1.0, 1.0, 2.0, 3.0)
        );
    }
}
