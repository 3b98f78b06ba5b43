//! How fast numbers are called: measured over the last minutes, and not guessed.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::show::Time;

/// Over how long it is measured.
const OVER_MS: u64 = 5 * 60_000;
/// What was seen for less than this says nothing.
const SEEN_MS_MIN: u64 = 60_000;
/// How often it is noted.
const EVERY_MS: u64 = 1_000;

/// What was seen of one show's counter.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<VecDeque<(Time, u64)>>);

impl Pace {
    /// The counter is at `serving`.
    pub(super) fn note(&self, serving: u64, now: Time) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.back().is_none_or(|(at, _)| now.ms_since(*at) >= EVERY_MS) {
            seen.push_back((now, serving));
        }
        // One from before the time it is measured over stays: that is where it begins.
        while seen.get(1).is_some_and(|(at, _)| now.ms_since(*at) >= OVER_MS) {
            seen.pop_front();
        }
    }

    /// How many numbers a minute were called; none where it was seen for too short a time, or nobody
    /// was called.
    pub(super) fn per_minute(&self, serving: u64, now: Time) -> Option<u64> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, before) = *seen.front()?;
        let ms = now.ms_since(since);
        let called = serving.checked_sub(before).filter(|called| *called > 0)?;
        (ms >= SEEN_MS_MIN).then(|| (called * 60_000 / ms).max(1))
    }

    /// Another history: what was seen says nothing of it.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: Time = Time(1_000_000);

    #[test]
    fn nothing_is_said_before_a_minute_was_seen_nor_where_nobody_was_called() {
        let pace = Pace::default();
        assert_eq!(pace.per_minute(100, BEGAN), None);
        pace.note(100, BEGAN);
        assert_eq!(pace.per_minute(130, BEGAN.plus_ms(59_999)), None);
        assert_eq!(pace.per_minute(130, BEGAN.plus_ms(60_000)), Some(30));
        assert_eq!(pace.per_minute(100, BEGAN.plus_ms(60_000)), None);
    }

    #[test]
    fn it_is_measured_over_the_last_minutes_and_slows_down_with_the_line() {
        let pace = Pace::default();
        // Sixty a minute for ten minutes, then nobody.
        for second in 0..=600 {
            pace.note(second, BEGAN.plus_ms(second * 1_000));
        }
        assert_eq!(pace.per_minute(600, BEGAN.plus_ms(600_000)), Some(60));
        let minute_later = pace.per_minute(600, BEGAN.plus_ms(660_000));
        assert!(minute_later.is_some_and(|rate| rate < 60), "{minute_later:?}");
        for second in 600..=1_200 {
            pace.note(600, BEGAN.plus_ms(second * 1_000));
        }
        assert_eq!(pace.per_minute(600, BEGAN.plus_ms(1_200_000)), None);
    }
}
