//! Sessions whose clients have stopped reading while the endpoint sends as fast as it can: what is
//! kept for each of them?

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result};

use super::target::Target;
use super::{Stalled, pattern};
use crate::frame::{Kind, masked};
use crate::report::{Gate, Line};

/// Messages that each client asks for. With 1 MiB each that is more than all buffers on the way hold.
const OWED: usize = 64;

pub(super) fn run(mut target: Target, stalled: &Stalled, gate: Gate) -> Result<()> {
    let ask = masked(Kind::Binary, &pattern(1)).repeat(OWED);
    let mut sessions = Vec::new();
    let began = Instant::now();
    for step in &stalled.steps {
        while sessions.len() < *step {
            let mut wire = target
                .open()
                .with_context(|| format!("session {}", sessions.len()))?;
            wire.write_all(&ask)?;
            sessions.push(wire);
        }
        gate.pass(Line::new("held").number("sessions", sessions.len()))?;
    }
    Line::new("result")
        .number("connections", sessions.len())
        .number("wall_s", began.elapsed().as_secs_f64())
        .print()
}
