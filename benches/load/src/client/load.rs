//! Many open sessions on one epoll instance.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::PATIENCE;
use super::links::{Links, Place};
use super::session::Exchange;
use super::target::Target;
use crate::histogram::Histogram;
use crate::poll::{Poll, Ready};
use crate::report::Line;

/// The sessions, and what came of them since the last [`Load::reset`].
pub(super) struct Load {
    pub(super) exchange: Exchange,
    links: Links,
    poll: Poll,
    ready: Vec<Ready>,
    /// Sessions whose replies came with one event, each as often as it had one.
    replied: Vec<usize>,
    under_way: usize,
    /// Messages whose reply came.
    messages: u64,
    latency: Histogram,
    progress: Instant,
}

impl Load {
    /// Opens `count` sessions.
    pub(super) fn open(target: Target, count: usize, exchange: Exchange) -> Result<Self> {
        let mut links = Links::new(target);
        for _ in 0..count {
            links.open()?;
        }
        let poll = Poll::new()?;
        for key in 0..links.connections() {
            let (link, _) = links.get_mut(key).context("no such connection")?;
            poll.add(&*link, key as u64, link.interest)?;
        }
        Ok(Self {
            exchange,
            links,
            poll,
            ready: Vec::new(),
            replied: Vec::new(),
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
        let place = self.links.place(key);
        self.owe(place, count, at)?;
        self.write(place.link)
    }

    /// The same, when next is written to its connection.
    fn owe(&mut self, place: Place, count: usize, at: Instant) -> Result<()> {
        if self.under_way == 0 {
            self.progress = at;
        }
        self.under_way += count;
        let (link, _) = self.links.get_mut(place.link).context("no such session")?;
        link.owe(place.index, count, at)
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
            let link = usize::try_from(event.token)?;
            self.read(link, *event)?;
            let replied = std::mem::take(&mut self.replied);
            if !replied.is_empty() {
                self.progress = Instant::now();
            }
            for replies in replied.chunk_by(|one, next| one == next) {
                let count = again(replies.len(), self.progress);
                if let (Some(&index), true) = (replies.first(), count > 0) {
                    self.owe(Place { link, index }, count, self.progress)?;
                }
            }
            self.replied = replied;
            self.write(link)?;
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

    /// Reads once, and notes the replies that came.
    fn read(&mut self, link: usize, event: Ready) -> Result<()> {
        self.replied.clear();
        let Some((link, buffer)) = self.links.get_mut(link).filter(|_| event.readable) else {
            return Ok(());
        };
        let (latency, replied) = (&mut self.latency, &mut self.replied);
        link.read(&self.exchange, buffer, |index, sent| {
            latency.record(sent.elapsed());
            replied.push(index);
        })?;
        self.under_way = self.under_way.saturating_sub(self.replied.len());
        self.messages += self.replied.len() as u64;
        Ok(())
    }

    /// Writes what there is room for, and tells epoll what the connection now waits for.
    fn write(&mut self, key: usize) -> Result<()> {
        if let Some((link, _)) = self.links.get_mut(key) {
            link.write(&self.exchange)?;
            let wanted = link.wanted();
            if wanted != link.interest {
                link.interest = wanted;
                self.poll.modify(&*link, key as u64, wanted)?;
            }
        }
        Ok(())
    }

    /// The line of results.
    pub(super) fn result(&self, wall: Duration) -> Line {
        Line::new("result")
            .number("sessions", self.links.sessions())
            .number("connections", self.links.connections())
            .number("messages", self.messages)
            .number("bytes", self.messages * self.exchange.payload() as u64)
            .number("wall_s", wall.as_secs_f64())
            .latency(&self.latency)
    }
}
