//! The caretaker: looks after what no show's task can, while the house is open. Holds the clock
//! against the log's, asks whether the log still keeps what it should, and counts how long it was
//! away.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::box_office::Clock;
use crate::config::{
    CLOCK_EVERY, CLOCK_FIRST_TRIES, CLOCK_OFF_MS_MAX, CLOCK_ROUND_TRIP_MAX, DURABILITY_EVERY,
};
use crate::log::redis::OpenError;
use crate::log::{Answer, Log};
use crate::show::Time;
use crate::web::House;

use super::StartError;

/// How often it looks whether the log is away.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Asks whether acknowledgements mean what they should.
pub(super) type DurabilityCheck =
    Box<dyn Fn() -> Answer<'static, Result<(), OpenError>> + Send + Sync>;

pub(super) struct Caretaker {
    log: Arc<dyn Log>,
    clock: Clock,
    house: Arc<House>,
    check_durability: Option<DurabilityCheck>,
    /// What was said of the clock last.
    clock_is: Kept,
    /// What was said of durability last.
    weaker: Option<String>,
}

/// How a clock keeps time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Well,
    Ahead,
    Behind,
}

impl Kept {
    fn of(ahead_ms: i64) -> Self {
        match ahead_ms {
            ahead if ahead.unsigned_abs() <= CLOCK_OFF_MS_MAX => Self::Well,
            0.. => Self::Ahead,
            _ => Self::Behind,
        }
    }
}

impl Caretaker {
    pub(super) fn new(
        log: Arc<dyn Log>,
        clock: Clock,
        house: Arc<House>,
        check_durability: Option<DurabilityCheck>,
    ) -> Self {
        Self { log, clock, house, check_durability, clock_is: Kept::Well, weaker: None }
    }

    /// Looks after everything, for ever.
    pub(super) async fn care(mut self) -> Infallible {
        let mut looked = Instant::now();
        let (mut clock_at, mut durability_at) = (looked, looked + DURABILITY_EVERY);
        let mut was_away = false;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = Instant::now();
            let is_away = self.house.offices.log_is_away();
            if is_away || was_away {
                self.house.condition.log_was_away(now - looked);
            }
            if was_away && !is_away {
                // It may be another one that answers now, set otherwise.
                durability_at = now;
            }
            (looked, was_away) = (now, is_away);
            if now >= clock_at && !is_away {
                clock_at = now + CLOCK_EVERY;
                self.look_at_the_clock().await;
            }
            if now >= durability_at && !is_away {
                durability_at = now + DURABILITY_EVERY;
                self.look_at_durability().await;
            }
        }
    }

    /// Holds the clock against the log's before anything goes by it: one that was ahead when it was
    /// first asked would have to stand still later.
    ///
    /// # Errors
    /// The log has a time, and does not tell it.
    pub(super) async fn set_the_clock(&mut self) -> Result<(), StartError> {
        for _ in 0..CLOCK_FIRST_TRIES {
            if self.look_at_the_clock().await {
                return Ok(());
            }
        }
        Err(StartError::NoTime)
    }

    /// Holds the clock against the log's, and corrects it by the difference; whether it could.
    async fn look_at_the_clock(&mut self) -> bool {
        let (before, asked) = (self.clock.wall(), Instant::now());
        let there = match tokio::time::timeout(CLOCK_ROUND_TRIP_MAX, self.log.time()).await {
            Ok(Ok(Some(there))) => there,
            // There is none to hold it against: the machine's is as good as any.
            Ok(Ok(None)) => return true,
            // It says nothing just now. Meanwhile this one drifts little.
            Ok(Err(_)) | Err(_) => return false,
        };
        // The answer was made somewhere on its way there and back: half of it is the best guess.
        let half = u64::try_from(asked.elapsed().as_millis() / 2).unwrap_or(u64::MAX);
        self.clock.correct(Time(there).plus_ms(half));
        let here = before.plus_ms(half).0;
        let ahead = i64::try_from(here).unwrap_or(i64::MAX).saturating_sub_unsigned(there);
        self.house.condition.set_clock_offset_ms(ahead);
        let clock_is = Kept::of(ahead);
        if clock_is != self.clock_is {
            match clock_is {
                Kept::Well => {
                    tracing::info!(off_by_ms = ahead, "the machine's clock is right again")
                }
                Kept::Ahead | Kept::Behind => tracing::warn!(
                    off_by_ms = ahead,
                    "the machine's clock is off: the log's time is used; keep the clock in step"
                ),
            }
        }
        self.clock_is = clock_is;
        true
    }

    async fn look_at_durability(&mut self) {
        let Some(check) = &self.check_durability else { return };
        let weaker = match check().await {
            Ok(()) => None,
            Err(error @ OpenError::Unfit { .. }) => Some(error.to_string()),
            // Nothing is known: that the log is away is told elsewhere.
            Err(OpenError::Unavailable { .. }) => return,
        };
        self.house.condition.set_durability_weaker(weaker.is_some());
        match &weaker {
            Some(why) if self.weaker.as_ref() != Some(why) => {
                tracing::error!(why, "acknowledgements are worth less than was asked for");
            }
            None if self.weaker.is_some() => {
                tracing::info!("acknowledgements are worth what was asked for again");
            }
            _ => {}
        }
        self.weaker = weaker;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_by_more_than_a_second_either_way() {
        let table = [
            (0, Kept::Well),
            (1_000, Kept::Well),
            (-1_000, Kept::Well),
            (1_001, Kept::Ahead),
            (-1_001, Kept::Behind),
            (i64::MIN, Kept::Behind),
        ];
        for (ahead, kept) in table {
            assert_eq!(Kept::of(ahead), kept, "{ahead}");
        }
    }
}
