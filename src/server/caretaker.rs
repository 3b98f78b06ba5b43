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
use super::timekeeper::{Blame, Timekeeper, Verdict};

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
    timekeeper: Timekeeper,
    /// Whether the machine slept since the log was last asked for its time.
    has_slept: bool,
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
        Self {
            log,
            clock,
            house,
            check_durability,
            timekeeper: Timekeeper::default(),
            has_slept: false,
            clock_is: Kept::Well,
            weaker: None,
        }
    }

    /// Looks after everything, for ever.
    pub(super) async fn care(mut self) -> Infallible {
        let mut looked = Instant::now();
        let (mut clock_at, mut durability_at) = (looked, looked + DURABILITY_EVERY);
        let mut was_away = false;
        let mut wall = self.clock.wall();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = Instant::now();
            // A machine that is suspended counts no time but on its wall.
            let wall_before = std::mem::replace(&mut wall, self.clock.wall());
            self.has_slept |= has_slept(now - looked, wall_before, wall);
            let is_away = self.house.offices.log_is_away();
            if is_away || was_away {
                self.house.condition.log_was_away(now - looked);
            }
            if was_away && !is_away {
                // It may be another one that answers now, set otherwise.
                durability_at = now;
            }
            (looked, was_away) = (now, is_away);
            // Asked also while shows are away, for it may be that other servers answer.
            if now >= clock_at || self.has_slept {
                clock_at = now + CLOCK_EVERY;
                let is_known = self.look_at_the_clock().await;
                // What was connected before the sleep may be so no more: asked until it is known.
                self.has_slept &= !is_known;
            }
            if now >= durability_at {
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
        self.heed(Time(there).plus_ms(half));
        let here = before.plus_ms(half).0;
        let ahead = ahead_ms(Time(here), Time(there));
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

    /// Moves the clock by what the log's word is worth.
    fn heed(&mut self, there: Time) {
        let (counted, wall) = (self.clock.counted(), self.clock.wall());
        let log_ms = ahead_ms(there, counted);
        let verdict = self.timekeeper.judge(log_ms, ahead_ms(wall, counted), self.has_slept);
        let ms = match verdict {
            Verdict::Set(ms) | Verdict::Jump(ms) | Verdict::Slew { ms, .. } => ms,
        };
        self.clock.correct(Time(counted.0.saturating_add_signed(ms)));
        match verdict {
            Verdict::Jump(by_ms) if self.has_slept => {
                tracing::warn!(by_ms, "this machine slept: its clock is set by the log's");
            }
            Verdict::Jump(by_ms) => {
                tracing::error!(
                    by_ms,
                    "the house's clock jumps: the log's and this machine's agree"
                );
            }
            Verdict::Slew { is_new: true, blame: Blame::Log, .. } => tracing::error!(
                by_ms = log_ms,
                "the log's clock has jumped and this machine's has not: it is followed slowly; \
                 mend the clock of the machine that keeps the log"
            ),
            Verdict::Slew { is_new: true, blame: Blame::House, .. } => tracing::error!(
                by_ms = log_ms,
                "the log's clock and this machine's agree that the house's is off: it is set by them \
                 if they go on to"
            ),
            Verdict::Set(_) | Verdict::Slew { is_new: false, .. } => {}
        }
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

/// How far `one` is ahead of `other`; behind, if negative.
fn ahead_ms(one: Time, other: Time) -> i64 {
    i64::try_from(one.0).unwrap_or(i64::MAX).saturating_sub_unsigned(other.0)
}

/// Whether the machine was suspended: more time passed on its wall than was counted. (Or the wall was
/// set: then the log is asked once too often.)
fn has_slept(counted: Duration, wall_before: Time, wall: Time) -> bool {
    let counted_ms = u64::try_from(counted.as_millis()).unwrap_or(u64::MAX);
    wall.ms_since(wall_before).abs_diff(counted_ms) > CLOCK_OFF_MS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_slept_when_its_wall_went_on_and_nothing_was_counted() {
        let (before, second) = (Time(1_800_000_000_000), Duration::from_secs(1));
        for (wall_ms, slept) in [(1_000, false), (2_000, false), (2_001, true), (600_000, true)] {
            assert_eq!(has_slept(second, before, before.plus_ms(wall_ms)), slept, "{wall_ms}");
        }
        // A look that took long is no sleep.
        assert!(!has_slept(60 * second, before, before.plus_ms(60_000)));
    }

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
