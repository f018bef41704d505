//! The text of a file, and places in it.
//!
//! Places are byte ranges; lines and columns are worked out when something is shown.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// A range of bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

/// Where a problem is, as an editor counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// A text with the name that it goes by.
#[derive(Debug)]
pub(crate) struct Source<'t> {
    text: &'t str,
    origin: PathBuf,
    /// Where each line starts.
    lines: Vec<usize>,
}

impl<'t> Source<'t> {
    /// A byte order mark is no part of the text.
    pub(crate) fn new(text: &'t str, origin: &Path) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let breaks = text.match_indices('\n').map(|(at, _)| at.saturating_add(1));
        let lines = std::iter::once(0).chain(breaks).collect();
        Self {
            text,
            origin: origin.to_owned(),
            lines,
        }
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    pub(crate) fn origin(&self) -> &Path {
        &self.origin
    }

    pub(crate) fn slice(&self, span: Span) -> &'t str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// The position of a byte; the end of the text for what lies behind it.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.line_range(line).start;
        let before = self
            .text
            .get(start..offset)
            .or_else(|| self.text.get(start..));
        let column = before.unwrap_or_default().chars().count().saturating_add(1);
        Position { line, column }
    }

    /// The byte at a position; the end of its line for what lies behind that.
    pub(crate) fn offset(&self, position: Position) -> usize {
        let range = self.line_range(position.line);
        let line = self.line(position.line);
        let inside = line.char_indices().nth(position.column.saturating_sub(1));
        range
            .start
            .saturating_add(inside.map_or(line.len(), |(at, _)| at))
    }

    /// A line without its break; empty when there is no such line.
    pub(crate) fn line(&self, line: usize) -> &'t str {
        let text = self.text.get(self.line_range(line)).unwrap_or_default();
        text.trim_end_matches(['\n', '\r'])
    }

    fn line_range(&self, line: usize) -> Range<usize> {
        let at = |line: usize| self.lines.get(line).copied().unwrap_or(self.text.len());
        at(line.saturating_sub(1))..at(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source<'_> {
        Source::new(text, Path::new("f.yaml"))
    }

    #[test]
    fn positions_count_characters() {
        let source = source("a: é\nbé: x\r\n");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(6), Position { line: 2, column: 1 });
        assert_eq!(source.position(9), Position { line: 2, column: 3 });
        assert_eq!(source.line(2), "bé: x");
        assert_eq!(source.line(9), "");
    }

    #[test]
    fn a_position_and_its_byte_are_the_same_place() {
        let source = source("a: é\nbé: x\r\nlast");
        for (offset, _) in source
            .text()
            .char_indices()
            .filter(|(_, c)| !c.is_control())
        {
            assert_eq!(source.offset(source.position(offset)), offset);
        }
    }

    #[test]
    fn what_lies_behind_the_text_is_its_end() {
        let source = source("ab");
        assert_eq!(source.position(99), Position { line: 1, column: 3 });
        assert_eq!(
            source.offset(Position {
                line: 1,
                column: 99
            }),
            2
        );
        assert_eq!(
            source.offset(Position {
                line: 99,
                column: 1
            }),
            2
        );
        assert_eq!(source.slice(Span::new(1, 99)), "");
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(source("\u{feff}ab").text(), "ab");
    }
}
