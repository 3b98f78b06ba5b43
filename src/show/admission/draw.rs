//! The draw at the doors: who came early is given a number by a permutation nobody could know before.
//!
//! Its seed is a secret, whose hash was published when the show was made, mixed with the log's head
//! at the opening, which nobody knows before the last early arrival is in the log. Anyone can work
//! every number out again from what is published at the opening.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use super::super::Head;

/// How many rounds the permutation has. Ethereum's consensus shuffles by the same rule ("swap or not",
/// Hoang, Morris and Rogaway, 2012) and as many rounds.
const ROUNDS: u8 = 90;

/// What the draw is made with: random, made with the show, and told when the doors open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DrawSecret(pub [u8; 32]);

/// The SHA-256 of a [`DrawSecret`]: published with the show, so that the secret cannot be chosen later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commitment(pub [u8; 32]);

impl DrawSecret {
    /// What is published of it beforehand.
    pub fn commitment(&self) -> Commitment {
        Commitment(Sha256::digest(self.0).into())
    }

    /// 64 lower-case hexadecimal digits.
    pub fn as_hex(&self) -> String {
        Commitment(self.0).to_string()
    }
}

/// Never shows the secret: it is told on purpose, or not at all.
impl fmt::Debug for DrawSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(a draw's secret)")
    }
}

/// One draw, as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The secret.
    pub secret: DrawSecret,
    /// The log's head with the entry that opened the doors.
    pub head: Head,
    /// How many had come: their arrivals are 1 to this, and so are their numbers.
    pub count: u64,
}

impl Draw {
    /// SHA-256 over the secret and the chain at the opening.
    pub fn seed(&self) -> [u8; 32] {
        Sha256::new().chain_update(self.secret.0).chain_update(self.head.chain).finalize().into()
    }

    /// The number that was drawn for an arrival; none where nobody arrived as that.
    pub fn number_of(&self, arrival: u64) -> Option<u64> {
        (1..=self.count).contains(&arrival).then(|| {
            let seed = self.seed();
            1 + shuffled(&seed, self.count, arrival - 1)
        })
    }

    /// Every arrival's number, the first arrival's first: for whoever wants all of them, a hundred times
    /// quicker than one by one, since 256 places share a hash.
    pub fn numbers(&self) -> Vec<u64> {
        let seed = self.seed();
        // Who is at each place; a round swaps pairs of them.
        let mut people: Vec<u64> = (0..self.count).collect();
        for round in 0..if self.count < 2 { 0 } else { ROUNDS } {
            let pivot = pivot(&seed, round, self.count);
            let mut block = Block::none();
            for place in 0..self.count {
                let mirror = mirror(place, pivot, self.count);
                // Each pair once, by its later place.
                if mirror < place && block.bit(&seed, round, place) {
                    people.swap(place as usize, mirror as usize);
                }
            }
        }
        let mut numbers = vec![0; people.len()];
        for (person, number) in people.into_iter().zip(1..) {
            numbers[person as usize] = number;
        }
        numbers
    }
}

/// Where `index` of 0 to `count - 1` goes.
fn shuffled(seed: &[u8; 32], count: u64, mut index: u64) -> u64 {
    if count < 2 {
        return index;
    }
    for round in 0..ROUNDS {
        let mirror = mirror(index, pivot(seed, round, count), count);
        // The two change places, or neither does, by a bit of the later place.
        if Block::none().bit(seed, round, index.max(mirror)) {
            index = mirror;
        }
    }
    index
}

/// The first 8 bytes, little endian, of SHA-256 over the seed and the round's number, modulo `count`.
fn pivot(seed: &[u8; 32], round: u8, count: u64) -> u64 {
    let hash = Sha256::new().chain_update(seed).chain_update([round]).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    u64::from_le_bytes(first) % count
}

/// The place that this one changes with, or does not, in a round.
fn mirror(place: u64, pivot: u64, count: u64) -> u64 {
    // At most `count` of people who came: far from the end of the numbers.
    (pivot + count - place) % count
}

/// 256 places' bits of one round: SHA-256 over the seed, the round's number and the block's (8 bytes,
/// little endian). Kept from one place to the next, as long as they are of the same block.
struct Block {
    number: Option<u64>,
    bits: [u8; 32],
}

impl Block {
    fn none() -> Self {
        Self { number: None, bits: [0; 32] }
    }

    fn bit(&mut self, seed: &[u8; 32], round: u8, place: u64) -> bool {
        let number = place / 256;
        if self.number != Some(number) {
            let hash = Sha256::new().chain_update(seed).chain_update([round]);
            self.bits = hash.chain_update(number.to_le_bytes()).finalize().into();
            self.number = Some(number);
        }
        let bit = (place % 256) as usize;
        self.bits[bit / 8] >> (bit % 8) & 1 == 1
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Commitment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Commitment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        bytes_of_hex(&text).map(Self).ok_or_else(|| de::Error::custom("not 32 bytes in hex"))
    }
}

impl Serialize for DrawSecret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Commitment(self.0))
    }
}

impl<'de> Deserialize<'de> for DrawSecret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Commitment::deserialize(from).map(|bytes| Self(bytes.0))
    }
}

fn bytes_of_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let digit = |letter: u8| char::from(letter).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(bytes)
}
