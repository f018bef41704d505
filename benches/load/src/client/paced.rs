//! An open loop: messages leave when they are due, whatever has become of those before.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::load::Load;
use super::session::Exchange;
use super::target::Target;
use super::{Paced, pattern};
use crate::report::{Gate, Line};

pub(super) fn run(target: Target, paced: Paced, gate: Gate) -> Result<()> {
    // Without this the kernel wakes us up to 50 us late.
    rustix::thread::set_current_timer_slack(Some(NonZeroU64::MIN))?;
    let exchange = Exchange::new(&pattern(paced.size), pattern(paced.size));
    let mut load = Load::open(target, paced.connections, exchange)?;
    keep_pace(&mut load, paced, paced.window.warmup())?;
    gate.pass(Line::new("ready"))?;
    load.reset();
    let began = Instant::now();
    keep_pace(&mut load, paced, paced.window.duration())?;
    load.result(began.elapsed()).print()?;
    gate.pass(Line::new("held"))
}

fn keep_pace(load: &mut Load, paced: Paced, duration: Duration) -> Result<()> {
    let gap = Duration::from_secs(1)
        .checked_div(paced.rate)
        .context("no rate")?;
    let mut due = Instant::now();
    let until = due + duration;
    let mut keys = (0..paced.connections).cycle();
    while due < until {
        let now = Instant::now();
        while due <= now && due < until {
            load.send(keys.next().context("no connections")?, 1, due)?;
            due += gap;
        }
        load.turn(Some(due.saturating_duration_since(now)), |_, _| 0)?;
    }
    load.settle()
}
