//! What is owed to those who wait, and for how long it has been.
//!
//! A log does not say when nobody was at work: a house that was closed for an hour called nobody in
//! it, and broke no promise by that. So only time is counted in which the house wrote, and of a
//! silence between two entries no more than a second.

use crate::show::Time;

/// The longest that may be owed. What follows is proposed in the same turn as its cause, or, where the
/// node that should have done so is gone, by another after some 75 ms; a turn that must do very much
/// does the rest in the next ones. Ten seconds are far from all that, and soon enough to be noticed.
const PROMPT_MS: u64 = 10_000;
/// How much a silence counts at most.
const SILENCE_MS: u64 = 1_000;

/// For how long something has been owed.
#[derive(Debug, Default)]
pub(super) struct Owed {
    last: Time,
    ms: u64,
    is_owed: bool,
}

impl Owed {
    /// Whether what is owed after an entry at `now`, if anything is, has not been for too long.
    pub(super) fn note(&mut self, owes: Option<String>, now: Time) -> Result<(), String> {
        if self.is_owed {
            self.ms += now.ms_since(self.last).min(SILENCE_MS);
        }
        self.last = now;
        self.is_owed = owes.is_some();
        let Some(what) = owes else {
            self.ms = 0;
            return Ok(());
        };
        match self.ms > PROMPT_MS {
            true => Err(format!("{what}, since {} ms in which the house was at work", self.ms)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes at these times whether something is owed; which of them is the first that is too late.
    fn too_late(notes: &[(u64, bool)]) -> Option<usize> {
        let mut owed = Owed::default();
        let said = |(at, owes): &(u64, bool)| {
            owed.note(owes.then(|| "a place is free".to_owned()), Time(*at)).is_err()
        };
        notes.iter().position(said)
    }

    #[test]
    fn what_is_owed_for_long_is_a_break_and_a_closed_house_owes_nothing() {
        let every = |ms: u64, many: u64| (0..=many).map(|n| (n * ms, true)).collect::<Vec<_>>();
        assert_eq!(too_late(&every(500, 20)), None, "ten seconds");
        assert_eq!(too_late(&every(500, 21)), Some(21));
        assert_eq!(too_late(&every(3_600_000, 10)), None, "silence, ten times, is ten seconds");
        assert_eq!(too_late(&every(3_600_000, 11)), Some(11));
        let mut done_between = every(500, 40);
        done_between[20].1 = false;
        assert_eq!(too_late(&done_between), None);
    }
}
