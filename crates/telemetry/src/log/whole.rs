//! Writes whole lines to what may take a part of them, such as a disk that becomes full.
//!
//! A line of which the beginning was written is finished before anything else is written: no line is
//! ever torn by another.

use std::io::{self, ErrorKind, Write};

use super::sink::Output;

/// An output that gets whole lines.
pub(super) struct Whole<W> {
    output: W,
    /// The end of the line of which the beginning was written.
    rest: Vec<u8>,
}

/// Lines that were not written.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) lines: u64,
    pub(super) error: io::Error,
}

impl<W: Write> Whole<W> {
    pub(super) fn new(output: W) -> Self {
        Self {
            output,
            rest: Vec::new(),
        }
    }

    /// Writes lines, of which the last one has its end too.
    pub(super) fn put(&mut self, lines: &[u8]) -> Result<(), Lost> {
        if let Err((written, error)) = write(&mut self.output, &self.rest) {
            self.rest.drain(..written);
            let lines = count(lines);
            return Err(Lost { lines, error });
        }
        self.rest.clear();
        match write(&mut self.output, lines) {
            Ok(()) => Ok(()),
            Err((written, error)) => {
                let lines = self.keep_rest(lines, written);
                Err(Lost { lines, error })
            }
        }
    }

    /// Keeps the end of the line in which the first `written` bytes end. How many lines are lost behind
    /// it.
    fn keep_rest(&mut self, lines: &[u8], written: usize) -> u64 {
        let (done, left) = lines.split_at_checked(written).unwrap_or((lines, &[]));
        if done.last().is_none_or(|last| *last == b'\n') {
            return count(left);
        }
        let end = left.iter().position(|byte| *byte == b'\n');
        let rest = end.and_then(|end| left.get(..=end)).unwrap_or(left);
        self.rest.extend_from_slice(rest);
        count(left).saturating_sub(1)
    }

    /// Whether a line is waiting for its end.
    pub(super) fn is_torn(&self) -> bool {
        !self.rest.is_empty()
    }
}

impl<W: Write + Send + 'static> Output for Whole<W> {
    /// A reader that has gone cannot be told of.
    fn put(&mut self, lines: &[u8]) -> u64 {
        self.put(lines).map_or_else(|lost| lost.lines, |()| 0)
    }
}

/// Writes all of `bytes`, or says how many of them were taken before the error.
fn write(output: &mut impl Write, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut written = 0;
    while let Some(left) = bytes.get(written..)
        && !left.is_empty()
    {
        match output.write(left) {
            Ok(0) => return Err((written, ErrorKind::WriteZero.into())),
            Ok(len) => written += len,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err((written, error)),
        }
    }
    output.flush().map_err(|error| (written, error))
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for so many bytes.
    struct Disk {
        room: usize,
        written: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = bytes.len().min(self.room);
            if len == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room -= len;
            self.written.extend_from_slice(&bytes[..len]);
            Ok(len)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn disk(room: usize) -> Whole<Disk> {
        let written = Vec::new();
        Whole::new(Disk { room, written })
    }

    #[test]
    fn a_line_that_was_cut_is_finished_when_there_is_room_again() {
        for room in 0..=12 {
            let mut whole = disk(room);
            let lost = whole.put(b"one\ntwo\nthree\n").expect_err("no room");
            assert_eq!(whole.put(b"four\n").expect_err("no room").lines, 1);
            whole.output.room = 100;
            whole.put(b"five\n").expect("room");
            let text = String::from_utf8(whole.output.written).expect("ASCII");
            let expected = match room {
                0 => "five\n",
                1..=4 => "one\nfive\n",
                5..=8 => "one\ntwo\nfive\n",
                _ => "one\ntwo\nthree\nfive\n",
            };
            assert_eq!(text, expected, "room for {room}");
            let kept = expected.lines().count() as u64 - 1;
            assert_eq!(lost.lines, 3 - kept, "room for {room}");
        }
    }

    #[test]
    fn what_is_whole_is_not_torn() {
        let mut whole = disk(4);
        whole.put(b"one\n").expect("room");
        assert!(!whole.is_torn());
        whole.output.room = 2;
        whole.put(b"two\n").expect_err("no room");
        assert!(whole.is_torn());
    }
}
