//! What to make of the log's word on the time: how far the house's clock is to be moved by it. Knows
//! numbers only; who asks the log, and moves the clock, is the caretaker.
//!
//! One answer is not to be believed without bounds: after a failover another machine tells the time,
//! and if its clock is four minutes ahead, every hold with less left would lapse at once, on all
//! nodes, and the time in the shows' logs never goes back.

use crate::config::{CLOCK_BELIEVED_AFTER, CLOCK_OFF_MS_MAX, CLOCK_SLEW_MS};

/// Judges each answer by those before it and by the machine's own wall clock.
#[derive(Debug, Default)]
pub(super) struct Timekeeper {
    /// Whether the clock was set by the log before.
    is_set: bool,
    /// The jump that is not believed yet.
    doubted: Option<Doubted>,
}

#[derive(Debug)]
struct Doubted {
    /// How far the log was ahead of the clock when it was asked last.
    ahead_ms: i64,
    /// How often in a row it said so.
    answers: u32,
    agrees: bool,
}

/// How far the clock is to be moved, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All the way: it is set for the first time, or what it drifted is put right.
    Set(i64),
    /// All the way, though it is far: everything says so.
    Jump(i64),
    /// A little: the log jumped. `is_new` where this was not so the last time, or another clock is
    /// to blame.
    Slew { ms: i64, is_new: bool, blame: Blame },
}

/// Whose clock it seems to be that jumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// The log's: this machine's wall goes on as before.
    Log,
    /// The house's own, that was set by a wrong one before: log and wall agree against it.
    House,
}

impl Timekeeper {
    /// Judges. `log_ms` and `wall_ms` are how far the log and the wall are ahead of the clock (behind,
    /// if negative); `has_slept` where the machine was suspended, so that the clock stood still.
    pub(super) fn judge(&mut self, log_ms: i64, wall_ms: i64, has_slept: bool) -> Verdict {
        let is_near = log_ms.unsigned_abs() <= CLOCK_OFF_MS_MAX;
        if !self.is_set || is_near {
            (self.is_set, self.doubted) = (true, None);
            return Verdict::Set(log_ms);
        }
        // A wall that is off by itself is always a bit nearer to one of the two.
        let wall_agrees = log_ms.abs_diff(wall_ms) <= wall_ms.unsigned_abs() / 2;
        let before = self.doubted.take();
        let before = before.filter(|doubted| doubted.ahead_ms.abs_diff(log_ms) <= CLOCK_OFF_MS_MAX);
        let answers = before.as_ref().map_or(0, |doubted| doubted.answers) + 1;
        if wall_agrees && (has_slept || answers >= CLOCK_BELIEVED_AFTER) {
            return Verdict::Jump(log_ms);
        }
        let is_new = before.is_none_or(|doubted| doubted.agrees != wall_agrees);
        self.doubted = Some(Doubted { ahead_ms: log_ms, answers, agrees: wall_agrees });
        let blame = if wall_agrees { Blame::House } else { Blame::Log };
        Verdict::Slew { ms: log_ms.clamp(-CLOCK_SLEW_MS, CLOCK_SLEW_MS), is_new, blame }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR_MINUTES: i64 = 240_000;

    /// One that was set by the log and goes right.
    fn set() -> Timekeeper {
        let mut keeper = Timekeeper::default();
        assert_eq!(keeper.judge(5, 7, false), Verdict::Set(5));
        keeper
    }

    fn slewed(verdict: Verdict) -> (i64, Blame) {
        match verdict {
            Verdict::Slew { ms, blame, .. } => (ms, blame),
            Verdict::Set(_) | Verdict::Jump(_) => panic!("{verdict:?}"),
        }
    }

    #[test]
    fn a_node_that_starts_takes_the_logs_time_at_once_and_drift_is_put_right() {
        for off in [-FOUR_MINUTES, FOUR_MINUTES] {
            let mut keeper = Timekeeper::default();
            assert_eq!(keeper.judge(off, 0, false), Verdict::Set(off));
            assert_eq!(keeper.judge(1_000, 0, false), Verdict::Set(1_000));
            assert_eq!(keeper.judge(-1_000, 0, false), Verdict::Set(-1_000));
        }
    }

    #[test]
    fn a_log_whose_clock_jumps_alone_is_followed_slowly_for_as_long_as_it_says_so() {
        for jump in [-FOUR_MINUTES, -5_000, 5_000, FOUR_MINUTES] {
            let (mut keeper, mut moved) = (set(), 0);
            for nth in 1..=20 {
                let (ms, blame) = slewed(keeper.judge(jump - moved, -moved, false));
                moved += ms;
                assert_eq!((moved, blame), (nth * CLOCK_SLEW_MS * jump.signum(), Blame::Log));
            }
            // It fails back: no more than what was slewed is to be made good.
            assert_eq!(keeper.judge(-moved, -moved, false), Verdict::Set(-moved));
        }
    }

    #[test]
    fn a_hold_is_not_shortened_by_more_than_a_buyer_is_given_beyond_the_screen() {
        let looks = 300_000 / i64::try_from(crate::config::CLOCK_EVERY.as_millis()).expect("ms");
        assert!(looks * CLOCK_SLEW_MS < 5_000, "five minutes, and the five seconds of grace");
    }

    #[test]
    fn a_jump_is_believed_when_the_wall_agrees_and_the_log_says_so_again_and_again() {
        for jump in [-FOUR_MINUTES, FOUR_MINUTES] {
            let (mut keeper, mut moved) = (set(), 0);
            for _ in 1..CLOCK_BELIEVED_AFTER {
                let wall = jump - moved + 400;
                let (ms, blame) = slewed(keeper.judge(jump - moved, wall, false));
                assert_eq!(blame, Blame::House);
                moved += ms;
            }
            let left = jump - moved;
            assert_eq!(keeper.judge(left, left + 400, false), Verdict::Jump(left));
        }
    }

    #[test]
    fn answers_that_differ_are_not_believed_together() {
        let mut keeper = set();
        for nth in 1..10 {
            let off = nth * FOUR_MINUTES;
            assert_eq!(slewed(keeper.judge(off, off, false)), (CLOCK_SLEW_MS, Blame::House));
        }
    }

    #[test]
    fn a_wall_that_was_wrong_all_along_says_nothing_for_a_jump() {
        let mut keeper = set();
        for _ in 0..2 * CLOCK_BELIEVED_AFTER {
            let (_, blame) = slewed(keeper.judge(FOUR_MINUTES, 3_600_000, false));
            assert_eq!(blame, Blame::Log);
        }
    }

    #[test]
    fn it_is_said_once_that_the_log_jumped_and_again_when_another_is_to_blame() {
        for (walls, said) in [([0, 0], [true, false]), ([0, FOUR_MINUTES], [true, true])] {
            let mut keeper = set();
            let is_new = walls.map(|wall| match keeper.judge(FOUR_MINUTES, wall, false) {
                Verdict::Slew { is_new, .. } => is_new,
                other => panic!("{other:?}"),
            });
            assert_eq!(is_new, said);
        }
    }

    #[test]
    fn a_machine_that_slept_takes_the_logs_time_at_once_unless_its_wall_says_otherwise() {
        assert_eq!(set().judge(FOUR_MINUTES, FOUR_MINUTES, true), Verdict::Jump(FOUR_MINUTES));
        assert_eq!(slewed(set().judge(FOUR_MINUTES, 2_000, true)).1, Blame::Log);
    }
}
