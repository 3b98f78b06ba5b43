//! The clock: the time of day, made to move only forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::show::Time;

/// Tells the time. Clones tell the same time.
///
/// The wall clock may be set back while a show runs; holds must not get longer by it, so the clock
/// then stands still until the wall has caught up. Where many nodes share a log, the clock is
/// corrected to the log's time, so that all go by one; from then on it counts on by itself, and a
/// wall that is set otherwise in between cannot put a wrong time into the log. How far a log is
/// followed whose own clock jumps is the caretaker's to judge.
#[derive(Clone, Debug)]
pub struct Clock {
    latest: Arc<AtomicU64>,
    source: Arc<Source>,
}

/// Where the time comes from.
#[derive(Debug)]
enum Source {
    /// Nowhere: it is moved by hand.
    Hand,
    /// The machine.
    Machine {
        /// What it counts from.
        began: Instant,
        /// What the time was when it began; [`NOT_CORRECTED`] before that is known.
        began_at_ms: AtomicI64,
        /// By how much its wall clock was made wrong: for tests.
        wrong_by_ms: AtomicI64,
    },
}

/// Nobody has said what the time is but the wall.
const NOT_CORRECTED: i64 = i64::MIN;

impl Clock {
    /// The machine's clock.
    pub fn of_the_wall() -> Self {
        Self::of_a_wall_off_by(0)
    }

    /// The machine's clock, made wrong by so much, as one that nobody keeps in step is: for tests.
    pub fn of_a_wall_off_by(wrong_by_ms: i64) -> Self {
        let source = Source::Machine {
            began: Instant::now(),
            began_at_ms: AtomicI64::new(NOT_CORRECTED),
            wrong_by_ms: AtomicI64::new(wrong_by_ms),
        };
        Self { latest: Arc::default(), source: Arc::new(source) }
    }

    /// A clock that stands at `time` until it is moved: for tests and the simulation.
    pub fn by_hand(time: Time) -> Self {
        Self { latest: Arc::new(AtomicU64::new(time.0)), source: Arc::new(Source::Hand) }
    }

    /// The time now.
    pub fn now(&self) -> Time {
        let Time(now) = self.counted();
        Time(self.latest.fetch_max(now, Ordering::Relaxed).max(now))
    }

    /// What the clock has counted: the time now, or less while one that was ahead waits.
    pub fn counted(&self) -> Time {
        let Source::Machine { began, began_at_ms, .. } = &*self.source else {
            return Time(self.latest.load(Ordering::Relaxed));
        };
        match began_at_ms.load(Ordering::Relaxed) {
            NOT_CORRECTED => self.wall(),
            began_at => Time(whole_ms(began.elapsed()).saturating_add_signed(began_at)),
        }
    }

    /// What the wall says, uncorrected: to be held against another clock.
    pub fn wall(&self) -> Time {
        let Source::Machine { wrong_by_ms, .. } = &*self.source else {
            return Time(self.latest.load(Ordering::Relaxed));
        };
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time(whole_ms(wall).saturating_add_signed(wrong_by_ms.load(Ordering::Relaxed)))
    }

    /// It is `now`. What was told before stands: a clock that was ahead waits. One that is moved by
    /// hand is not corrected.
    pub fn correct(&self, now: Time) {
        if let Source::Machine { began, began_at_ms, .. } = &*self.source {
            let passed = whole_ms(began.elapsed());
            let began_at = i64::try_from(now.0).unwrap_or(i64::MAX).saturating_sub_unsigned(passed);
            began_at_ms.store(began_at, Ordering::Relaxed);
        }
    }

    /// Moves a clock that is moved by hand; any other goes on by itself.
    pub fn pass(&self, ms: u64) {
        if matches!(*self.source, Source::Hand) {
            self.latest.fetch_add(ms, Ordering::Relaxed);
        }
    }
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back() {
        let clock = Clock::of_the_wall();
        clock.latest.store(u64::MAX / 2, Ordering::Relaxed);
        assert_eq!(clock.now(), Time(u64::MAX / 2), "the wall is behind what was told before");
    }

    #[test]
    fn a_wrong_wall_tells_the_right_time_once_it_is_corrected() {
        let right = Clock::of_the_wall();
        for wrong_by in [-5_000, 5_000, 86_400_000] {
            let clock = Clock::of_a_wall_off_by(wrong_by);
            assert!(right.wall().0.abs_diff(clock.wall().0) >= wrong_by.unsigned_abs() - 1_000);
            clock.correct(right.wall());
            assert!(right.now().0.abs_diff(clock.now().0) < 1_000, "{wrong_by}");
        }
    }

    #[test]
    fn a_correction_never_sets_the_clock_back() {
        let clock = Clock::of_a_wall_off_by(5_000);
        let told = clock.now();
        clock.correct(Clock::of_the_wall().now());
        assert!(clock.now() >= told);
        assert!(clock.clone().now().0 < told.0 + 4_000, "it stands still until the time comes");
    }

    #[test]
    fn a_corrected_clock_goes_on_and_does_not_follow_a_wall_that_jumps() {
        let right = Clock::of_the_wall();
        let clock = Clock::of_the_wall();
        clock.correct(right.now());
        if let Source::Machine { wrong_by_ms, .. } = &*clock.source {
            wrong_by_ms.store(3_600_000, Ordering::Relaxed);
        }
        assert!(clock.wall().0 > right.wall().0 + 3_000_000, "the wall has jumped");
        assert!(clock.now().0.abs_diff(right.now().0) < 1_000);
        let before = clock.now();
        while clock.now() == before {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn what_is_counted_says_how_long_a_clock_that_was_ahead_will_wait() {
        let clock = Clock::of_a_wall_off_by(5_000);
        let told = clock.now();
        clock.correct(Clock::of_the_wall().now());
        assert!(told.0.abs_diff(clock.counted().0 + 5_000) < 1_000);
        assert_eq!(Clock::by_hand(Time(7)).counted(), Time(7));
    }

    #[test]
    fn clones_tell_the_same_time() {
        let clock = Clock::by_hand(Time(5));
        let other = clock.clone();
        clock.pass(10);
        assert_eq!(other.now(), Time(15));
    }
}
