//! One connection that publishes: a request, its answer, and the next.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, ensure};

use super::answer::{Answer, Whole};
use super::message::{Messages, Template};
use crate::client::PATIENCE;
use crate::net;
use crate::wire::unless_blocked;

/// How a message is published.
pub(super) struct Request {
    pub(super) address: SocketAddr,
    /// Method and path.
    pub(super) line: Template,
    pub(super) content_type: String,
    pub(super) body: Template,
}

impl Request {
    fn bytes(&self, channel: usize, text: &str) -> Vec<u8> {
        let body = self.body.of_message(channel, text);
        format!(
            "{} HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.line.of_channel(channel),
            self.address,
            self.content_type,
            body.len()
        )
        .into_bytes()
    }
}

/// A connection, if there is one, and what is to be published on it.
#[derive(Default)]
pub(super) struct Publisher {
    pub(super) tcp: Option<TcpStream>,
    waiting: VecDeque<u64>,
    is_busy: bool,
    answer: Answer,
}

impl Publisher {
    /// Has one more to publish.
    pub(super) fn owe(&mut self, number: u64) {
        self.waiting.push_back(number);
    }

    /// How many have no answer.
    pub(super) fn owes(&self) -> usize {
        self.waiting.len() + usize::from(self.is_busy)
    }

    /// Sends the next request, if there is one and none is under way. True where that took a new connection.
    pub(super) fn send(
        &mut self,
        request: &Request,
        messages: &Messages,
        channels: usize,
    ) -> Result<bool> {
        if self.is_busy {
            return Ok(false);
        }
        let Some(number) = self.waiting.pop_front() else {
            return Ok(false);
        };
        let channel = usize::try_from(number)? % channels;
        let bytes = request.bytes(channel, &messages.text(number));
        let is_new = self.tcp.is_none();
        if is_new {
            self.tcp = Some(connect(request.address)?);
        }
        let tcp = self.tcp.as_mut().context("no connection")?;
        // Short, and nothing else is under way, so there is room for it.
        tcp.write_all(&bytes).context("cannot publish")?;
        self.is_busy = true;
        Ok(is_new)
    }

    /// Reads once; the answer, if it is whole now.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<Option<Whole>> {
        let Some(tcp) = &mut self.tcp else {
            return Ok(None);
        };
        let Some(len) = unless_blocked(tcp.read(buffer)).context("while publishing")? else {
            return Ok(None);
        };
        if len == 0 && !self.is_busy {
            self.tcp = None;
            return Ok(None);
        }
        ensure!(self.is_busy, "an answer to nothing");
        let whole = if len == 0 {
            Some(self.answer.end()?)
        } else {
            self.answer.take(buffer.get(..len).unwrap_or_default())?
        };
        if let Some(whole) = whole {
            self.is_busy = false;
            if whole.closes {
                self.tcp = None;
            }
        }
        Ok(whole)
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let tcp = net::connect(address, None, None, PATIENCE)
        .with_context(|| format!("cannot connect to {address} to publish"))?;
    tcp.set_nonblocking(true)?;
    Ok(tcp)
}
