//! Bytes that came with the handshakes: the first input from either side.
//!
//! Nearly no session has any, and none keeps them for long.

use std::io::Read;

use bytes::{Buf, Bytes};
use switchyard_proto::Side;

/// What came early and was not read yet.
pub(super) struct Early {
    downstream: Bytes,
    upstream: Bytes,
}

impl Early {
    /// `None` where there is nothing.
    pub(super) fn new(downstream: Bytes, upstream: Bytes) -> Option<Box<Self>> {
        let early = Self {
            downstream,
            upstream,
        };
        (!early.is_empty()).then(|| Box::new(early))
    }

    /// Moves bytes that came from a side to `area`; 0 if there are none left.
    pub(super) fn take(&mut self, from: Side, area: &mut [u8]) -> usize {
        let early = match from {
            Side::Downstream => &mut self.downstream,
            Side::Upstream => &mut self.upstream,
        };
        // Reading from memory cannot fail.
        early.reader().read(area).unwrap_or(0)
    }

    /// What came from a side and was not read.
    pub(super) fn of(&self, from: Side) -> &Bytes {
        match from {
            Side::Downstream => &self.downstream,
            Side::Upstream => &self.upstream,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.downstream.is_empty() && self.upstream.is_empty()
    }
}
