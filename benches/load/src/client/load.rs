//! Many open sessions on one epoll instance.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::session::{Exchange, Session};
use super::target::Target;
use super::{PATIENCE, READ};
use crate::histogram::Histogram;
use crate::poll::{Interest, Poll, Ready};
use crate::report::Line;

/// The sessions, and what came of them since the last [`Load::reset`].
pub(super) struct Load {
    pub(super) exchange: Exchange,
    sessions: Vec<Session>,
    poll: Poll,
    ready: Vec<Ready>,
    buffer: Vec<u8>,
    under_way: usize,
    /// Messages whose reply came.
    messages: u64,
    latency: Histogram,
    progress: Instant,
}

impl Load {
    /// Opens `count` sessions.
    pub(super) fn open(mut target: Target, count: usize, exchange: Exchange) -> Result<Self> {
        let poll = Poll::new()?;
        let mut sessions = Vec::with_capacity(count);
        for key in 0..count {
            let wire = target.open().with_context(|| format!("session {key}"))?;
            wire.set_nonblocking()?;
            poll.add(&wire, key as u64, Interest::Read)?;
            sessions.push(Session::new(wire));
        }
        Ok(Self {
            exchange,
            sessions,
            poll,
            ready: Vec::new(),
            buffer: vec![0; READ],
            under_way: 0,
            messages: 0,
            latency: Histogram::new(),
            progress: Instant::now(),
        })
    }

    /// Forgets what was counted.
    pub(super) fn reset(&mut self) {
        self.messages = 0;
        self.latency.clear();
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.under_way == 0
    }

    /// Sends `count` requests on one session; they count as sent at `at`.
    pub(super) fn send(&mut self, key: usize, count: usize, at: Instant) -> Result<()> {
        let Some(session) = self.sessions.get_mut(key) else {
            bail!("no session {key}");
        };
        if self.under_way == 0 {
            self.progress = at;
        }
        self.under_way += count;
        session.send(&self.exchange, count, at)?;
        self.follow(key)
    }

    /// Waits for events and takes the replies that came. `again` says for each session how many
    /// requests to send after that many replies.
    pub(super) fn turn(
        &mut self,
        timeout: Option<Duration>,
        mut again: impl FnMut(usize, Instant) -> usize,
    ) -> Result<()> {
        let mut ready = std::mem::take(&mut self.ready);
        let timeout = timeout.unwrap_or(PATIENCE).min(PATIENCE);
        self.poll.wait(&mut ready, Some(timeout))?;
        for event in &ready {
            let key = usize::try_from(event.token)?;
            let replies = self.take(key, *event)?;
            if replies > 0 {
                self.progress = Instant::now();
                let count = again(replies, self.progress);
                if count > 0 {
                    self.send(key, count, self.progress)?;
                }
            }
        }
        if ready.is_empty() && self.under_way > 0 && self.progress.elapsed() > PATIENCE {
            bail!("{} messages got no reply", self.under_way);
        }
        self.ready = ready;
        Ok(())
    }

    /// Waits until every reply is there.
    pub(super) fn settle(&mut self) -> Result<()> {
        while !self.is_quiet() {
            self.turn(None, |_, _| 0)?;
        }
        Ok(())
    }

    /// Writes and reads once; says how many replies came.
    fn take(&mut self, key: usize, event: Ready) -> Result<usize> {
        let Some(session) = self.sessions.get_mut(key) else {
            return Ok(0);
        };
        if event.writable {
            session.write(&self.exchange)?;
        }
        let mut replies = 0;
        if event.readable {
            let latency = &mut self.latency;
            session.read(&self.exchange, &mut self.buffer, |sent| {
                latency.record(sent.elapsed());
                replies += 1;
            })?;
        }
        self.under_way = self.under_way.saturating_sub(replies);
        self.messages += replies as u64;
        self.follow(key)?;
        Ok(replies)
    }

    /// Tells epoll what a session now waits for.
    fn follow(&mut self, key: usize) -> Result<()> {
        if let Some(session) = self.sessions.get_mut(key) {
            let wanted = session.wanted();
            if wanted != session.interest {
                session.interest = wanted;
                self.poll.modify(&session.wire, key as u64, wanted)?;
            }
        }
        Ok(())
    }

    /// The line of results.
    pub(super) fn result(&self, wall: Duration) -> Line {
        Line::new("result")
            .number("connections", self.sessions.len())
            .number("messages", self.messages)
            .number("bytes", self.messages * self.exchange.payload() as u64)
            .number("wall_s", wall.as_secs_f64())
            .latency(&self.latency)
    }
}
