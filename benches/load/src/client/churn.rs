//! Sessions that come and go: handshake, one echo, Close, and the next.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use slab::Slab;

use super::target::Target;
use super::visit::{Script, Visit};
use super::{Churn, PATIENCE, READ, pattern};
use crate::histogram::Histogram;
use crate::poll::{Interest, Poll, Ready};
use crate::report::{Gate, Line};

pub(super) fn run(target: Target, churn: Churn, gate: Gate) -> Result<()> {
    let mut visitors = Visitors::new(target, churn.size)?;
    visitors.come(churn.connections, churn.window.warmup())?;
    gate.pass(Line::new("ready"))?;
    visitors.visited = 0;
    visitors.latency.clear();
    let began = Instant::now();
    visitors.come(churn.connections, churn.window.duration())?;
    Line::new("result")
        .number("connections", churn.connections)
        .number("messages", visitors.visited)
        .number("bytes", visitors.visited * churn.size as u64)
        .number("wall_s", began.elapsed().as_secs_f64())
        .latency(&visitors.latency)
        .print()?;
    gate.pass(Line::new("held"))
}

struct Visitors {
    target: Target,
    script: Script,
    poll: Poll,
    visits: Slab<Visit>,
    buffer: Vec<u8>,
    visited: u64,
    /// From the first SYN to the echo.
    latency: Histogram,
}

impl Visitors {
    fn new(target: Target, size: usize) -> Result<Self> {
        Ok(Self {
            script: Script::new(target.request(), pattern(size)),
            target,
            poll: Poll::new()?,
            visits: Slab::new(),
            buffer: vec![0; READ],
            visited: 0,
            latency: Histogram::new(),
        })
    }

    /// Lets `count` visit at a time; no new one comes when `duration` is over.
    fn come(&mut self, count: usize, duration: Duration) -> Result<()> {
        let until = Instant::now() + duration;
        for _ in 0..count {
            self.begin()?;
        }
        let mut ready = Vec::new();
        let mut progress = Instant::now();
        while !self.visits.is_empty() {
            self.poll.wait(&mut ready, Some(PATIENCE))?;
            let mut left = 0;
            for event in &ready {
                left += usize::from(self.handle(*event)?);
            }
            // After the batch, so that no token changes hands within it.
            if Instant::now() < until {
                for _ in 0..left {
                    self.begin()?;
                }
            }
            if !ready.is_empty() {
                progress = Instant::now();
            } else if progress.elapsed() >= PATIENCE {
                bail!("{} visits stand still", self.visits.len());
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<()> {
        let began = Instant::now();
        let wire = self.target.begin()?;
        let entry = self.visits.vacant_entry();
        self.poll.add(&wire, entry.key() as u64, Interest::Write)?;
        entry.insert(Visit::new(wire, began));
        Ok(())
    }

    /// Takes a visit further; true when it is over.
    fn handle(&mut self, event: Ready) -> Result<bool> {
        let key = usize::try_from(event.token)?;
        let Some(visit) = self.visits.get_mut(key) else {
            return Ok(false);
        };
        let interest = visit.interest();
        visit
            .go_on(&self.script, &mut self.buffer, &mut self.latency)
            .with_context(|| format!("after {} visits", self.visited))?;
        if visit.is_over() {
            self.visits.try_remove(key);
            self.visited += 1;
            return Ok(true);
        }
        if visit.interest() != interest {
            self.poll
                .modify(&visit.wire, event.token, visit.interest())?;
        }
        Ok(false)
    }
}
