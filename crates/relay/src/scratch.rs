//! The one buffer that all sessions of a thread read into, and a piece of input in it.
//!
//! Nothing stays in it between two polls: what cannot be written at once is copied out.

use std::cell::RefCell;
use std::ops::Range;

use switchyard_proto::Side;

/// The most that is read at once, in bytes. Large messages are cheaper the more of them goes with
/// one system call, up to about this; docs/benchmarks.md has the figures.
pub(crate) const READ: usize = 256 * 1024;

/// Room before what is read, for what the session machine held back and now sends before it: a
/// header or a control frame, or a control frame of its own.
const HEADROOM: usize = 256;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// The buffer of a thread.
pub(crate) struct Scratch {
    bytes: Box<[u8]>,
    /// Messages of the gateway's own that go out together.
    gathered: Vec<u8>,
}

impl Scratch {
    fn new() -> Self {
        Self {
            bytes: vec![0; HEADROOM + READ].into(),
            gathered: Vec::new(),
        }
    }

    /// Lends this thread's buffer to `work`, which must not ask for it again.
    pub(crate) fn with<R>(work: impl FnOnce(&mut Self) -> R) -> R {
        SCRATCH.with_borrow_mut(work)
    }

    /// Where to read up to `limit` bytes to.
    pub(crate) fn area(&mut self, limit: usize) -> &mut [u8] {
        let end = HEADROOM + limit.min(READ);
        self.bytes.get_mut(HEADROOM..end).unwrap_or_default()
    }

    /// The `len` bytes that were read to the start of the area, on their way to `to`.
    pub(crate) fn chunk(&mut self, to: Side, len: usize) -> Chunk<'_> {
        let end = HEADROOM + len.min(READ);
        Chunk {
            to,
            bytes: &mut self.bytes,
            gathered: &mut self.gathered,
            run: HEADROOM..HEADROOM,
            end,
        }
    }

    /// A chunk of nothing.
    pub(crate) fn nothing(&mut self) -> Chunk<'_> {
        self.chunk(Side::Upstream, 0)
    }
}

/// Input on its way to a side. What may be written of it gathers as a run of bytes, so that what
/// one read brought goes out with one write.
pub(crate) struct Chunk<'a> {
    to: Side,
    bytes: &'a mut [u8],
    gathered: &'a mut Vec<u8>,
    /// What goes out next; it ends where the input begins that is not dealt with.
    run: Range<usize>,
    end: usize,
}

impl Chunk<'_> {
    /// Where it goes.
    pub(crate) fn to(&self) -> Side {
        self.to
    }

    /// The input that is not dealt with.
    pub(crate) fn input(&self) -> &[u8] {
        self.bytes.get(self.run.end..self.end).unwrap_or_default()
    }

    /// Adds the next `len` bytes of the input to the run.
    pub(crate) fn pass(&mut self, len: usize) {
        self.run.end = self.end.min(self.run.end + len);
    }

    /// Drops the next `len` bytes of the input. The run must have been taken.
    pub(crate) fn skip(&mut self, len: usize) {
        self.pass(len);
        self.run.start = self.run.end;
    }

    /// Makes `bytes`, which fit the headroom, the run. The one before must have been taken.
    pub(crate) fn put_before(&mut self, bytes: &[u8]) {
        self.run.start = self.run.end.saturating_sub(bytes.len());
        if let Some(room) = self.bytes.get_mut(self.run.clone()) {
            room.copy_from_slice(bytes);
        }
    }

    /// What goes out next.
    pub(crate) fn run(&self) -> &[u8] {
        self.bytes.get(self.run.clone()).unwrap_or_default()
    }

    /// Puts frames together, apart from the input.
    pub(crate) fn gather<'b>(&mut self, frames: impl Iterator<Item = &'b [u8]>) -> &[u8] {
        self.gathered.clear();
        for frame in frames {
            self.gathered.extend_from_slice(frame);
        }
        self.gathered
    }

    /// Notes that the first `len` bytes of the run are taken care of.
    pub(crate) fn take(&mut self, len: usize) {
        self.run.start = self.run.end.min(self.run.start + len);
    }

    /// Notes that the run is taken care of.
    pub(crate) fn take_run(&mut self) {
        self.run.start = self.run.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(bytes: &[u8]) -> Scratch {
        let mut scratch = Scratch::new();
        scratch.area(bytes.len()).copy_from_slice(bytes);
        scratch
    }

    #[test]
    fn what_is_passed_gathers_in_one_run() {
        let mut scratch = scratch(b"abcdef");
        let mut chunk = scratch.chunk(Side::Upstream, 6);
        assert!(chunk.run().is_empty());
        chunk.pass(2);
        chunk.pass(1);
        assert_eq!((chunk.run(), chunk.input()), (&b"abc"[..], &b"def"[..]));
        chunk.take_run();
        chunk.skip(2);
        chunk.pass(1);
        assert_eq!((chunk.run(), chunk.input()), (&b"f"[..], &b""[..]));
    }

    #[test]
    fn what_was_held_back_goes_before_what_follows() {
        let mut scratch = scratch(b"abcdef");
        let mut chunk = scratch.chunk(Side::Upstream, 6);
        chunk.put_before(&[b'x'; 140]);
        chunk.pass(6);
        assert_eq!(chunk.run(), [vec![b'x'; 140], b"abcdef".to_vec()].concat());
    }

    #[test]
    fn no_more_is_read_than_fits_or_was_asked_for() {
        let mut scratch = Scratch::new();
        assert_eq!(scratch.area(10).len(), 10);
        assert_eq!(scratch.area(usize::MAX / 2).len(), READ);
    }
}
