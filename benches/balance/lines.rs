//! A panel of lines over two axes.

use std::fmt::Write;

use crate::svg::{COLOURS, Panel, WIDTH, legend, line, short, text, ticks};

const LEFT: f64 = 40.0;
const TOP: f64 = 44.0;
const HIGH: f64 = 190.0;
const WIDE: f64 = WIDTH - LEFT - 16.0;

/// Lines with two axes.
pub(crate) struct Lines<'a> {
    pub(crate) title: &'a str,
    pub(crate) across: &'a str,
    pub(crate) up: &'a str,
    pub(crate) from: (f64, f64),
    pub(crate) to: (f64, f64),
    /// Each with its points from left to right.
    pub(crate) drawn: Vec<(&'a str, Vec<(f64, f64)>)>,
    /// A line to compare with.
    pub(crate) one: Option<f64>,
}

impl Lines<'_> {
    /// Draws them.
    pub(crate) fn panel(&self) -> Panel {
        let (left, low) = self.from;
        let (right, high) = self.to;
        let x = |value: f64| LEFT + (value - left) / (right - left) * WIDE;
        let y = |value: f64| TOP + (high - value) / (high - low) * HIGH;
        let bottom = TOP + HIGH;
        let mut body = text("title", 0.0, 14.0, self.title) + &text("axis", 0.0, 32.0, self.up);
        for tick in ticks(low, high) {
            body += &line("grid", (LEFT, y(tick)), (LEFT + WIDE, y(tick)));
            body += &text("axis end", LEFT - 6.0, y(tick) + 4.0, &short(tick));
        }
        for tick in ticks(left, right) {
            body += &line("grid", (x(tick), bottom), (x(tick), bottom + 4.0));
            body += &text("axis middle", x(tick), bottom + 17.0, &short(tick));
        }
        if let Some(one) = self.one {
            body += &line("one", (LEFT, y(one)), (LEFT + WIDE, y(one)));
        }
        for ((_, points), colour) in self.drawn.iter().zip(COLOURS) {
            let points = points.iter().map(|(across, up)| (x(*across), y(*up)));
            body += &polyline(colour, points);
        }
        let names: Vec<&str> = self.drawn.iter().map(|(name, _)| *name).collect();
        body += &text("axis", LEFT, bottom + 34.0, self.across);
        body += &legend(LEFT, bottom + 52.0, &names);
        Panel {
            height: bottom + 58.0,
            body,
        }
    }
}

fn polyline(colour: &str, points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut line = format!("<polyline class=\"line {colour}\" points=\"");
    for (x, y) in points {
        let _ = write!(line, "{x:.1},{y:.1} ");
    }
    line + "\"/>"
}
