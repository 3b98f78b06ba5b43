//! The draw at the doors, held to `tests/vectors/draw.json` and to a second way of shuffling.
//!
//! The vectors were written by another program, and what is here beside them is written from
//! `docs/protocol.md` alone: it moves people on a list, round by round, where the house follows one
//! place at a time. All three must agree.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use usher::show::{Commitment, Draw, DrawSecret, Head};

#[derive(Deserialize)]
struct Vector {
    name: String,
    secret: DrawSecret,
    commitment: Commitment,
    /// As the commitment: 32 bytes in hexadecimal digits.
    chain: Commitment,
    seed: Commitment,
    count: u64,
    numbers: Option<Vec<u64>>,
    some: Option<Vec<(u64, u64)>>,
}

impl Vector {
    fn draw(&self) -> Draw {
        draw(self.secret, self.chain.0, self.count)
    }
}

fn vectors() -> Vec<Vector> {
    #[derive(Deserialize)]
    struct File {
        vectors: Vec<Vector>,
    }
    let file = include_str!("../vectors/draw.json");
    serde_json::from_str::<File>(file).expect("vectors").vectors
}

fn draw(secret: DrawSecret, chain: [u8; 32], count: u64) -> Draw {
    Draw { secret, head: Head { epoch: 1, seq: 2, chain }, count }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

/// Everybody's number, the first to come first: ninety rounds of "swap or not" on a list of people.
fn drawn(secret: [u8; 32], chain: [u8; 32], count: usize) -> Vec<u64> {
    let seed = sha256(&[&secret, &chain]);
    let mut people: Vec<usize> = (0..count).collect();
    for round in 0..90u8 {
        if count < 2 {
            break;
        }
        let pivot = sha256(&[&seed, &[round]]);
        let pivot = u64::from_le_bytes(pivot[..8].try_into().expect("eight bytes"));
        let pivot = (pivot % count as u64) as usize;
        let blocks = (0..count as u64).step_by(256).map(|from| {
            let block = (from / 256).to_le_bytes();
            sha256(&[&seed, &[round], &block])
        });
        let bits: Vec<bool> = blocks
            .flat_map(|block| (0..256).map(move |bit| block[bit / 8] >> (bit % 8) & 1 == 1))
            .collect();
        for (place, bit) in bits.into_iter().enumerate().take(count) {
            let mirror = (pivot + count - place) % count;
            // Each pair once, by its later place.
            if mirror < place && bit {
                people.swap(place, mirror);
            }
        }
    }
    let mut numbers = vec![0; count];
    for (place, person) in people.into_iter().enumerate() {
        numbers[person] = place as u64 + 1;
    }
    numbers
}

#[test]
fn numbers_are_drawn_as_the_vectors_say() {
    for vector in vectors() {
        let (name, draw) = (&vector.name, vector.draw());
        assert_eq!(vector.secret.commitment(), vector.commitment, "{name}");
        assert_eq!(draw.seed(), vector.seed.0, "{name}");
        let pairs: Vec<(u64, u64)> = match (&vector.numbers, &vector.some) {
            (Some(numbers), None) => {
                assert_eq!(&draw.numbers(), numbers, "{name}");
                assert_eq!(
                    &drawn(vector.secret.0, vector.chain.0, numbers.len()),
                    numbers,
                    "{name}"
                );
                (1..).zip(numbers.iter().copied()).collect()
            }
            (None, Some(some)) => some.clone(),
            _ => panic!("{name}: either all numbers or some"),
        };
        for (arrival, number) in pairs {
            assert_eq!(draw.number_of(arrival), Some(number), "{name}: {arrival}");
        }
        assert_eq!((draw.number_of(0), draw.number_of(vector.count + 1)), (None, None), "{name}");
    }
}

#[test]
fn everybody_is_drawn_and_nobody_twice_however_many_came() {
    for count in 0..300u64 {
        let secret = DrawSecret(sha256(&[b"secret", &count.to_le_bytes()]));
        let chain = sha256(&[b"chain", &count.to_le_bytes()]);
        let draw = draw(secret, chain, count);
        let numbers = draw.numbers();
        assert_eq!(numbers, drawn(secret.0, chain, count as usize), "{count}");
        // One by one it comes to the same; some will do, for each is ninety rounds.
        for (arrival, number) in (1..).zip(&numbers).step_by(29) {
            assert_eq!(draw.number_of(arrival), Some(*number), "{count}: {arrival}");
        }
        let mut sorted = numbers;
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(1..=count), "{count}");
    }
}

#[test]
fn another_secret_or_another_chain_is_another_draw() {
    let (secret, chain) = ([1; 32], [2; 32]);
    let numbers = |secret, chain| draw(DrawSecret(secret), chain, 100).numbers();
    let drawn = numbers(secret, chain);
    for bit in (0..256).step_by(17) {
        let flip = |mut bytes: [u8; 32]| {
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        assert_ne!(numbers(flip(secret), chain), drawn, "{bit}");
        assert_ne!(numbers(secret, flip(chain)), drawn, "{bit}");
    }
}
