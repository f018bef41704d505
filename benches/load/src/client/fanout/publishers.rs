//! The connections that publish. The messages of one channel are all on one of them, so that they leave in order.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::message::Messages;
use super::publisher::{Publisher, Request};
use crate::poll::{Interest, Poll};

/// Their tokens are beyond those of all sessions.
const FIRST: u64 = 1 << 32;

pub(super) struct Publishers {
    request: Request,
    channels: usize,
    all: Vec<Publisher>,
    /// Messages that were accepted.
    published: u64,
    /// Those that were not, by the status of the answer.
    refused: BTreeMap<u16, u64>,
}

impl Publishers {
    pub(super) fn new(count: usize, request: Request, channels: usize) -> Self {
        let mut all = Vec::new();
        all.resize_with(count, Publisher::default);
        Self {
            request,
            channels,
            all,
            published: 0,
            refused: BTreeMap::new(),
        }
    }

    /// Which of them a token is of.
    pub(super) fn index(token: u64) -> Option<usize> {
        usize::try_from(token.checked_sub(FIRST)?).ok()
    }

    /// Publishes a message, as soon as those before it on its connection have their answers.
    pub(super) fn post(&mut self, number: u64, messages: &Messages, poll: &Poll) -> Result<()> {
        let index = usize::try_from(number)? % self.channels % self.all.len();
        self.publisher(index)?.owe(number);
        self.send(index, messages, poll)
    }

    /// Takes an answer, and publishes what waits for it.
    pub(super) fn go_on(
        &mut self,
        index: usize,
        messages: &Messages,
        poll: &Poll,
        buffer: &mut [u8],
    ) -> Result<()> {
        let Some(answer) = self.publisher(index)?.read(buffer)? else {
            return Ok(());
        };
        if matches!(answer.status, 200..300) {
            self.published += 1;
        } else {
            *self.refused.entry(answer.status).or_default() += 1;
        }
        self.send(index, messages, poll)
    }

    fn send(&mut self, index: usize, messages: &Messages, poll: &Poll) -> Result<()> {
        let publisher = self.all.get_mut(index).context("no such publisher")?;
        if publisher.send(&self.request, messages, self.channels)?
            && let Some(tcp) = &publisher.tcp
        {
            poll.add(tcp, FIRST + index as u64, Interest::Read)?;
        }
        Ok(())
    }

    fn publisher(&mut self, index: usize) -> Result<&mut Publisher> {
        self.all.get_mut(index).context("no such publisher")
    }

    /// How many messages have no answer.
    pub(super) fn unanswered(&self) -> usize {
        self.all.iter().map(Publisher::owes).sum()
    }

    pub(super) fn are_busy(&self) -> bool {
        self.unanswered() > 0
    }

    pub(super) fn published(&self) -> u64 {
        self.published
    }

    pub(super) fn refused(&self) -> &BTreeMap<u16, u64> {
        &self.refused
    }
}
