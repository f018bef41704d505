//! The gateway is asked to go while many sessions are open and do nothing: how does each of them end, and when?
//!
//! Whoever runs the gateway asks it; here the ends are only watched. A client answers a Close and waits for
//! the gateway to end the connection, as a browser does, and does not come again. Not here: what one of them
//! does (`farewell`), what the ends come to (`endings`).

use std::time::{Duration, Instant};

use anyhow::Result;
use slab::Slab;

use super::endings::Endings;
use super::farewell::Farewell;
use super::target::Target;
use super::{Drain, READ};
use crate::poll::{Interest, Poll, Ready};
use crate::report::{Gate, Line};

pub(super) fn run(target: Target, drain: Drain, gate: Gate) -> Result<()> {
    let mut held = Held::open(target, drain.sessions)?;
    gate.pass(Line::new("ready"))?;
    let endings = held.watch(drain.limit())?;
    endings.result().print()?;
    gate.pass(Line::new("over"))
}

/// The sessions that have not ended.
struct Held {
    sessions: Slab<Farewell>,
    poll: Poll,
    ready: Vec<Ready>,
    buffer: Vec<u8>,
}

impl Held {
    fn open(mut target: Target, count: usize) -> Result<Self> {
        let mut sessions = Slab::with_capacity(count);
        let poll = Poll::new()?;
        for _ in 0..count {
            let session = Farewell::new(target.open()?)?;
            let entry = sessions.vacant_entry();
            poll.add(&session.wire, entry.key() as u64, Interest::Read)?;
            entry.insert(session);
        }
        Ok(Self {
            sessions,
            poll,
            ready: Vec::new(),
            buffer: vec![0; READ],
        })
    }

    /// Until all have ended, or the time is over.
    fn watch(&mut self, limit: Duration) -> Result<Endings> {
        let mut endings = Endings::of(self.sessions.len());
        let until = Instant::now() + limit;
        while !self.sessions.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.turn(left, &mut endings)?;
        }
        Ok(endings)
    }

    /// Waits for events, and takes everyone further that has one.
    fn turn(&mut self, timeout: Duration, endings: &mut Endings) -> Result<()> {
        self.poll.wait(&mut self.ready, Some(timeout))?;
        for event in &self.ready {
            let key = usize::try_from(event.token)?;
            let Some(session) = self.sessions.get_mut(key) else {
                continue;
            };
            session.go_on(&mut self.buffer, endings)?;
            // No session is opened meanwhile, so no token changes hands within the batch.
            if session.is_over() {
                self.sessions.remove(key);
            }
        }
        Ok(())
    }
}
