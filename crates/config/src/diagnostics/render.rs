//! Draws a problem into the lines of the file that it concerns, as rustc does.

use std::fmt::Write as _;

use super::Diagnostic;
use crate::report::Problem;
use crate::source::{Source, Span};

/// Longer lines are cut around the place that matters.
const MAX_LINE: usize = 100;
/// How much of a cut line is shown before that place.
const CONTEXT: usize = 40;

/// Draws `problem`.
pub(crate) fn diagnostic(problem: &Problem, source: &Source<'_>) -> Diagnostic {
    let position = source.position(problem.span.start);
    Diagnostic {
        path: source.origin().to_owned(),
        position: Some(position),
        message: problem.message.clone(),
        help: problem.help.clone(),
        rendered: snippet(problem, source),
    }
}

/// A place that is underlined.
struct Mark<'p> {
    line: usize,
    column: usize,
    width: usize,
    stroke: char,
    label: &'p str,
}

impl<'p> Mark<'p> {
    /// At least one character wide, and never beyond the end of its line.
    fn new(span: Span, stroke: char, label: &'p str, source: &Source<'_>) -> Self {
        let start = source.position(span.start);
        let width = source
            .slice(span)
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .count();
        Self {
            line: start.line,
            column: start.column,
            width: width.max(1),
            stroke,
            label,
        }
    }
}

fn snippet(problem: &Problem, source: &Source<'_>) -> String {
    let primary = Mark::new(problem.span, '^', "", source);
    let (line, column) = (primary.line, primary.column);
    let mut marks = vec![primary];
    if let Some(related) = &problem.related {
        marks.push(Mark::new(related.span, '-', &related.label, source));
    }
    marks.sort_by_key(|mark| (mark.line, mark.column));

    let gutter = marks
        .iter()
        .map(|mark| mark.line.to_string().len())
        .max()
        .unwrap_or(1);
    let mut out = format!("error: {}\n", printable(&problem.message));
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{:gutter$}--> {}:{line}:{column}",
        "",
        source.origin().display()
    );
    let _ = writeln!(out, "{:gutter$} |", "");
    draw(&mut out, &marks, gutter, source);
    if let Some(help) = &problem.help {
        let _ = writeln!(
            out,
            "{:gutter$} |\n{:gutter$} = help: {}",
            "",
            "",
            printable(help)
        );
    }
    out
}

fn draw(out: &mut String, marks: &[Mark<'_>], gutter: usize, source: &Source<'_>) {
    let mut last = None;
    for mark in marks {
        let view = View::of(source.line(mark.line), mark.column);
        if last.is_some_and(|last: usize| last.saturating_add(1) < mark.line) {
            out.push_str("...\n");
        }
        if last != Some(mark.line) {
            let _ = writeln!(out, "{:>gutter$} | {}", mark.line, view.text);
        }
        let strokes = mark.stroke.to_string().repeat(mark.width.min(view.room));
        let under = format!(
            "{:indent$}{strokes} {}",
            "",
            mark.label,
            indent = view.indent
        );
        let _ = writeln!(out, "{:gutter$} | {}", "", under.trim_end());
        last = Some(mark.line);
    }
}

/// What is shown of a line.
struct View {
    text: String,
    /// Characters before the mark.
    indent: usize,
    /// Characters that a mark may cover.
    room: usize,
}

impl View {
    fn of(line: &str, column: usize) -> Self {
        let before = column.saturating_sub(1);
        let length = line.chars().count();
        if length <= MAX_LINE {
            let room = length.saturating_sub(before).max(1);
            return Self {
                text: printable(line),
                indent: before,
                room,
            };
        }
        let skipped = before.saturating_sub(CONTEXT);
        let shown: String = line.chars().skip(skipped).take(MAX_LINE).collect();
        let head = if skipped > 0 { "…" } else { "" };
        let tail = if skipped.saturating_add(MAX_LINE) < length {
            "…"
        } else {
            ""
        };
        let indent = before
            .saturating_sub(skipped)
            .saturating_add(head.chars().count());
        let room = shown
            .chars()
            .count()
            .saturating_sub(before.saturating_sub(skipped))
            .max(1);
        Self {
            text: format!("{head}{}{tail}", printable(&shown)),
            indent,
            room,
        }
    }
}

/// One column a character: tabs and control characters do not move the text or the terminal.
fn printable(text: &str) -> String {
    let show = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.trim_end().chars().map(show).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn rendered(text: &str, problem: &Problem) -> String {
        diagnostic(problem, &Source::new(text, Path::new("f.yaml"))).to_string()
    }

    #[test]
    fn underlines_the_place() {
        let problem = Problem::new(Span::new(5, 8), "no such key").help("try `b`");
        let expected = "\
error: no such key
 --> f.yaml:2:1
  |
2 | bad: 1
  | ^^^
  |
  = help: try `b`
";
        assert_eq!(rendered("a: 1\nbad: 1\n", &problem), expected);
    }

    #[test]
    fn shows_the_place_that_explains_it() {
        let text = "a: 1\n\n\n\n\n\n\n\n\na: 2\n";
        let problem = Problem::new(Span::new(13, 14), "twice").related(Span::new(0, 1), "first");
        let expected = "\
error: twice
  --> f.yaml:10:1
   |
 1 | a: 1
   | - first
...
10 | a: 2
   | ^
";
        assert_eq!(rendered(text, &problem), expected);
    }

    #[test]
    fn two_places_of_one_line_share_it() {
        let problem = Problem::new(Span::new(7, 8), "twice").related(Span::new(1, 2), "first");
        let shown = rendered("{a: 1, a: 2}\n", &problem);
        assert_eq!(shown.matches("{a: 1, a: 2}").count(), 1);
        assert!(shown.contains("  |  - first\n  |        ^\n"), "{shown}");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("a: [{}bad{}]", "x, ".repeat(100), ", y".repeat(100));
        let shown = rendered(&text, &Problem::new(Span::new(304, 307), "no"));
        let line = shown.lines().find(|line| line.starts_with("1 |")).unwrap();
        let caret = shown.lines().find(|line| line.contains('^')).unwrap();
        assert!(line.chars().count() < 120, "{line}");
        let column = caret.chars().position(|c| c == '^').unwrap();
        let pointed: String = line.chars().skip(column).take(3).collect();
        assert_eq!((pointed.as_str(), caret.matches('^').count()), ("bad", 3));
    }

    #[test]
    fn control_characters_stay_out_of_the_terminal() {
        let shown = rendered(
            "a: \u{1b}[31m\tx\n",
            &Problem::new(Span::new(3, 4), "\u{7}bad"),
        );
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\t']), "{shown:?}");
    }

    #[test]
    fn the_end_of_the_text_is_a_place() {
        let shown = rendered("", &Problem::new(Span::new(0, 0), "empty"));
        assert!(
            shown.contains("f.yaml:1:1") && shown.contains("1 |"),
            "{shown}"
        );
    }
}
