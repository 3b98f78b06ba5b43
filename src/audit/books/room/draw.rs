//! The draw, worked out a second time from the rule in `docs/protocol.md`: arrival by arrival, each
//! followed through the rounds, with nothing kept between them but one round's bits.

use sha2::{Digest, Sha256};

/// As many rounds as the rule has.
const ROUNDS: u8 = 90;

/// The number of every arrival, the first arrival's first.
pub(super) fn drawn(secret: [u8; 32], chain: [u8; 32], count: u64) -> Vec<u64> {
    let seed = sha256(&[&secret, &chain]);
    let mut at: Vec<u64> = (0..count).collect();
    if count > 1 {
        (0..ROUNDS).for_each(|round| play(&seed, round, &mut at));
    }
    at.into_iter().map(|index| index + 1).collect()
}

/// What was to be published of a secret before.
pub(in crate::audit) fn commitment(secret: [u8; 32]) -> [u8; 32] {
    sha256(&[&secret])
}

/// One round: everybody changes with their mirror image about the pivot, or stays, as the bit of the
/// later of the two places says.
fn play(seed: &[u8; 32], round: u8, at: &mut [u64]) {
    let count = at.len() as u64;
    let mut first = [0; 8];
    first.copy_from_slice(&sha256(&[seed, &[round]])[..8]);
    let pivot = u64::from_le_bytes(first) % count;
    let blocks = (0..=(count - 1) / 256)
        .map(|block| sha256(&[seed, &[round], &block.to_le_bytes()]))
        .collect::<Vec<_>>();
    for index in at {
        let mirror = (pivot + (count - *index)) % count;
        let later = mirror.max(*index);
        let byte = blocks[(later / 256) as usize][(later % 256 / 8) as usize];
        if byte & (1 << (later % 8)) != 0 {
            *index = mirror;
        }
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same as in the core's own tests, worked out by a third program.
    #[test]
    fn the_draw_is_the_one_the_rule_says() {
        let bytes = |first: u8| std::array::from_fn(|at| first + at as u8);
        assert_eq!(drawn(bytes(0), bytes(32), 10), [1, 9, 2, 8, 6, 5, 10, 3, 7, 4]);
        let thousand = drawn(bytes(0), bytes(32), 1_000);
        assert_eq!(thousand[..8], [198, 338, 232, 680, 76, 392, 555, 177]);
        assert_eq!(thousand[997..], [678, 224, 24]);
        for few in 0..3 {
            assert_eq!(drawn(bytes(0), bytes(32), few).len() as u64, few);
        }
        assert_eq!(
            crate::show::Commitment(commitment(bytes(0))).to_string(),
            "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"
        );
    }
}
