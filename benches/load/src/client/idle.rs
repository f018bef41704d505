//! Sessions that are open and do nothing: what do they cost?

use std::io::{Read, Write};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::target::Target;
use super::{Idle, READ, pattern};
use crate::frame::{Kind, Piece, Reader, masked};
use crate::report::{Gate, Line};
use crate::wire::Wire;

pub(super) fn run(mut target: Target, idle: &Idle, gate: Gate) -> Result<()> {
    let mut echo = Echo::new(idle.size);
    let mut sessions = Vec::new();
    let began = Instant::now();
    for step in &idle.steps {
        while sessions.len() < *step {
            let mut wire = target
                .open()
                .with_context(|| format!("session {}", sessions.len()))?;
            echo.run(&mut wire)?;
            sessions.push(wire);
        }
        gate.pass(Line::new("held").number("sessions", sessions.len()))?;
    }
    for wire in &mut sessions {
        echo.run(wire).context("a session did not live")?;
    }
    Line::new("result")
        .number("connections", sessions.len())
        .number("wall_s", began.elapsed().as_secs_f64())
        .print()
}

/// A message that is sent and awaited.
struct Echo {
    frame: Vec<u8>,
    payload: Vec<u8>,
    buffer: Vec<u8>,
}

impl Echo {
    fn new(size: usize) -> Self {
        let payload = pattern(size);
        Self {
            frame: masked(Kind::Binary, &payload),
            payload,
            buffer: vec![0; READ],
        }
    }

    fn run(&mut self, wire: &mut Wire) -> Result<()> {
        wire.write_all(&self.frame)?;
        let mut reader = Reader::default();
        let mut received = Vec::with_capacity(self.payload.len());
        loop {
            let len = wire.read(&mut self.buffer).context("no echo")?;
            ensure!(len > 0, "the connection ended");
            let mut input = self.buffer.get_mut(..len).unwrap_or_default();
            while let Some(piece) = reader.next(&mut input)? {
                match piece {
                    Piece::Header(_) => {}
                    Piece::Payload(bytes, _) => received.extend_from_slice(bytes),
                    Piece::End(_) => {
                        ensure!(received == self.payload, "a changed payload");
                        return Ok(());
                    }
                }
            }
        }
    }
}
