//! The clock: the time of day, made to move only forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::show::Time;

/// Tells the time. Clones tell the same time.
///
/// The wall clock may be set back while a show runs; holds must not get longer by it, so the clock
/// then stands still until the wall has caught up.
#[derive(Clone, Debug)]
pub struct Clock {
    latest: Arc<AtomicU64>,
    by_hand: bool,
}

impl Clock {
    /// The machine's clock.
    pub fn of_the_wall() -> Self {
        Self { latest: Arc::default(), by_hand: false }
    }

    /// A clock that stands at `time` until it is moved: for tests and the simulation.
    pub fn by_hand(time: Time) -> Self {
        Self { latest: Arc::new(AtomicU64::new(time.0)), by_hand: true }
    }

    /// The time now.
    pub fn now(&self) -> Time {
        if self.by_hand {
            return Time(self.latest.load(Ordering::Relaxed));
        }
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        Time(self.latest.fetch_max(wall, Ordering::Relaxed).max(wall))
    }

    /// Moves a clock that is moved by hand; any other goes on by itself.
    pub fn pass(&self, ms: u64) {
        if self.by_hand {
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
    fn clones_tell_the_same_time() {
        let clock = Clock::by_hand(Time(5));
        let other = clock.clone();
        clock.pass(10);
        assert_eq!(other.now(), Time(15));
    }
}
