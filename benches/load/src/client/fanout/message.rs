//! What is published: a number, when it was due, and something to fill it up. All of it is ASCII without
//! quotes, so that it is the same in JSON.

use std::convert::Infallible;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::client::pattern;

/// Digits of the number, and of the nanoseconds from the first message to when this one was due.
const NUMBER: usize = 10;
const DUE: usize = 20;

/// Every message of a run, made as it is needed.
pub(super) struct Messages {
    began: Instant,
    gap: Duration,
    filler: Vec<u8>,
}

impl Messages {
    /// Of so many bytes each, and so far apart.
    pub(super) fn new(size: usize, gap: Duration) -> Result<Self> {
        let filler = size
            .checked_sub(NUMBER + DUE)
            .with_context(|| format!("a message has {} bytes at least", NUMBER + DUE))?;
        let letter = |byte: &u8| b'a' + byte % 26;
        Ok(Self {
            began: Instant::now(),
            gap,
            filler: pattern(filler).iter().map(letter).collect(),
        })
    }

    /// The first is due now.
    pub(super) fn begin(&mut self) {
        self.began = Instant::now();
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// When the message of this number is to leave.
    pub(super) fn due(&self, number: u64) -> Instant {
        self.began + Duration::from_nanos(self.nanos(number))
    }

    fn nanos(&self, number: u64) -> u64 {
        u64::try_from(self.gap.as_nanos())
            .unwrap_or(u64::MAX)
            .saturating_mul(number)
    }

    pub(super) fn text(&self, number: u64) -> String {
        let due = self.nanos(number);
        let filler = String::from_utf8_lossy(&self.filler);
        format!("{number:0NUMBER$}{due:0DUE$}{filler}")
    }

    /// The number of a message that came. An error if it is not what was published.
    pub(super) fn number(&self, payload: &[u8]) -> Result<u64> {
        let (number, rest) = digits(payload, NUMBER).context("a message without a number")?;
        let (due, filler) = digits(rest, DUE).context("a message without a time")?;
        ensure!(
            due == self.nanos(number) && filler == self.filler,
            "message {number} is not what was published"
        );
        Ok(number)
    }
}

fn digits(bytes: &[u8], count: usize) -> Option<(u64, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(count)?;
    let value = digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        value.checked_mul(10)?.checked_add(digit.into())
    })?;
    Some((value, rest))
}

/// A text in which `{n}` stands for the number of a channel, and `{text}` for a message.
#[derive(Clone, Debug)]
pub(super) struct Template(String);

impl Template {
    pub(super) fn of_channel(&self, channel: usize) -> String {
        self.0.replace("{n}", &channel.to_string())
    }

    pub(super) fn of_message(&self, channel: usize, text: &str) -> String {
        self.of_channel(channel).replace("{text}", text)
    }
}

impl FromStr for Template {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Messages {
        Messages::new(128, Duration::from_millis(250)).unwrap()
    }

    #[test]
    fn a_message_has_its_number_and_its_time() {
        let (messages, text) = (messages(), messages().text(7));
        assert_eq!(text.len(), 128);
        assert!(text.starts_with("000000000700000000001750000000"), "{text}");
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(messages.number(text.as_bytes()).unwrap(), 7);
        assert_eq!(
            messages.due(7) - messages.due(0),
            Duration::from_millis(1750)
        );
    }

    #[test]
    fn what_was_not_published_is_no_message() {
        let (messages, text) = (messages(), messages().text(7));
        for wrong in [
            text.replacen('7', "8", 1),
            text.replacen('7', "x", 1),
            text.chars().rev().collect(),
            text.chars().take(127).collect(),
            text.chars().take(20).collect(),
            String::new(),
        ] {
            assert!(messages.number(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(Messages::new(29, Duration::from_millis(1)).is_err());
    }

    #[test]
    fn a_template_is_filled_everywhere() {
        let template: Template =
            r#"{"channel":"c{n}","text":"{text}","id":"{n}"}"#.parse().unwrap();
        let filled = template.of_message(12, "hello");
        assert_eq!(filled, r#"{"channel":"c12","text":"hello","id":"12"}"#);
    }
}
