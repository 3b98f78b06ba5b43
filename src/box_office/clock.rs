//! The clock: the time of day, made to move only forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::show::Time;

/// Tells the time. Clones tell the same time.
///
/// The wall clock may be set back while a show runs; holds must not get longer by it, so the clock
/// then stands still until the wall has caught up. Where many nodes share a log, the wall is corrected
/// to the log's time, so that all go by one.
#[derive(Clone, Debug)]
pub struct Clock {
    latest: Arc<AtomicU64>,
    wall: Arc<Wall>,
}

/// Where the time comes from.
#[derive(Debug)]
enum Wall {
    /// Nowhere: it is moved by hand.
    ByHand,
    /// The machine's clock, which is so many milliseconds behind the time: by how much it is
    /// corrected, and, for tests, by how much it was made wrong.
    Machine { behind_ms: AtomicI64, wrong_by_ms: i64 },
}

impl Clock {
    /// The machine's clock.
    pub fn of_the_wall() -> Self {
        Self::of_a_wall_off_by(0)
    }

    /// The machine's clock, made wrong by so much, as one that nobody keeps in step is: for tests.
    pub fn of_a_wall_off_by(wrong_by_ms: i64) -> Self {
        let wall = Wall::Machine { behind_ms: AtomicI64::new(0), wrong_by_ms };
        Self { latest: Arc::default(), wall: Arc::new(wall) }
    }

    /// A clock that stands at `time` until it is moved: for tests and the simulation.
    pub fn by_hand(time: Time) -> Self {
        Self { latest: Arc::new(AtomicU64::new(time.0)), wall: Arc::new(Wall::ByHand) }
    }

    /// The time now.
    pub fn now(&self) -> Time {
        let Wall::Machine { behind_ms, .. } = &*self.wall else {
            return Time(self.latest.load(Ordering::Relaxed));
        };
        let now = self.wall().0.saturating_add_signed(behind_ms.load(Ordering::Relaxed));
        Time(self.latest.fetch_max(now, Ordering::Relaxed).max(now))
    }

    /// What the wall says, uncorrected: to be held against another clock.
    pub fn wall(&self) -> Time {
        let Wall::Machine { wrong_by_ms, .. } = &*self.wall else {
            return Time(self.latest.load(Ordering::Relaxed));
        };
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        Time(wall.saturating_add_signed(*wrong_by_ms))
    }

    /// From now on the wall is taken to be so far behind the time (ahead, if negative). What was told
    /// before stands: a clock that was ahead waits. One that is moved by hand is not corrected.
    pub fn correct(&self, behind: i64) {
        if let Wall::Machine { behind_ms, .. } = &*self.wall {
            behind_ms.store(behind, Ordering::Relaxed);
        }
    }

    /// Moves a clock that is moved by hand; any other goes on by itself.
    pub fn pass(&self, ms: u64) {
        if matches!(*self.wall, Wall::ByHand) {
            self.latest.fetch_add(ms, Ordering::Relaxed);
        }
    }
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
            clock.correct(-wrong_by);
            assert!(right.now().0.abs_diff(clock.now().0) < 1_000, "{wrong_by}");
        }
    }

    #[test]
    fn a_correction_never_sets_the_clock_back() {
        let clock = Clock::of_a_wall_off_by(5_000);
        let told = clock.now();
        clock.correct(-5_000);
        assert!(clock.now() >= told);
        assert!(clock.clone().now().0 < told.0 + 4_000, "it stands still until the time comes");
    }

    #[test]
    fn clones_tell_the_same_time() {
        let clock = Clock::by_hand(Time(5));
        let other = clock.clone();
        clock.pass(10);
        assert_eq!(other.now(), Time(15));
    }
}
