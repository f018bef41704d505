//! What is told to the driver: one JSON object a line, on standard output.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, BufRead, Write};

use anyhow::{Result, bail};

use crate::histogram::Histogram;

/// A line in the making.
#[derive(Debug)]
pub(crate) struct Line(String);

impl Line {
    /// A line that says what happened. `event` is a plain word.
    pub(crate) fn new(event: &str) -> Self {
        Self(format!(r#"{{"event":"{event}""#))
    }

    /// Adds a number.
    pub(crate) fn number(self, name: &str, value: impl Display) -> Self {
        Self(format!(r#"{},"{name}":{value}"#, self.0))
    }

    /// Adds a text that needs no escapes.
    pub(crate) fn text(self, name: &str, value: impl Display) -> Self {
        Self(format!(r#"{},"{name}":"{value}""#, self.0))
    }

    /// Adds a list of numbers.
    pub(crate) fn list(self, name: &str, values: impl Iterator<Item = impl Display>) -> Self {
        let values: Vec<String> = values.map(|value| value.to_string()).collect();
        self.number(name, format_args!("[{}]", values.join(",")))
    }

    /// Adds how often there was each of some things.
    pub(crate) fn counts(self, name: &str, counts: &BTreeMap<impl Display, u64>) -> Self {
        let counts: Vec<String> = counts
            .iter()
            .map(|(key, count)| format!(r#""{key}":{count}"#))
            .collect();
        self.number(name, format_args!("{{{}}}", counts.join(",")))
    }

    /// Adds quantiles, in microseconds.
    pub(crate) fn latency(self, latency: &Histogram) -> Self {
        self.number("p50_us", latency.micros(0.5))
            .number("p90_us", latency.micros(0.9))
            .number("p99_us", latency.micros(0.99))
            .number("p999_us", latency.micros(0.999))
            .number("max_us", latency.longest_micros())
    }

    /// Prints it at once.
    pub(crate) fn print(self) -> Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}}}", self.0)?;
        Ok(out.flush()?)
    }
}

/// Whether somebody says when the timed part begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Nobody does: it begins at once.
    Open,
    /// A line on standard input does.
    StandardInput,
}

impl Gate {
    /// Tells `line`, then waits to be let on.
    pub(crate) fn pass(self, line: Line) -> Result<()> {
        if self == Self::Open {
            return Ok(());
        }
        line.print()?;
        let mut answer = String::new();
        if io::stdin().lock().read_line(&mut answer)? == 0 {
            bail!("standard input ended");
        }
        Ok(())
    }
}
