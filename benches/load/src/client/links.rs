//! The sessions of a scenario, numbered from 0, on as many connections as they need.

use anyhow::{Context, Result};

use super::READ;
use super::link::Link;
use super::target::Target;

pub(super) struct Links {
    target: Target,
    all: Vec<Link>,
    pub(super) buffer: Vec<u8>,
}

/// Where a session is: which link, and which of its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) link: usize,
    pub(super) index: usize,
}

impl Links {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            all: Vec::new(),
            buffer: vec![0; READ],
        }
    }

    /// Opens one more session and waits for it.
    pub(super) fn open(&mut self) -> Result<Place> {
        let key = self.sessions();
        self.open_next().with_context(|| format!("session {key}"))?;
        Ok(self.place(key))
    }

    fn open_next(&mut self) -> Result<()> {
        let Some(each) = self.target.on_each() else {
            self.all.push(Link::alone(self.target.open()?)?);
            return Ok(());
        };
        if self.all.last().is_none_or(|link| link.len() == each) {
            self.all.push(Link::shared(self.target.connect()?)?);
        }
        let link = self.all.last_mut().context("no connection")?;
        link.open(
            self.target.path(),
            self.target.authority(),
            &mut self.buffer,
        )
    }

    /// How many sessions there are. All connections but the last are full.
    pub(super) fn sessions(&self) -> usize {
        let before = self.all.len().saturating_sub(1);
        before * self.each() + self.all.last().map_or(0, Link::len)
    }

    pub(super) fn place(&self, key: usize) -> Place {
        Place {
            link: key / self.each(),
            index: key % self.each(),
        }
    }

    pub(super) fn key(&self, place: Place) -> usize {
        place.link * self.each() + place.index
    }

    pub(super) fn get_mut(&mut self, link: usize) -> Option<(&mut Link, &mut [u8])> {
        let buffer = &mut self.buffer;
        self.all.get_mut(link).map(|link| (link, &mut buffer[..]))
    }

    pub(super) fn connections(&self) -> usize {
        self.all.len()
    }

    fn each(&self) -> usize {
        self.target.on_each().unwrap_or(1)
    }
}
