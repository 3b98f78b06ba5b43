//! The lives of a stream: which epoch each stretch of its history belongs to.
//!
//! A stream begins its first life with its genesis. When history that somebody knew is lost (a
//! failover that forgot the tail, a backup put back), what is left goes on in a new life, so that
//! nobody takes a position of the lost one for one of this. Entries keep their places, and the chain
//! runs on through the lives: a head that was published before the loss, and of what was not lost,
//! can still be held against the log.

use std::fmt;
use std::str::FromStr;

use super::{Chain, Position};

/// A life, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Its name: random, never 0.
    pub epoch: u64,
    /// The place it begins after: its first entry is the next one.
    pub after: u64,
}

/// All lives of a stream, the oldest first; at least one, the first after 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lives {
    first: u64,
    later: Vec<Life>,
}

impl Lives {
    /// The one life of a new stream.
    pub fn first(epoch: u64) -> Self {
        Self { first: epoch, later: Vec::new() }
    }

    /// The epoch of the life the stream is in.
    pub fn now(&self) -> u64 {
        self.later.last().map_or(self.first, |life| life.epoch)
    }

    /// The epoch of the first life.
    pub fn oldest(&self) -> u64 {
        self.first
    }

    /// The lives after the first, in order.
    pub fn later(&self) -> &[Life] {
        &self.later
    }

    /// The same, going on as `epoch` after `after`. Lives that began later than that are forgotten:
    /// nothing of them is left.
    #[must_use]
    pub fn renewed(self, epoch: u64, after: u64) -> Self {
        let mut lives = self.up_to(after);
        lives.later.push(Life { epoch, after });
        lives
    }

    /// Whether the stream has left the life `epoch` behind for a later one. A life that it does not
    /// know is one that was lost.
    pub fn has_left(&self, epoch: u64) -> bool {
        let known = self.first == epoch || self.later.iter().any(|life| life.epoch == epoch);
        known && self.now() != epoch
    }

    /// Whether `epoch` is to begin for somebody who lost `lost`: not where the stream has left that
    /// behind already, nor where this was asked before and has begun.
    pub fn is_to_begin(&self, epoch: u64, lost: u64) -> bool {
        !self.has_left(lost) && self.now() != epoch
    }

    /// The same, as it was when there were only the entries up to `last`.
    #[must_use]
    pub fn up_to(mut self, last: u64) -> Self {
        self.later.retain(|life| life.after <= last);
        self
    }

    /// Whether `position` is one of this history, as far as its lives can tell.
    pub fn has(&self, position: Position) -> bool {
        let all = std::iter::once(Life { epoch: self.first, after: 0 });
        let all: Vec<Life> = all.chain(self.later.iter().copied()).collect();
        let ends = all.iter().skip(1).map(|next| next.after).chain([u64::MAX]);
        let mut stretches = all.iter().zip(ends);
        stretches.any(|(life, end)| {
            life.epoch == position.epoch && (life.after..=end).contains(&position.seq)
        })
    }

    /// The epoch and the chain with which the history goes on after the entry at `seq`, which left
    /// `chain` in the life `epoch`: the same, unless a new life begins there.
    pub fn onward(&self, seq: u64, epoch: u64, chain: Chain) -> (u64, Chain) {
        let begins_here = |life: &&Life| life.after == seq && !self.is_reached(epoch, life);
        self.later
            .iter()
            .filter(begins_here)
            .fold((epoch, chain), |(_, chain), life| (life.epoch, chain.renewed(life.epoch)))
    }

    /// The epoch of the entry at `seq`: of the life that had begun when it was appended.
    pub fn epoch_of(&self, seq: u64) -> u64 {
        let begun = self.later.iter().rev().find(|life| life.after < seq);
        begun.map_or(self.first, |life| life.epoch)
    }

    /// Whether a history that is in the life `epoch` has `life` behind it.
    fn is_reached(&self, epoch: u64, life: &Life) -> bool {
        let place = |epoch| self.later.iter().position(|later| later.epoch == epoch);
        place(life.epoch) <= place(epoch)
    }
}

/// `EPOCH EPOCH@AFTER …`, all decimal: how backends keep it and people read it.
impl fmt::Display for Lives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.later.iter().try_for_each(|life| write!(f, " {}@{}", life.epoch, life.after))
    }
}

/// Text that is not a stream's lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are no lives of a stream")]
pub struct NotLives;

impl FromStr for Lives {
    type Err = NotLives;

    fn from_str(text: &str) -> Result<Self, NotLives> {
        let mut words = text.split(' ');
        let first = words.next().and_then(|word| word.parse().ok()).ok_or(NotLives)?;
        let later = words.map(|word| {
            let (epoch, after) = word.split_once('@').ok_or(NotLives)?;
            let number = |text: &str| text.parse::<u64>().map_err(|_| NotLives);
            Ok(Life { epoch: number(epoch)?, after: number(after)? })
        });
        let later = later.collect::<Result<Vec<_>, _>>()?;
        if later.is_sorted_by_key(|life| life.after) {
            Ok(Self { first, later })
        } else {
            Err(NotLives)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: u64, seq: u64) -> Position {
        Position { epoch, seq }
    }

    #[test]
    fn a_position_is_of_the_history_only_in_its_own_stretch() {
        let lives = Lives::first(7).renewed(8, 900).renewed(9, 900);
        for known in [at(7, 0), at(7, 900), at(8, 900), at(9, 900), at(9, 5_000)] {
            assert!(lives.has(known), "{known:?}");
        }
        for unknown in [at(7, 901), at(8, 899), at(8, 901), at(9, 899), at(6, 0)] {
            assert!(!lives.has(unknown), "{unknown:?}");
        }
    }

    #[test]
    fn a_life_of_which_nothing_is_left_is_forgotten() {
        let lives = Lives::first(7).renewed(8, 900).renewed(9, 850);
        assert_eq!(lives, Lives::first(7).renewed(9, 850));
        assert_eq!(lives.now(), 9);
    }

    #[test]
    fn a_life_is_left_only_for_a_later_one_of_the_same_history() {
        let lives = Lives::first(7).renewed(8, 900).renewed(9, 950);
        assert_eq!([7, 8, 9, 6].map(|epoch| lives.has_left(epoch)), [true, true, false, false]);
        assert!(!lives.up_to(920).has_left(9), "it went back behind that life's beginning");
    }

    #[test]
    fn the_chain_runs_on_through_the_lives_and_crosses_each_beginning_once() {
        let lives = Lives::first(7).renewed(8, 2).renewed(9, 2);
        let chain = Chain::of_genesis(7, b"hall");
        assert_eq!(lives.onward(1, 7, chain), (7, chain));
        let crossed = (9, chain.renewed(8).renewed(9));
        assert_eq!(lives.onward(2, 7, chain), crossed);
        assert_eq!(lives.onward(2, 8, chain.renewed(8)), crossed);
        assert_eq!(lives.onward(2, 9, crossed.1), crossed, "it has crossed before");
        assert_eq!(lives.onward(3, 9, chain), (9, chain));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let lives = Lives::first(u64::MAX).renewed(8, 900).renewed(9, 900);
        assert_eq!(lives.to_string().parse(), Ok(lives));
        for wrong in ["", "x", "7 8", "7 8@", "7 8@9@1", "7 8@9 9@8", "7  8@9"] {
            assert_eq!(wrong.parse::<Lives>(), Err(NotLives), "{wrong:?}");
        }
    }
}
