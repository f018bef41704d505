//! Messages are published, and many sessions are subscribed: does each get every one of them, once and in
//! order, and how soon?
//!
//! Publishers and subscribers are one program with one clock. A message leaves when it is due, whatever has
//! become of those before; one that finds its publisher busy waits for it, and its time counts from when it was
//! due. Messages that are missing, come twice or in another order are counted, and do not end the run: only
//! those that nobody published do. Not here: what a message is (`message`), what a session had (`ledger`), what
//! it all comes to (`account`), HTTP (`publisher`, `answer`).

mod account;
mod answer;
mod audience;
mod ledger;
mod message;
mod publisher;
mod publishers;
mod subscriber;

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use super::target::Target;
use super::{PATIENCE, READ};
use crate::poll::{Poll, Ready};
use crate::report::{Gate, Line};
use account::Account;
use audience::Audience;
use message::{Messages, Template};
use publisher::Request;
use publishers::Publishers;

#[derive(Clone, Debug, Args)]
pub(super) struct Fanout {
    /// How many sessions to hold, step by step; messages are published when all are there
    #[arg(long, value_delimiter = ',', default_value = "100")]
    steps: Vec<usize>,
    /// Whether all sessions are subscribed to one channel, or each to one of its own
    #[arg(long, value_enum, default_value_t = Channels::One)]
    channels: Channels,
    /// The path of a session; {n} is the number of its channel
    #[arg(long, value_name = "TEMPLATE", default_value = "/sub/{n}")]
    path: Template,
    /// Where messages are published
    #[arg(long, value_name = "ADDRESS")]
    publisher: SocketAddr,
    /// Method and path of the request that publishes a message; {n} is the number of the channel
    #[arg(long, value_name = "TEMPLATE", default_value = "POST /publish")]
    publish: Template,
    /// Its body; {n} is the number of the channel, {text} the message
    #[arg(long, value_name = "TEMPLATE", default_value = "{text}")]
    body: Template,
    /// Its Content-Type
    #[arg(long, value_name = "TYPE", default_value = "text/plain")]
    content_type: String,
    /// Connections that messages are published on; those of a channel are all on one
    #[arg(long, default_value_t = 1)]
    publishers: usize,
    /// How many messages to publish, to the channels in turn
    #[arg(long, default_value_t = 100)]
    messages: u64,
    /// Messages a second over all channels
    #[arg(long, default_value_t = 10)]
    rate: u32,
    /// Payload in bytes
    #[arg(long, default_value_t = 128)]
    size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Channels {
    One,
    Each,
}

impl Fanout {
    /// How many sessions there are at last.
    fn sessions(&self) -> usize {
        self.steps.last().copied().unwrap_or(0)
    }

    /// How many channels there are at last.
    fn channels(&self) -> usize {
        match self.channels {
            Channels::One => 1,
            Channels::Each => self.sessions().max(1),
        }
    }

    /// How many sessions are to hear each message.
    fn hearers(&self) -> usize {
        self.sessions() / self.channels()
    }

    /// From one message to the next.
    fn gap(&self) -> Result<Duration> {
        Duration::from_secs(1)
            .checked_div(self.rate)
            .context("no rate")
    }

    fn request(&self) -> Request {
        Request {
            address: self.publisher,
            line: self.publish.clone(),
            content_type: self.content_type.clone(),
            body: self.body.clone(),
        }
    }
}

pub(super) fn run(target: Target, fanout: &Fanout, gate: Gate) -> Result<()> {
    ensure!(fanout.steps.is_sorted(), "the steps go down");
    ensure!(fanout.publishers > 0, "nobody to publish");
    // Without this the kernel wakes us up to 50 us late.
    rustix::thread::set_current_timer_slack(Some(NonZeroU64::MIN))?;
    let mut run = Run::open(target, fanout, |sessions| {
        gate.pass(Line::new("held").number("sessions", sessions))
    })?;
    run.go(fanout.messages)?;
    run.result().print()?;
    gate.pass(Line::new("over"))
}

/// Sessions that are open, and what comes of what is published to them.
struct Run {
    poll: Poll,
    ready: Vec<Ready>,
    buffer: Vec<u8>,
    audience: Audience,
    publishers: Publishers,
    messages: Messages,
    account: Account,
    /// When anything last came.
    progress: Instant,
}

impl Run {
    /// Opens the sessions, and says so at each step.
    fn open(
        target: Target,
        fanout: &Fanout,
        mut held: impl FnMut(usize) -> Result<()>,
    ) -> Result<Self> {
        let poll = Poll::new()?;
        let mut audience = Audience::new(target, fanout.path.clone(), fanout.channels());
        for step in &fanout.steps {
            while audience.len() < *step {
                audience.open(&poll)?;
            }
            held(audience.len())?;
        }
        Ok(Self {
            poll,
            ready: Vec::new(),
            buffer: vec![0; READ],
            audience,
            publishers: Publishers::new(fanout.publishers, fanout.request(), fanout.channels()),
            messages: Messages::new(fanout.size, fanout.gap()?)?,
            account: Account::new(fanout.messages, fanout.hearers()),
            progress: Instant::now(),
        })
    }

    /// Publishes so many, and returns when all have come, or nothing more comes.
    fn go(&mut self, count: u64) -> Result<()> {
        self.messages.begin();
        self.progress = Instant::now();
        let mut next = 0;
        loop {
            let now = Instant::now();
            while next < count && self.messages.due(next) <= now {
                self.publishers.post(next, &self.messages, &self.poll)?;
                next += 1;
            }
            let wait = if next < count {
                self.messages.due(next).saturating_duration_since(now)
            } else if self.is_over() {
                return Ok(());
            } else {
                PATIENCE.saturating_sub(self.progress.elapsed())
            };
            self.turn(wait)?;
        }
    }

    /// Whether nothing is waited for any more, or nothing has come for too long.
    fn is_over(&self) -> bool {
        let nothing_comes = self.account.is_complete() || self.audience.is_gone();
        let is_done = nothing_comes && !self.publishers.are_busy();
        is_done || self.progress.elapsed() >= PATIENCE
    }

    /// Waits for events, and takes what came.
    fn turn(&mut self, timeout: Duration) -> Result<()> {
        self.poll.wait(&mut self.ready, Some(timeout))?;
        if !self.ready.is_empty() {
            self.progress = Instant::now();
        }
        for event in &self.ready {
            if let Some(index) = Publishers::index(event.token) {
                self.publishers
                    .go_on(index, &self.messages, &self.poll, &mut self.buffer)?;
            } else {
                self.audience.hear(
                    usize::try_from(event.token)?,
                    &self.messages,
                    &mut self.account,
                    &mut self.buffer,
                )?;
            }
        }
        Ok(())
    }

    /// The line of results.
    fn result(&self) -> Line {
        let line = Line::new("result")
            .number("sessions", self.audience.len())
            .number("lost", self.audience.lost())
            .number("published", self.publishers.published())
            .counts("refused", self.publishers.refused())
            .number("unanswered", self.publishers.unanswered())
            .number("wall_s", self.messages.elapsed().as_secs_f64());
        self.account.describe(line)
    }
}

#[cfg(test)]
mod tests;
