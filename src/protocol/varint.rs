//! Numbers of variable length: the unsigned LEB128 of protobuf, in its shortest form only.
//!
//! Seven bits a byte, least significant first; the top bit says that another byte follows.

/// The most bytes a 64-bit number takes: ceil(64 / 7).
pub const VARINT_BYTES_MAX: usize = 10;

/// Appends `value`.
#[inline]
pub fn put(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// How many bytes [`put`] appends for `value`.
#[inline]
pub fn length(value: u64) -> usize {
    // 0 takes a byte as 1 does, hence the lowest bit is always counted.
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Why bytes are not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VarintFault {
    /// The bytes end where another one was promised.
    #[error("a number is cut short")]
    CutShort,
    /// A shorter form of the same number exists.
    #[error("a number is not in its shortest form")]
    NotShortest,
    /// The number needs more than 64 bits.
    #[error("a number is larger than 64 bits")]
    TooLarge,
}

/// Takes one number off the front of `from`, which is left as it was where there is none.
#[inline]
pub fn take(from: &mut &[u8]) -> Result<u64, VarintFault> {
    let mut value = 0_u64;
    for (i, &byte) in from.iter().take(VARINT_BYTES_MAX).enumerate() {
        // Nine bytes carry 63 bits, so the tenth has room for one.
        if i == VARINT_BYTES_MAX - 1 && byte > 1 {
            return Err(VarintFault::TooLarge);
        }
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            if byte == 0 && i > 0 {
                return Err(VarintFault::NotShortest);
            }
            *from = &from[i + 1..];
            return Ok(value);
        }
    }
    Err(VarintFault::CutShort)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_numbers_have_their_known_bytes() {
        for (value, bytes) in [
            (0, &[0x00][..]),
            (127, &[0x7f]),
            (128, &[0x80, 0x01]),
            (300, &[0xac, 0x02]),
            (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] {
            let mut written = Vec::new();
            put(&mut written, value);
            assert_eq!(written, bytes);
            assert_eq!(length(value), bytes.len());
        }
    }

    #[test]
    fn a_number_is_read_only_in_its_shortest_form() {
        let refused = |mut bytes: &[u8]| take(&mut bytes).unwrap_err();
        assert_eq!(refused(&[]), VarintFault::CutShort);
        assert_eq!(refused(&[0x80]), VarintFault::CutShort);
        assert_eq!(refused(&[0x80, 0x00]), VarintFault::NotShortest);
        assert_eq!(refused(&[0xff; 11]), VarintFault::TooLarge);
        let mut of_65_bits = [0xff; 10];
        of_65_bits[9] = 0x03;
        assert_eq!(refused(&of_65_bits), VarintFault::TooLarge);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(value: u64, shift in 0_u32..64, after: Vec<u8>) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            prop_assert_eq!(bytes.len(), length(value));
            bytes.extend(&after);
            let mut rest = &bytes[..];
            prop_assert_eq!(take(&mut rest), Ok(value));
            prop_assert_eq!(rest, &after[..]);
        }
    }
}
