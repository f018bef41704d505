//! fwd-rw: what forwarding costs if nothing is done but forwarding. For each event one read into
//! one buffer that all share, and one write; bytes are kept only when the other side does not
//! take them. The reference of every ratio.
//!
//! With a certificate it is fwd-tls: TLS from clients, plain to the endpoint, and the same otherwise.

mod pair;

use std::io;
use std::net::{SocketAddr, TcpListener};

use anyhow::Result;
use slab::Slab;

use crate::net;
use crate::poll::{Interest, Poll, Ready};
use crate::report::Line;
use crate::tls::Server;
use crate::wire::Wire;
use pair::{Pair, Side};

const LISTENER: u64 = u64::MAX;
const BUFFER: usize = 64 * 1024;

/// Forwards until it is ended by a signal.
pub(crate) fn run(listen: SocketAddr, to: SocketAddr, tls: Option<Server>) -> Result<()> {
    let listener = net::listen(listen)?;
    let poll = Poll::new()?;
    poll.add(&listener, LISTENER, Interest::Read)?;
    Line::new("listening")
        .text("address", listener.local_addr()?)
        .print()?;
    let mut forwarder = Forwarder {
        poll,
        listener,
        to,
        tls,
        pairs: Slab::new(),
        is_full: false,
        buffer: vec![0; BUFFER],
        ended: Vec::new(),
    };
    let mut ready = Vec::new();
    loop {
        forwarder.poll.wait(&mut ready, None)?;
        for event in &ready {
            forwarder.handle(*event)?;
        }
        forwarder.sweep()?;
    }
}

struct Forwarder {
    poll: Poll,
    listener: TcpListener,
    to: SocketAddr,
    tls: Option<Server>,
    pairs: Slab<Pair>,
    /// There was no descriptor for one more.
    is_full: bool,
    buffer: Vec<u8>,
    /// Ended in this batch of events; dropped after it, so that no token changes hands within it.
    ended: Vec<usize>,
}

impl Forwarder {
    fn handle(&mut self, event: Ready) -> Result<()> {
        if event.token == LISTENER {
            return self.accept();
        }
        let (key, side) = split(event.token);
        let Some(pair) = self.pairs.get_mut(key) else {
            return Ok(());
        };
        // A reset of either side ends the pair, and nothing else.
        if pair.handle(side, event, &mut self.buffer).is_err() || pair.is_over() {
            self.ended.push(key);
            return Ok(());
        }
        for side in Side::BOTH {
            if let Some((wire, interest)) = pair.new_interest(side) {
                self.poll.modify(wire, token(key, side), interest)?;
            }
        }
        Ok(())
    }

    /// Takes all that wait, or stops until descriptors come back: in a storm many of those that wait
    /// have already gone, and each costs two.
    fn accept(&mut self) -> Result<()> {
        match self.accept_all() {
            Err(error) if net::is_for_want_of_descriptors(&error) => {
                self.is_full = true;
                Ok(self
                    .poll
                    .modify(&self.listener, LISTENER, Interest::Nothing)?)
            }
            result => Ok(result?),
        }
    }

    fn accept_all(&mut self) -> io::Result<()> {
        while let Some(down) = net::accept(&self.listener)? {
            let down = match &self.tls {
                None => Wire::Plain(down),
                Some(tls) => tls.wire(down)?,
            };
            let up = Wire::Plain(net::begin_connect(self.to, None)?);
            let entry = self.pairs.vacant_entry();
            let key = entry.key();
            self.poll
                .add(&down, token(key, Side::Down), Interest::Read)?;
            self.poll.add(&up, token(key, Side::Up), Interest::Read)?;
            entry.insert(Pair::new(down, up));
        }
        Ok(())
    }

    fn sweep(&mut self) -> Result<()> {
        if self.is_full && !self.ended.is_empty() {
            self.is_full = false;
            self.poll.modify(&self.listener, LISTENER, Interest::Read)?;
        }
        for key in self.ended.drain(..) {
            self.pairs.try_remove(key);
        }
        Ok(())
    }
}

fn token(key: usize, side: Side) -> u64 {
    (key as u64) << 1 | u64::from(side == Side::Up)
}

fn split(token: u64) -> (usize, Side) {
    let side = if token & 1 == 1 { Side::Up } else { Side::Down };
    (usize::try_from(token >> 1).unwrap_or(usize::MAX), side)
}
