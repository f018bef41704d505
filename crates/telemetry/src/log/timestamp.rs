//! The time of a line: UTC, to the microsecond, as RFC 3339 has it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;

/// `2026-11-23T04:33:00.000000Z`.
pub(super) const LEN: usize = 27;

/// Appends now.
pub(super) fn push(line: &mut Vec<u8>) {
    // A clock before 1970 is no reason to fail.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    line.extend_from_slice(&text(since));
}

fn text(since: Duration) -> [u8; LEN] {
    let seconds = since.as_secs();
    let (year, month, day) = date(seconds / DAY);
    let time = seconds % DAY;
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let (micros, [hour, minute, second]) = (
        u64::from(since.subsec_micros()),
        [time / 3600, time / 60 % 60, time % 60],
    );
    let fields = [
        (0, 4, year),
        (5, 2, month),
        (8, 2, day),
        (11, 2, hour),
        (14, 2, minute),
        (17, 2, second),
        (20, 6, micros),
    ];
    for (at, digits, value) in fields {
        put(&mut text, at, digits, value);
    }
    text
}

/// The digits of `value` from `at` on.
fn put(text: &mut [u8; LEN], at: usize, digits: usize, value: u64) {
    let mut rest = value;
    for place in text.iter_mut().skip(at).take(digits).rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
}

/// Year, month and day of a day after 1970-01-01. It counts in years that begin in March, so that the
/// leap day is the last.
fn date(days: u64) -> (u64, u64, u64) {
    /// Days of 400 years, and from 0000-03-01 to 1970-01-01.
    const ERA: u64 = 146_097;
    const BEFORE: u64 = 719_468;
    let days = days + BEFORE;
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, micros: u32) -> String {
        let text = text(Duration::new(seconds, micros * 1000));
        String::from_utf8(text.to_vec()).expect("ASCII")
    }

    /// As `date -u -d @SECONDS` says.
    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(at(951_782_400, 1), "2000-02-29T00:00:00.000001Z");
        assert_eq!(at(951_868_799, 999_999), "2000-02-29T23:59:59.999999Z");
        assert_eq!(at(1_795_742_383, 123_456), "2026-11-27T01:19:43.123456Z");
        assert_eq!(at(1_709_251_199, 0), "2024-02-29T23:59:59.000000Z");
        assert_eq!(at(4_107_542_400, 0), "2100-03-01T00:00:00.000000Z");
        assert_eq!(at(4_107_542_399, 0), "2100-02-28T23:59:59.000000Z");
    }
}
