//! What a child process has printed so far, and a way to wait for the line that matters.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;

use crate::wait::PATIENCE;

/// The lines of one output stream: JSON where a line is JSON, a string otherwise.
#[derive(Debug, Default)]
pub struct Lines {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<Value>,
    ended: bool,
}

impl Lines {
    /// Reads `stream` to its end on a thread of its own.
    pub fn collect(stream: impl Read + Send + 'static) -> Arc<Self> {
        let lines = Arc::new(Self::default());
        let reader = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                reader.push(&line);
            }
            reader.end();
        });
        lines
    }

    /// All lines so far.
    pub fn so_far(&self) -> Vec<Value> {
        self.lock().lines.clone()
    }

    /// The first line, old or new, that `wanted` accepts. Fails when the stream ends without it.
    #[track_caller]
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_for_many(1, what, wanted).remove(0)
    }

    /// The first `count` lines that `wanted` accepts.
    #[track_caller]
    pub fn wait_for_many(
        &self,
        count: usize,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.lock();
        loop {
            let found: Vec<_> = state
                .lines
                .iter()
                .filter(|line| wanted(line))
                .take(count)
                .collect();
            if found.len() == count {
                return found.into_iter().cloned().collect();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "gave up waiting for {what}: {} of {count}",
                found.len()
            );
            assert!(
                !state.ended,
                "the output ended without {what}: {} of {count}",
                found.len()
            );
            state = self
                .changed
                .wait_timeout(state, left)
                .expect("a reader panicked")
                .0;
        }
    }

    /// Waits for the end of the stream and gives back all of it.
    #[track_caller]
    pub fn to_end(&self) -> Vec<Value> {
        let (state, timeout) = self
            .changed
            .wait_timeout_while(self.lock(), PATIENCE, |state| !state.ended)
            .expect("a reader panicked");
        assert!(
            !timeout.timed_out(),
            "gave up waiting for the end of the output"
        );
        state.lines.clone()
    }

    fn push(&self, line: &str) {
        let value = serde_json::from_str(line).unwrap_or_else(|_| Value::String(line.to_owned()));
        self.lock().lines.push(value);
        self.changed.notify_all();
    }

    fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A wait that gave up has poisoned it, and the log is then wanted most.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a log line is the one with this message.
pub fn message(line: &Value, text: &str) -> bool {
    line["message"] == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_line_that_is_json_and_keeps_one_that_is_not() {
        let lines = Lines::collect(&b"{\"message\":\"ready\"}\nplain\n"[..]);
        lines.wait_for("ready", |line| message(line, "ready"));
        assert_eq!(lines.to_end()[1], Value::String("plain".to_owned()));
    }

    #[test]
    #[should_panic(expected = "the output ended without more: 1 of 2")]
    fn says_what_never_came() {
        Lines::collect(&b"{}\n"[..]).wait_for_many(2, "more", |_| true);
    }
}
