//! A closed loop: each session keeps the same number of messages under way.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::Steady;
use super::load::Load;
use super::session::Exchange;
use super::target::Target;
use crate::report::{Gate, Line};

pub(super) fn run(
    target: Target,
    steady: Steady,
    request: &[u8],
    reply: Vec<u8>,
    gate: Gate,
) -> Result<()> {
    let mut load = Load::open(target, steady.connections, Exchange::new(request, reply))?;
    keep_going(&mut load, steady, steady.window.warmup())?;
    gate.pass(Line::new("ready"))?;
    load.reset();
    let began = Instant::now();
    keep_going(&mut load, steady, steady.window.duration())?;
    load.result(began.elapsed()).print()?;
    gate.pass(Line::new("held"))
}

fn keep_going(load: &mut Load, steady: Steady, duration: Duration) -> Result<()> {
    let until = Instant::now() + duration;
    for key in 0..steady.connections {
        load.send(key, steady.depth, Instant::now())?;
    }
    while Instant::now() < until {
        load.turn(None, |replies, now| if now < until { replies } else { 0 })?;
    }
    load.settle()
}
