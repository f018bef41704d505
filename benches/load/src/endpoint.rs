//! The application server of the benchmark: a right handshake, then echoes, a sink or a source.
//!
//! Not here: what one session does with its bytes (`session`).

mod session;

use std::net::{SocketAddr, TcpListener};

use anyhow::Result;
use slab::Slab;

use crate::net;
use crate::poll::{Interest, Poll, Ready};
use crate::report::Line;
use session::{Session, Shared, State};

const LISTENER: u64 = u64::MAX;

/// Serves until it is ended by a signal.
pub(crate) fn run(listen: SocketAddr) -> Result<()> {
    let listener = net::listen(listen)?;
    let poll = Poll::new()?;
    poll.add(&listener, LISTENER, Interest::Read)?;
    Line::new("listening")
        .text("address", listener.local_addr()?)
        .print()?;
    let mut endpoint = Endpoint {
        poll,
        listener,
        sessions: Slab::new(),
        shared: Shared::new(),
        ended: Vec::new(),
    };
    let mut ready = Vec::new();
    loop {
        endpoint.poll.wait(&mut ready, None)?;
        for event in &ready {
            endpoint.handle(*event)?;
        }
        endpoint.sweep();
    }
}

struct Endpoint {
    poll: Poll,
    listener: TcpListener,
    sessions: Slab<Session>,
    shared: Shared,
    /// Ended in this batch of events; dropped after it, so that no token changes hands within it.
    ended: Vec<usize>,
}

impl Endpoint {
    fn handle(&mut self, event: Ready) -> Result<()> {
        if event.token == LISTENER {
            return self.accept();
        }
        let key = usize::try_from(event.token)?;
        let Some(session) = self.sessions.get_mut(key) else {
            return Ok(());
        };
        // A peer that misbehaves or vanishes is no reason to end the others.
        match session.handle(event, &mut self.shared) {
            Ok(State::Going(interest)) if interest == session.interest => {}
            Ok(State::Going(interest)) => {
                session.interest = interest;
                self.poll.modify(&session.stream, event.token, interest)?;
            }
            Ok(State::Ended) => self.ended.push(key),
            Err(error) => {
                eprintln!("endpoint: {error:#}");
                self.ended.push(key);
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> Result<()> {
        while let Some(stream) = net::accept(&self.listener)? {
            let entry = self.sessions.vacant_entry();
            self.poll.add(&stream, entry.key() as u64, Interest::Read)?;
            entry.insert(Session::new(stream));
        }
        Ok(())
    }

    fn sweep(&mut self) {
        for key in self.ended.drain(..) {
            self.sessions.try_remove(key);
        }
    }
}
