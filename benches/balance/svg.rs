//! Plots as plain SVG, readable on light and dark pages, made of nothing but text.

use std::fmt::Write;

/// The room of one panel.
pub(crate) const WIDTH: f64 = 430.0;
const GAP: f64 = 24.0;
const HEAD: f64 = 48.0;

const STYLE: &str = r#"
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.head { font-weight: 600; font-size: 16px } .title { font-weight: 600; font-size: 13px }
.note { fill: #59636e; stroke: #fff; stroke-width: 3px; paint-order: stroke } .axis { fill: #59636e }
.end { text-anchor: end } .middle { text-anchor: middle }
.grid { stroke: #d1d9e0 } .one { stroke: #59636e; stroke-dasharray: 3 3 }
.line { fill: none; stroke-width: 2 }
.a { fill: #1f6feb; stroke: #1f6feb } .b { fill: #bc4c00; stroke: #bc4c00 }
.c { fill: #1a7f37; stroke: #1a7f37 } .d { fill: #8250df; stroke: #8250df }
rect { stroke: none !important } .line { fill: none !important }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .note { fill: #9198a1; stroke: #0d1117 } .axis { fill: #9198a1 }
  .grid { stroke: #3d444d } .one { stroke: #9198a1 }
  .a { fill: #4493f8; stroke: #4493f8 } .b { fill: #f0883e; stroke: #f0883e }
  .c { fill: #3fb950; stroke: #3fb950 } .d { fill: #ab7df8; stroke: #ab7df8 }
}
"#;

/// The classes of the colours, in the order in which they are given out.
pub(crate) const COLOURS: [&str; 4] = ["a", "b", "c", "d"];

/// One chart, drawn from its upper left corner.
pub(crate) struct Panel {
    pub(crate) height: f64,
    pub(crate) body: String,
}

/// A whole file: two panels in a row.
pub(crate) fn document(head: &str, panels: &[Panel]) -> String {
    let height = panels.iter().map(|panel| panel.height).fold(0.0, f64::max);
    let rows = panels.len().div_ceil(2) as f64;
    let (wide, high) = (2.0 * WIDTH + 3.0 * GAP, HEAD + rows * (height + GAP));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" \
         viewBox=\"0 0 {wide} {high}\" role=\"img\" aria-label=\"{head}\"><style>{STYLE}</style>\n"
    );
    svg += &text("head", GAP, 28.0, head);
    for (index, panel) in panels.iter().enumerate() {
        let x = GAP + (index % 2) as f64 * (WIDTH + GAP);
        let y = HEAD + (index / 2) as f64 * (height + GAP);
        let _ = write!(
            svg,
            "\n<g transform=\"translate({x} {y})\">{}</g>",
            panel.body
        );
    }
    svg + "\n</svg>\n"
}

/// Words; none of them needs an escape.
pub(crate) fn text(class: &str, x: f64, y: f64, words: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>")
}

/// A straight line.
pub(crate) fn line(class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> String {
    format!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>")
}

/// A bar that lies.
pub(crate) fn bar(class: &str, x: f64, y: f64, width: f64, height: f64) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\"/>"
    )
}

/// Names of colours, side by side.
pub(crate) fn legend(x: f64, y: f64, names: &[&str]) -> String {
    let mut at = x;
    let mut entries = String::new();
    for (name, colour) in names.iter().zip(COLOURS) {
        entries += &bar(colour, at, y - 9.0, 10.0, 10.0);
        entries += &text("axis", at + 15.0, y, name);
        at += 32.0 + 6.4 * name.len() as f64;
    }
    entries
}

/// Where an axis has its marks: some round numbers from `from` to `to`.
pub(crate) fn ticks(from: f64, to: f64) -> Vec<f64> {
    let steps = [
        0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0,
    ];
    let step = steps.into_iter().find(|step| (to - from) / step <= 6.0);
    let step = step.unwrap_or(100.0);
    let first = (from / step).ceil() as u32;
    let last = (to / step + 0.001).floor() as u32;
    (first..=last).map(|tick| f64::from(tick) * step).collect()
}

/// A number without needless places.
pub(crate) fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}
