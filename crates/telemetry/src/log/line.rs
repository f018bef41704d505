//! Keeps one event on one line, and terminals safe from what a peer put into it.
//!
//! The formatters escape what they know to be text; this is for all the rest, in one place: a
//! control character (C0, DEL or C1) other than the line's own end is written as `\u00XX`, which
//! JSON reads back as that character.

use std::io::{self, Write};

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// Makes writers that write one line at a time.
pub(super) struct OneLine<W>(pub(super) W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for OneLine<W> {
    type Writer = LineWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter(self.0.make_writer())
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Self::Writer {
        LineWriter(self.0.make_writer_for(meta))
    }
}

/// Writes each buffer it is given as one line. The formatter hands over one event a buffer.
pub(super) struct LineWriter<W>(W);

impl<W: Write> Write for LineWriter<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match escaped(line) {
            None => self.0.write_all(line)?,
            Some(escaped) => self.0.write_all(escaped.as_bytes())?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The line without control characters, if it has any but its end.
fn escaped(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    if !text.chars().any(char::is_control) {
        return None;
    }
    let mut escaped = String::with_capacity(line.len() + 16);
    for character in text.chars() {
        if character.is_control() {
            escaped.extend(escape(character));
        } else {
            escaped.push(character);
        }
    }
    escaped.push('\n');
    Some(escaped)
}

/// `\u00XX` of a control character: they are all below U+00A0.
fn escape(control: char) -> [char; 6] {
    let digit =
        |shift: u32| char::from_digit((u32::from(control) >> shift) & 0xF, 16).unwrap_or('0');
    ['\\', 'u', '0', '0', digit(4), digit(0)]
}
