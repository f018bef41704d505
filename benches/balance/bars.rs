//! A panel of bars that lie one above the other.

use crate::svg::{COLOURS, Panel, WIDTH, bar, legend, line, short, text, ticks};

const LABELS: f64 = 142.0;
const VALUES: f64 = 96.0;
const BARS: f64 = WIDTH - LABELS - VALUES;
const TOP: f64 = 30.0;
const STEP: f64 = 20.0;
const BAR: f64 = 13.0;

/// Bars with one axis.
pub(crate) struct Bars<'a> {
    pub(crate) title: &'a str,
    pub(crate) axis: &'a str,
    /// What the parts of a bar are called, if it has more than one.
    pub(crate) parts: &'a [&'a str],
    pub(crate) rows: Vec<Row>,
    /// Where the axis ends at the least.
    pub(crate) most: f64,
    /// A line to compare with.
    pub(crate) one: Option<f64>,
}

/// A bar, its parts from left to right.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) parts: Vec<f64>,
    pub(crate) note: String,
}

impl Bars<'_> {
    /// Draws them.
    pub(crate) fn panel(&self) -> Panel {
        let bottom = TOP + STEP * self.rows.len() as f64;
        let whole = self.rows.iter().map(|row| row.parts.iter().sum());
        let most = whole.fold(self.most, f64::max);
        let x = |value: f64| LABELS + value / most * BARS;
        let mut body = text("title", 0.0, 14.0, self.title);
        for tick in ticks(0.0, most) {
            body += &line("grid", (x(tick), TOP - 4.0), (x(tick), bottom));
            body += &text("axis middle", x(tick), bottom + 14.0, &short(tick));
        }
        for (place, row) in self.rows.iter().enumerate() {
            body += &row.drawn(TOP + STEP * place as f64, &x);
        }
        if let Some(one) = self.one {
            body += &line("one", (x(one), TOP - 4.0), (x(one), bottom));
        }
        body += &text("axis", LABELS, bottom + 31.0, self.axis);
        body += &legend(LABELS, bottom + 49.0, self.parts);
        Panel {
            height: bottom + 54.0,
            body,
        }
    }
}

impl Row {
    fn drawn(&self, y: f64, x: &impl Fn(f64) -> f64) -> String {
        let mut drawn = text("end", LABELS - 8.0, y + 11.0, &self.name);
        let mut from = 0.0;
        for (part, colour) in self.parts.iter().zip(COLOURS) {
            drawn += &bar(colour, x(from), y, x(from + part) - x(from), BAR);
            from += part;
        }
        drawn + &text("note", x(from) + 6.0, y + 11.0, &self.note)
    }
}
