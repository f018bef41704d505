//! Turns by a stagger whose clock may go slower than the real one. Times are counted from the beginning.

use std::time::Duration;

use crate::stagger::Stagger;

/// See the module.
#[derive(Debug)]
pub(super) struct Course {
    stagger: Stagger,
    slots: usize,
    used: usize,
    /// When the last has to have been asked, whatever the others do.
    by: Duration,
    /// The time by the stagger's clock, at `at`.
    gone: Duration,
    at: Duration,
    /// How fast that clock goes from then on: 1, or less.
    speed: f64,
}

impl Course {
    pub(super) fn new(stagger: Stagger, slots: usize, by: Duration) -> Self {
        Self {
            stagger,
            slots,
            used: 0,
            by: by.max(stagger.over()),
            gone: Duration::ZERO,
            at: Duration::ZERO,
            speed: 1.0,
        }
    }

    /// From now on at this speed, or as much faster as it takes to be through in time.
    pub(super) fn go(&mut self, now: Duration, speed: f64) {
        let passed = now.saturating_sub(self.at);
        self.gone = self.gone.saturating_add(slowed(passed, self.speed));
        self.at = self.at.max(now);
        let rest = self.rest().as_secs_f64();
        let most = self.by.saturating_sub(self.at).as_secs_f64();
        let slowest = if rest < most { rest / most } else { 1.0 };
        self.speed = speed.clamp(slowest, 1.0);
    }

    /// When the next turn is.
    pub(super) fn due(&self) -> Duration {
        let moment = self.stagger.moment(self.used, self.slots);
        let wait = stretched(moment.saturating_sub(self.gone), self.speed);
        self.at.saturating_add(wait)
    }

    /// The turn was taken.
    pub(super) fn take(&mut self) {
        self.used = self.used.saturating_add(1);
    }

    /// How many turns there still are.
    pub(super) fn left(&self) -> usize {
        self.slots.saturating_sub(self.used)
    }

    /// How long it takes at this speed.
    pub(super) fn remaining(&self, now: Duration) -> Duration {
        if self.left() == 0 {
            return Duration::ZERO;
        }
        let end = self.at.saturating_add(stretched(self.rest(), self.speed));
        end.saturating_sub(now)
    }

    fn rest(&self) -> Duration {
        self.stagger.over().saturating_sub(self.gone)
    }
}

/// A time as a clock sees it that goes at `speed`. Exact at full speed.
fn slowed(time: Duration, speed: f64) -> Duration {
    if speed >= 1.0 {
        return time;
    }
    let slowed = Duration::try_from_secs_f64(time.as_secs_f64() * speed);
    slowed.unwrap_or(time)
}

/// How long it takes until a time is over by a clock that goes at `speed`. Exact at full speed.
fn stretched(time: Duration, speed: f64) -> Duration {
    if speed >= 1.0 {
        return time;
    }
    let stretched = Duration::try_from_secs_f64(time.as_secs_f64() / speed);
    stretched.unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn alone_turns_come_at_the_moments_of_the_stagger() {
        let stagger = Stagger::new(MINUTE, 11);
        let mut course = Course::new(stagger, 50, MINUTE * 2);
        for moment in stagger.offsets(50) {
            course.go(moment.saturating_sub(Duration::from_millis(3)), 1.0);
            assert_eq!(course.due(), moment);
            course.take();
        }
        assert_eq!(
            (course.left(), course.remaining(MINUTE)),
            (0, Duration::ZERO)
        );
    }

    #[test]
    fn half_as_fast_takes_twice_as_long() {
        let mut course = Course::new(Stagger::new(MINUTE, 11), 1000, Duration::MAX);
        course.go(Duration::ZERO, 0.5);
        assert_eq!(course.remaining(Duration::ZERO), MINUTE * 2);
        course.go(MINUTE, 1.0);
        assert_eq!(course.remaining(MINUTE), MINUTE / 2);
        assert_eq!(course.remaining(MINUTE + seconds(10)), seconds(20));
    }

    #[test]
    fn the_last_is_asked_in_time_whatever_the_others_do() {
        let by = MINUTE + seconds(10);
        let mut course = Course::new(Stagger::new(MINUTE, 11), 1000, by);
        let (mut now, mut speeds) = (Duration::ZERO, [1.0, 0.0, 0.3].into_iter().cycle());
        while course.left() > 0 {
            course.go(now, speeds.next().expect("a cycle"));
            now = course.due();
            assert!(now <= by + Duration::from_micros(1), "{now:?}");
            course.take();
        }
        assert!(now > MINUTE);
    }

    #[test]
    fn a_deadline_before_the_planned_end_slows_nothing() {
        let mut course = Course::new(Stagger::new(MINUTE, 11), 10, seconds(1));
        course.go(Duration::ZERO, 0.0);
        assert_eq!(course.remaining(Duration::ZERO), MINUTE);
    }
}
