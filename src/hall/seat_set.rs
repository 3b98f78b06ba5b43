//! A set of seats as bits in words of 64: every question about many seats is shifts and masks.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Part;

/// A seat's number in its hall: 0..n-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seat(pub u32);

/// A set of seats of one hall. Bits past the hall's last seat are always 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatSet {
    words: Box<[u64]>,
    seats: u32,
}

impl SeatSet {
    /// No seats, of a hall of `seats`.
    pub fn empty(seats: u32) -> Self {
        Self { words: vec![0; (seats as usize).div_ceil(64)].into_boxed_slice(), seats }
    }

    /// All seats of a hall of `seats`.
    pub fn full(seats: u32) -> Self {
        let mut set = Self::empty(seats);
        set.words.fill(u64::MAX);
        let rest = seats % 64;
        if rest != 0
            && let Some(last) = set.words.last_mut()
        {
            *last = (1 << rest) - 1;
        }
        set
    }

    /// How many seats the hall has: the bound on every seat in here.
    pub fn hall_seats(&self) -> u32 {
        self.seats
    }

    /// The words, least significant bit first.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Whether `seat` is in the set; false for a seat the hall does not have.
    #[inline]
    pub fn has(&self, seat: Seat) -> bool {
        seat.0 < self.seats && self.words[seat.0 as usize / 64] >> (seat.0 % 64) & 1 == 1
    }

    /// Puts `seat` in. The seat must be one of the hall's.
    #[inline]
    pub fn insert(&mut self, seat: Seat) {
        debug_assert!(seat.0 < self.seats);
        self.words[seat.0 as usize / 64] |= 1 << (seat.0 % 64);
    }

    /// Takes `seat` out. The seat must be one of the hall's.
    #[inline]
    pub fn remove(&mut self, seat: Seat) {
        debug_assert!(seat.0 < self.seats);
        self.words[seat.0 as usize / 64] &= !(1 << (seat.0 % 64));
    }

    /// Whether at least `count` seats are in the set: in a house with room, known from a few words.
    pub fn has_at_least(&self, count: u32) -> bool {
        let mut missing = count;
        missing == 0
            || self.words.iter().any(|word| {
                missing = missing.saturating_sub(word.count_ones());
                missing == 0
            })
    }

    /// How many seats are in the set.
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// The seats, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Seat> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| bits(at, word))
    }

    /// Puts in every seat of `other`, a set of the same hall.
    pub fn insert_all(&mut self, other: &SeatSet) {
        for (word, theirs) in self.words.iter_mut().zip(&other.words) {
            *word |= theirs;
        }
    }

    /// Takes out every seat of `other`, a set of the same hall.
    pub fn remove_all(&mut self, other: &SeatSet) {
        for (word, theirs) in self.words.iter_mut().zip(&other.words) {
            *word &= !theirs;
        }
    }

    /// Keeps only the seats that are also in `other`, a set of the same hall.
    pub fn keep_only(&mut self, other: &SeatSet) {
        for (word, theirs) in self.words.iter_mut().zip(&other.words) {
            *word &= theirs;
        }
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Puts in the seats of `range`, which must be the hall's.
    pub fn insert_range(&mut self, range: Range<u32>) {
        debug_assert!(range.is_empty() || range.end <= self.seats);
        for (at, mask) in masks(range) {
            self.words[at] |= mask;
        }
    }

    /// Puts in every seat of `part`, of the same hall.
    pub fn insert_part(&mut self, part: &Part) {
        for &(at, word) in part.words() {
            self.words[at as usize] |= word;
        }
    }

    /// How many seats are in both sets of the same hall.
    pub fn count_and(&self, other: &SeatSet) -> u32 {
        self.words.iter().zip(&other.words).map(|(a, b)| (a & b).count_ones()).sum()
    }

    /// How many of the seats of `range`, which must be the hall's, are in the set.
    pub fn count_range(&self, range: Range<u32>) -> u32 {
        masks(range).map(|(at, mask)| (self.words[at] & mask).count_ones()).sum()
    }

    /// The `most` lowest seats of the set in `range`, which must be the hall's; fewer where there
    /// are fewer. Ascending.
    pub fn lowest_in(&self, range: Range<u32>, most: u32) -> Vec<Seat> {
        let mut found = Vec::new();
        for (at, mask) in masks(range) {
            for seat in bits(at, self.words[at] & mask) {
                if found.len() as u64 >= u64::from(most) {
                    return found;
                }
                found.push(seat);
            }
        }
        found
    }

    /// Word `at` of the set as it looks from `by` seats further on: bit `b` tells of seat
    /// `64*at + b + by`. Past the hall's end there is nobody.
    #[inline]
    pub fn ahead(&self, at: usize, by: u32) -> u64 {
        let word = at + by as usize / 64;
        let near = self.words.get(word).copied().unwrap_or(0);
        match by % 64 {
            0 => near,
            shift => {
                let far = self.words.get(word + 1).copied().unwrap_or(0);
                near >> shift | far << (64 - shift)
            }
        }
    }

    /// Word `at` of the set as it looks from one seat back: bit `b` tells of seat `64*at + b - 1`.
    #[inline]
    pub fn behind(&self, at: usize) -> u64 {
        let carried = if at == 0 { 0 } else { self.words[at - 1] >> 63 };
        self.words[at] << 1 | carried
    }

    /// The set of those seats whose bit `word(at)` sets in word `at`, asked in ascending order.
    /// Bits past the hall's last seat are dropped.
    pub fn from_words(seats: u32, word: impl FnMut(usize) -> u64) -> Self {
        let mut words: Box<[u64]> = (0..(seats as usize).div_ceil(64)).map(word).collect();
        let rest = seats % 64;
        if rest != 0
            && let Some(last) = words.last_mut()
        {
            *last &= (1 << rest) - 1;
        }
        Self { words, seats }
    }

    /// Keeps only the seats from which `by` seats further on there is one of the set as well.
    pub fn keep_followed(&mut self, by: u32) {
        // Ascending: what is read lies at or after the word being written.
        for at in 0..self.words.len() {
            self.words[at] &= self.ahead(at, by);
        }
    }
}

/// The seats whose bits are set in `word`, the set's word `at`; ascending.
#[inline]
pub(crate) fn bits(at: usize, mut word: u64) -> impl Iterator<Item = Seat> {
    std::iter::from_fn(move || {
        (word != 0).then(|| {
            let bit = word.trailing_zeros();
            word &= word - 1;
            Seat(at as u32 * 64 + bit)
        })
    })
}

/// The words a range of seats touches, each with the range's bits in it.
fn masks(range: Range<u32>) -> impl Iterator<Item = (usize, u64)> {
    let Range { start, end } = range;
    let words = if start < end { start / 64..end.div_ceil(64) } else { 0..0 };
    words.map(move |at| {
        let from = start.saturating_sub(at * 64);
        let to = (end - at * 64).min(64);
        (at as usize, u64::MAX << from & u64::MAX >> (64 - to))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set_of(seats: u32, members: &[bool]) -> SeatSet {
        let mut set = SeatSet::empty(seats);
        (0..seats).filter(|&i| members[i as usize]).for_each(|i| set.insert(Seat(i)));
        set
    }

    #[test]
    fn an_empty_range_touches_nothing_wherever_it_lies() {
        let mut set = SeatSet::empty(128);
        for at in [0, 1, 63, 64, 65, 128] {
            set.insert_range(at..at);
            assert!(set.is_empty());
            assert_eq!(SeatSet::full(128).count_range(at..at), 0);
        }
    }

    proptest! {
        #[test]
        fn ranges_and_shifts_agree_with_counting_seat_by_seat(
            seats in 1u32..300,
            members in prop::collection::vec(any::<bool>(), 300),
            ends in (0u32..300, 0u32..300),
            by in 0u32..200,
        ) {
            let set = set_of(seats, &members);
            let has = |i: i64| i >= 0 && i < i64::from(seats) && members[i as usize];
            let (from, to) = (ends.0.min(ends.1).min(seats), ends.0.max(ends.1).min(seats));
            let inside: Vec<Seat> =
                (from..to).filter(|&i| has(i64::from(i))).map(Seat).collect();
            prop_assert_eq!(set.count_range(from..to) as usize, inside.len());
            prop_assert_eq!(set.lowest_in(from..to, u32::MAX), inside.clone());
            prop_assert_eq!(&set.lowest_in(from..to, 2)[..], &inside[..inside.len().min(2)]);
            let mut filled = SeatSet::empty(seats);
            filled.insert_range(from..to);
            prop_assert_eq!(filled.iter().collect::<Vec<_>>(), (from..to).map(Seat).collect::<Vec<_>>());
            prop_assert_eq!(set.count_and(&filled) as usize, inside.len());
            for i in 0..seats.div_ceil(64) * 64 {
                let (at, bit) = (i as usize / 64, i % 64);
                prop_assert_eq!(set.ahead(at, by) >> bit & 1 == 1, has(i64::from(i + by)));
                if i <= seats {
                    prop_assert_eq!(set.behind(at) >> bit & 1 == 1, has(i64::from(i) - 1));
                }
            }
            let copy = SeatSet::from_words(seats, |at| set.behind(at));
            prop_assert!(copy.iter().all(|seat| seat.0 < seats && has(i64::from(seat.0) - 1)));
            let mut followed = set.clone();
            followed.keep_followed(by);
            for i in 0..seats {
                let stays = has(i64::from(i)) && has(i64::from(i + by));
                prop_assert_eq!(followed.has(Seat(i)), stays);
            }
        }
    }
}
