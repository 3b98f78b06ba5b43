//! A set of seats as bits in words of 64: every question about many seats is shifts and masks.

use serde::{Deserialize, Serialize};

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

    /// How many seats are in the set.
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// The seats, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Seat> + '_ {
        self.words.iter().enumerate().flat_map(|(i, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros();
                    rest &= rest - 1;
                    Seat(i as u32 * 64 + bit)
                })
            })
        })
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
}
