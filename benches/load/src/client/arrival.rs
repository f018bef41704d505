//! One attempt to get a session: connect, handshake, and stay.

use std::io::{Read, Write};

use anyhow::{Result, ensure};

use crate::http;
use crate::poll::Interest;
use crate::wire::{Wire, unless_blocked};

/// A connection and how far it has come.
pub(super) struct Arrival {
    pub(super) wire: Wire,
    phase: Phase,
    /// The answer so far.
    head: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Handshake,
    Arrived,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    UnderWay,
    /// It has a session, since now.
    Arrived,
    /// The gateway ended it before that.
    Refused,
    /// The gateway ended it after that.
    Lost,
}

impl Arrival {
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            wire,
            phase: Phase::Connecting,
            head: Vec::new(),
        }
    }

    pub(super) fn has_arrived(&self) -> bool {
        self.phase == Phase::Arrived
    }

    pub(super) fn interest(&self) -> Interest {
        let is_connecting = self.phase == Phase::Connecting;
        Interest::new(!is_connecting, is_connecting || self.wire.is_unflushed())
    }

    /// Does what can be done now.
    pub(super) fn go_on(&mut self, request: &[u8], buffer: &mut [u8]) -> Progress {
        let before = self.phase;
        match (before, self.step(request, buffer)) {
            (Phase::Arrived, Err(_)) => Progress::Lost,
            (Phase::Connecting | Phase::Handshake, Err(_)) => Progress::Refused,
            (Phase::Handshake, Ok(())) if self.has_arrived() => Progress::Arrived,
            (_, Ok(())) => Progress::UnderWay,
        }
    }

    fn step(&mut self, request: &[u8], buffer: &mut [u8]) -> Result<()> {
        if self.phase == Phase::Connecting {
            // Short, and the first that is said, so there is room for it.
            self.wire.write_all(request)?;
            self.phase = Phase::Handshake;
            return Ok(());
        }
        self.wire.flush()?;
        let Some(len) = unless_blocked(self.wire.read(buffer))? else {
            return Ok(());
        };
        ensure!(len > 0, "ended in {:?}", self.phase);
        if self.phase == Phase::Handshake {
            self.head
                .extend_from_slice(buffer.get(..len).unwrap_or_default());
            if http::head_len(&self.head)?.is_some() {
                http::check_response(&self.head)?;
                self.head = Vec::new();
                self.phase = Phase::Arrived;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::*;

    /// An arrival that has sent its request, and the gateway's end of it.
    fn asked() -> (Arrival, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (gateway, _) = listener.accept().unwrap();
        let mut arrival = Arrival::new(Wire::Plain(tcp));
        assert_eq!(arrival.interest(), Interest::Write);
        assert_eq!(go_on(&mut arrival), Progress::UnderWay);
        assert_eq!(arrival.interest(), Interest::Read);
        (arrival, gateway)
    }

    fn go_on(arrival: &mut Arrival) -> Progress {
        arrival.go_on(&http::request("/", "localhost"), &mut [0; 1024])
    }

    fn answer() -> Vec<u8> {
        http::answer(&http::request("/", "localhost")).unwrap().1
    }

    #[test]
    fn it_arrives_once() {
        let (mut arrival, mut gateway) = asked();
        let (first, rest) = (&answer()[..20], &answer()[20..]);
        gateway.write_all(first).unwrap();
        assert_eq!(go_on(&mut arrival), Progress::UnderWay);
        gateway.write_all(rest).unwrap();
        assert_eq!(go_on(&mut arrival), Progress::Arrived);
        gateway.write_all(b"a message").unwrap();
        assert_eq!(go_on(&mut arrival), Progress::UnderWay);
        drop(gateway);
        assert_eq!(go_on(&mut arrival), Progress::Lost);
    }

    #[test]
    fn an_end_and_another_answer_are_refusals() {
        let (mut arrival, gateway) = asked();
        drop(gateway);
        assert_eq!(go_on(&mut arrival), Progress::Refused);
        let (mut arrival, mut gateway) = asked();
        gateway
            .write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
            .unwrap();
        assert_eq!(go_on(&mut arrival), Progress::Refused);
    }
}
