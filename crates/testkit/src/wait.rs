//! Waiting for a condition: the only place where a test pauses.

use std::time::{Duration, Instant};

/// How long any wait of a test may take before it has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(5);

/// Asks until there is an answer, and returns it. For what can only be asked (a metric, a process's
/// state); a log line or a frame is waited for where it arrives.
#[track_caller]
pub fn eventually<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = answer() {
            return value;
        }
        assert!(Instant::now() < deadline, "gave up waiting for {what}");
        std::thread::park_timeout(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_again_until_there_is_an_answer() {
        let mut asked = 0;
        let answer = eventually("the third time", || {
            asked += 1;
            (asked == 3).then_some(asked)
        });
        assert_eq!(answer, 3);
    }
}
