//! Makes a line of each event, in a buffer that its thread keeps: no allocation a line.
//!
//! The lines of `tracing-subscriber`'s own formatters, at a tenth of the instructions: two of them are
//! written for each session.

use std::cell::Cell;
use std::fmt::{Debug, Write};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Context;

use super::live::Live;
use super::sink::Sink;
use super::{Format, escape, timestamp};
use crate::Spelled;

/// A buffer that grew beyond this is not kept.
const KEPT: usize = 16 * 1024;

thread_local! {
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Makes a line of each event that is written now, and hands it on to where it goes now.
pub(super) struct Lines {
    pub(super) live: Arc<ArcSwap<Live>>,
    pub(super) log: Arc<Sink>,
}

impl<S: Subscriber> Layer<S> for Lines {
    /// Remembered where the event is, until what is written changes.
    fn register_callsite(&self, event: &'static Metadata<'static>) -> Interest {
        if self.live.load().takes(event) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, event: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.live.load().takes(event)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.live.load().most())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let now = self.live.load();
        let (format, sink) = now.way(event.metadata(), &self.log);
        // Taken, not borrowed: what is formatted may log as well.
        let mut line = LINE.take();
        line.clear();
        match format {
            Format::Json => json(&mut line, event),
            Format::Text => text(&mut line, event),
        }
        sink.put(&line);
        if line.capacity() <= KEPT {
            LINE.set(line);
        }
    }
}

/// One flat object: time, level, the fields in their order, target.
fn json(line: &mut Vec<u8>, event: &Event<'_>) {
    line.extend_from_slice(br#"{"timestamp":""#);
    timestamp::push(line);
    line.extend_from_slice(br#"","level":""#);
    line.extend_from_slice(event.metadata().level().as_str().as_bytes());
    line.push(b'"');
    event.record(&mut Json(line));
    line.extend_from_slice(br#","target":""#);
    escape::push(line, event.metadata().target());
    line.extend_from_slice(b"\"}\n");
}

/// Time, level, target, message, and the fields as `name=value`.
fn text(line: &mut Vec<u8>, event: &Event<'_>) {
    timestamp::push(line);
    let level = event.metadata().level().as_str();
    line.extend_from_slice(b"      ".get(level.len()..).unwrap_or(b" "));
    line.extend_from_slice(level.as_bytes());
    line.push(b' ');
    escape::push(line, event.metadata().target());
    line.push(b':');
    event.record(&mut Text(line));
    line.push(b'\n');
}

/// Appends fields to an object that is not empty.
struct Json<'a>(&'a mut Vec<u8>);

impl Json<'_> {
    fn name(&mut self, field: &Field) {
        let name = field.name();
        self.0.reserve(name.len() + br#","":"#.len());
        self.0.extend_from_slice(br#",""#);
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(br#"":"#);
    }

    /// A value that is text: `value` writes it.
    fn string(&mut self, field: &Field, value: impl FnOnce(&mut Vec<u8>)) {
        self.name(field);
        self.0.push(b'"');
        value(self.0);
        self.0.push(b'"');
    }

    /// A value that is written the same in Rust and JSON.
    fn plain(&mut self, field: &Field, value: impl Debug) {
        self.name(field);
        written(self.0, &value);
    }
}

impl Visit for Json<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.string(field, |line| escape::push(line, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.string(field, |line| written(line, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        self.0.extend_from_slice(Spelled::number(value).as_bytes());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    /// JSON has no infinity.
    fn record_f64(&mut self, field: &Field, value: f64) {
        if let Some(thousandths) = thousandths(value) {
            self.name(field);
            push_thousandths(self.0, thousandths);
        } else if value.is_finite() {
            self.plain(field, value);
        } else {
            self.name(field);
            self.0.extend_from_slice(b"null");
        }
    }
}

/// Appends fields to a line.
struct Text<'a>(&'a mut Vec<u8>);

impl Text<'_> {
    fn name(&mut self, field: &Field) {
        self.0.push(b' ');
        if !is_message(field) {
            self.0.extend_from_slice(field.name().as_bytes());
            self.0.push(b'=');
        }
    }
}

impl Visit for Text<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        let quote: &[u8] = if is_message(field) { b"" } else { b"\"" };
        self.0.extend_from_slice(quote);
        escape::push(self.0, value);
        self.0.extend_from_slice(quote);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        written(self.0, value);
    }
}

fn is_message(field: &Field) -> bool {
    field.name() == "message"
}

/// How many thousandths `value` is, where it is that: milliseconds to the microsecond are, and are written in
/// no time. Their digits are the fewest that say this number and no other, as those of `{:?}` are.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "what does not come back the same is not taken"
)]
fn thousandths(value: f64) -> Option<u64> {
    /// With fifteen digits no two decimals are the same number.
    const MOST: f64 = 1e15;
    let scaled = (value * 1e3).round();
    let is_one = (0.0..MOST).contains(&scaled) && scaled / 1e3 == value && value.is_sign_positive();
    is_one.then_some(scaled as u64)
}

fn push_thousandths(line: &mut Vec<u8>, number: u64) {
    line.extend_from_slice(Spelled::number(number / 1_000).as_bytes());
    let digit = |value: u64| b'0' + u8::try_from(value % 10).unwrap_or_default();
    let places = [number / 100, number / 10, number].map(digit);
    let shown = match places {
        [_, b'0', b'0'] => 1,
        [_, _, b'0'] => 2,
        _ => 3,
    };
    line.push(b'.');
    line.extend_from_slice(places.get(..shown).unwrap_or_default());
}

fn written(line: &mut Vec<u8>, value: &dyn Debug) {
    // Writing to memory cannot fail; a value that says it failed is cut short.
    let _ = write!(escape::Escaped(line), "{value:?}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn in_thousandths(value: f64) -> Option<String> {
        let mut line = Vec::new();
        push_thousandths(&mut line, thousandths(value)?);
        String::from_utf8(line).ok()
    }

    #[test]
    fn what_is_not_in_thousandths_is_left_to_std() {
        for value in [-1.0, -0.0, 0.0001, 1e15, f64::NAN, f64::INFINITY] {
            assert_eq!(in_thousandths(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn milliseconds_are_as_std_writes_them(micros in 0_u32..) {
            let value = f64::from(micros) / 1e3;
            prop_assert_eq!(in_thousandths(value), Some(format!("{value:?}")));
        }

        #[test]
        fn any_other_number_is_so_too_or_is_left_to_std(value: f64) {
            if let Some(text) = in_thousandths(value) {
                prop_assert_eq!(text, format!("{value:?}"));
            }
        }
    }
}
