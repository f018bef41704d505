//! Sessions that are open and do nothing: what do they cost?

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::links::{Links, Place};
use super::session::Exchange;
use super::target::Target;
use super::{Idle, pattern};
use crate::poll::{Interest, Poll, Ready};
use crate::report::{Gate, Line};

/// Sessions are opened one after another; after so many, what others were sent meanwhile is answered.
const BETWEEN_ATTENTION: usize = 100;

pub(super) fn run(target: Target, idle: &Idle, gate: Gate) -> Result<()> {
    let mut sessions = Sessions::new(target, idle.size)?;
    let began = Instant::now();
    for step in &idle.steps {
        while sessions.links.sessions() < *step {
            sessions.open()?;
        }
        sessions.attend()?;
        gate.pass(Line::new("held").number("sessions", sessions.links.sessions()))?;
        sessions.attend()?;
    }
    sessions.prove_alive()?;
    Line::new("result")
        .number("sessions", sessions.links.sessions())
        .number("connections", sessions.links.connections())
        .number("wall_s", began.elapsed().as_secs_f64())
        .print()
}

struct Sessions {
    links: Links,
    exchange: Exchange,
    poll: Poll,
    ready: Vec<Ready>,
}

impl Sessions {
    fn new(target: Target, size: usize) -> Result<Self> {
        Ok(Self {
            links: Links::new(target),
            exchange: Exchange::new(&pattern(size), pattern(size)),
            poll: Poll::new()?,
            ready: Vec::new(),
        })
    }

    /// One more, which echoes once.
    fn open(&mut self) -> Result<()> {
        let place = self.links.open()?;
        self.echo(place)
            .with_context(|| format!("session {}", self.links.key(place)))?;
        let (link, _) = self
            .links
            .get_mut(place.link)
            .context("no such connection")?;
        if place.index == 0 && link.wants_attention() {
            self.poll.add(&*link, place.link as u64, Interest::Read)?;
        }
        if self.links.sessions().is_multiple_of(BETWEEN_ATTENTION) {
            self.attend()?;
        }
        Ok(())
    }

    fn echo(&mut self, place: Place) -> Result<()> {
        let (link, buffer) = self.links.get_mut(place.link).context("no such session")?;
        link.exchange(place.index, &self.exchange, buffer)
    }

    /// Answers what has to be answered: a gateway ends a connection of HTTP/2 that leaves its PING
    /// without an answer.
    fn attend(&mut self) -> Result<()> {
        self.poll.wait(&mut self.ready, Some(Duration::ZERO))?;
        for event in &self.ready {
            let key = usize::try_from(event.token)?;
            let (link, buffer) = self.links.get_mut(key).context("no such connection")?;
            link.read(&self.exchange, buffer, |_, _| {})?;
            link.write(&self.exchange)?;
        }
        Ok(())
    }

    fn prove_alive(&mut self) -> Result<()> {
        for key in 0..self.links.sessions() {
            self.echo(self.links.place(key))
                .context("a session did not live")?;
        }
        Ok(())
    }
}
