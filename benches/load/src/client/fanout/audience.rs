//! The sessions that are subscribed, and what each had.

use anyhow::{Context, Result};

use super::account::Account;
use super::ledger::Ledger;
use super::message::{Messages, Template};
use super::subscriber::{State, Subscriber};
use crate::client::target::Target;
use crate::poll::{Interest, Poll};

pub(super) struct Audience {
    target: Target,
    path: Template,
    channels: usize,
    /// `None` where the gateway has ended one.
    all: Vec<Option<(Subscriber, Ledger)>>,
}

impl Audience {
    pub(super) fn new(target: Target, path: Template, channels: usize) -> Self {
        Self {
            target,
            path,
            channels,
            all: Vec::new(),
        }
    }

    /// One more session, which the next channel in turn is for.
    pub(super) fn open(&mut self, poll: &Poll) -> Result<()> {
        let key = self.all.len();
        let channel = key % self.channels;
        let path = self.path.of_channel(channel);
        let wire = self
            .target
            .open_at(&path)
            .with_context(|| format!("session {key} at {path}"))?;
        let subscriber = Subscriber::new(wire)?;
        poll.add(&subscriber.wire, key as u64, Interest::Read)?;
        let ledger = Ledger::new(channel, self.channels);
        self.all.push(Some((subscriber, ledger)));
        Ok(())
    }

    /// Reads what came for one of them, and notes it.
    pub(super) fn hear(
        &mut self,
        key: usize,
        messages: &Messages,
        account: &mut Account,
        buffer: &mut [u8],
    ) -> Result<()> {
        let entry = self.all.get_mut(key).context("no such session")?;
        let Some((subscriber, ledger)) = entry else {
            return Ok(());
        };
        let state = subscriber
            .read(buffer, |payload| {
                let number = messages.number(payload)?;
                let lag = messages.due(number).elapsed();
                account.delivered(number, ledger.note(number)?, lag);
                Ok(())
            })
            .with_context(|| format!("session {key}"))?;
        if state == State::Ended {
            *entry = None;
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether nobody is left.
    pub(super) fn is_gone(&self) -> bool {
        self.lost() == self.len()
    }

    /// How many the gateway has ended.
    pub(super) fn lost(&self) -> usize {
        self.all.iter().filter(|entry| entry.is_none()).count()
    }
}
