//! Two connections joined.

use std::io::{self, Read, Write};

use crate::poll::{Interest, Ready};
use crate::wire::{Wire, unless_blocked};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The client's.
    Down,
    /// The endpoint's.
    Up,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Down, Self::Up];
}

pub(super) struct Pair {
    down: Half,
    up: Half,
}

struct Half {
    wire: Wire,
    /// What this side has not taken yet; boxed, because there is nearly never anything.
    unsent: Option<Box<[u8]>>,
    interest: Interest,
    /// This side has ended its stream.
    ended: bool,
}

impl Half {
    fn new(wire: Wire) -> Self {
        Self {
            wire,
            unsent: None,
            interest: Interest::Read,
            ended: false,
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sent = unless_blocked(self.wire.write(bytes))?.unwrap_or(0);
        let rest = bytes.get(sent..).unwrap_or_default();
        self.unsent = (!rest.is_empty()).then(|| rest.into());
        Ok(())
    }
}

impl Pair {
    pub(super) fn new(down: Wire, up: Wire) -> Self {
        Self {
            down: Half::new(down),
            up: Half::new(up),
        }
    }

    pub(super) fn handle(&mut self, side: Side, event: Ready, buffer: &mut [u8]) -> io::Result<()> {
        let (from, to) = self.halves(side);
        if event.writable {
            from.wire.flush()?;
            if let Some(unsent) = from.unsent.take() {
                from.send(&unsent)?;
                if from.unsent.is_none() && to.ended {
                    from.wire.shutdown()?;
                }
            }
        }
        if event.readable && !from.ended && to.unsent.is_none() {
            forward(from, to, buffer)?;
        }
        Ok(())
    }

    /// Both have ended, and everything is sent.
    pub(super) fn is_over(&self) -> bool {
        let over = |half: &Half| half.ended && half.unsent.is_none() && !half.wire.is_unflushed();
        over(&self.down) && over(&self.up)
    }

    /// What to be told of from now on, if that is something else than before.
    pub(super) fn new_interest(&mut self, side: Side) -> Option<(&Wire, Interest)> {
        let (half, other) = self.halves(side);
        let reads = !half.ended && other.unsent.is_none();
        let interest = Interest::new(reads, half.unsent.is_some() || half.wire.is_unflushed());
        if interest == half.interest {
            return None;
        }
        half.interest = interest;
        Some((&half.wire, interest))
    }

    fn halves(&mut self, side: Side) -> (&mut Half, &mut Half) {
        match side {
            Side::Down => (&mut self.down, &mut self.up),
            Side::Up => (&mut self.up, &mut self.down),
        }
    }
}

fn forward(from: &mut Half, to: &mut Half, buffer: &mut [u8]) -> io::Result<()> {
    let Some(len) = unless_blocked(from.wire.read(buffer))? else {
        return Ok(());
    };
    if len > 0 {
        to.send(buffer.get(..len).unwrap_or_default())?;
    }
    if len == 0 || from.wire.is_ended() {
        from.ended = true;
    }
    if from.ended && to.unsent.is_none() {
        to.wire.shutdown()?;
    }
    Ok(())
}
