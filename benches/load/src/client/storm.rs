//! Everybody connects at once, as after a gateway was restarted: who has a session how soon?
//!
//! A client that has none when its deadline is over hangs up, and so does one whose connection is
//! refused; it tries again after a pause, as long as it has attempts left. Who has a session keeps it.
//! Not here: one attempt (`arrival`).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use slab::Slab;

use super::arrival::{Arrival, Progress};
use super::tally::Tally;
use super::target::Target;
use super::{PATIENCE, READ, Storm};
use crate::poll::{Interest, Poll, Ready};
use crate::report::{Gate, Line};
use crate::tls::Tickets;

/// Clients that connect before those that have are looked after.
const BETWEEN_LOOKS: usize = 64;

pub(super) fn run(
    mut target: Target,
    storm: Storm,
    tickets: Option<&Tickets>,
    gate: Gate,
) -> Result<()> {
    if let Some(tickets) = tickets {
        collect(&mut target, storm.clients * storm.attempts, tickets)?;
    }
    gate.pass(Line::new("ready"))?;
    let mut crowd = Crowd::new(target, storm)?;
    crowd.come()?;
    crowd.tally.result().print()?;
    gate.pass(Line::new("held"))
}

/// Opens sessions until there is a ticket for each attempt.
fn collect(target: &mut Target, count: usize, tickets: &Tickets) -> Result<()> {
    let mut before = 0;
    while before < count {
        target.open()?;
        let now = tickets.count();
        ensure!(now > before, "the gateway gives no tickets");
        before = now;
    }
    tickets.give_out();
    Ok(())
}

/// All clients, and what has become of them.
struct Crowd {
    target: Target,
    storm: Storm,
    poll: Poll,
    ready: Vec<Ready>,
    buffer: Vec<u8>,
    arrivals: Slab<Attempt>,
    /// When each attempt is given up, in order.
    deadlines: VecDeque<(Instant, u64, usize)>,
    /// Who comes again, and when, in order; with the attempts that are left after that.
    pauses: VecDeque<(Instant, usize)>,
    tally: Tally,
}

/// One try of one client.
struct Attempt {
    arrival: Arrival,
    number: u64,
    /// How many there are after this one.
    left: usize,
}

impl Crowd {
    fn new(target: Target, storm: Storm) -> Result<Self> {
        ensure!(storm.attempts > 0, "no attempts");
        Ok(Self {
            target,
            poll: Poll::new()?,
            ready: Vec::new(),
            buffer: vec![0; READ],
            arrivals: Slab::with_capacity(storm.clients),
            deadlines: VecDeque::with_capacity(storm.clients),
            pauses: VecDeque::new(),
            tally: Tally::new(storm.clients),
            storm,
        })
    }

    /// Until each client has a session or has given up.
    fn come(&mut self) -> Result<()> {
        for number in 1..=self.storm.clients {
            self.begin(self.storm.attempts - 1)?;
            if number.is_multiple_of(BETWEEN_LOOKS) {
                self.look(Duration::ZERO)?;
            }
        }
        while !self.tally.is_over() {
            let now = Instant::now();
            let until = |due: Option<Instant>| {
                due.map_or(PATIENCE, |due| due.saturating_duration_since(now))
            };
            let deadline = until(self.deadlines.front().map(|(due, ..)| *due));
            let pause = until(self.pauses.front().map(|(due, _)| *due));
            self.look(deadline.min(pause))?;
        }
        Ok(())
    }

    /// Waits for events, takes everyone further, and then looks whose time is over. What has come in
    /// time has come in time, also when the load is late to see it.
    fn look(&mut self, timeout: Duration) -> Result<()> {
        let mut ready = std::mem::take(&mut self.ready);
        self.poll.wait(&mut ready, Some(timeout))?;
        let mut again = Vec::new();
        for event in &ready {
            let key = usize::try_from(event.token)?;
            if let Some(left) = self.go_on(key)? {
                again.push(left);
            }
        }
        self.ready = ready;
        // After the batch, so that no token changes hands within it.
        for left in again {
            self.fail(left);
        }
        self.give_up();
        self.come_again()
    }

    fn begin(&mut self, left: usize) -> Result<()> {
        self.tally.attempts += 1;
        let wire = self.target.begin()?;
        let entry = self.arrivals.vacant_entry();
        self.poll.add(&wire, entry.key() as u64, Interest::Write)?;
        self.deadlines.push_back((
            Instant::now() + self.storm.deadline(),
            self.tally.attempts,
            entry.key(),
        ));
        entry.insert(Attempt {
            arrival: Arrival::new(wire),
            number: self.tally.attempts,
            left,
        });
        Ok(())
    }

    /// Takes an attempt further; if it failed, says how many are left to this client.
    fn go_on(&mut self, key: usize) -> Result<Option<usize>> {
        let Some(attempt) = self.arrivals.get_mut(key) else {
            return Ok(None);
        };
        let arrival = &mut attempt.arrival;
        let before = arrival.interest();
        match arrival.go_on(self.target.request(), &mut self.buffer) {
            Progress::UnderWay => {}
            Progress::Arrived => {
                self.tally.arrived(arrival.wire.is_resumed());
            }
            Progress::Refused => {
                let left = attempt.left;
                self.arrivals.try_remove(key);
                self.tally.refused += 1;
                return Ok(Some(left));
            }
            Progress::Lost => {
                self.arrivals.try_remove(key);
                self.tally.lost += 1;
                return Ok(None);
            }
        }
        let interest = arrival.interest();
        if interest != before {
            self.poll.modify(&arrival.wire, key as u64, interest)?;
        }
        Ok(None)
    }

    /// One attempt of a client is over without a session.
    fn fail(&mut self, left: usize) {
        match left.checked_sub(1) {
            Some(left) => self
                .pauses
                .push_back((Instant::now() + self.storm.pause(), left)),
            None => self.tally.without += 1,
        }
    }

    /// Hangs up for those whose time is over.
    fn give_up(&mut self) {
        let now = Instant::now();
        while let Some((_, number, key)) = self.deadlines.pop_front_if(|(due, ..)| *due <= now) {
            let is_late =
                |attempt: &&Attempt| attempt.number == number && !attempt.arrival.has_arrived();
            if let Some(left) = self
                .arrivals
                .get(key)
                .filter(is_late)
                .map(|attempt| attempt.left)
            {
                self.arrivals.try_remove(key);
                self.tally.missed += 1;
                self.fail(left);
            }
        }
    }

    fn come_again(&mut self) -> Result<()> {
        let now = Instant::now();
        while let Some((_, left)) = self.pauses.pop_front_if(|(due, _)| *due <= now) {
            self.begin(left)?;
        }
        Ok(())
    }
}

impl Storm {
    fn deadline(self) -> Duration {
        Duration::from_millis(self.deadline)
    }

    fn pause(self) -> Duration {
        Duration::from_millis(self.pause)
    }
}
