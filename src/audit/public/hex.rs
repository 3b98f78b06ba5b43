//! Bytes as hexadecimal digits, and back.

/// Two lower-case digits for each byte.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes that [`to_hex`] wrote.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// The same, where there are exactly as many bytes as are wanted.
pub fn array_of_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    from_hex(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again_and_nothing_else() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(to_hex(&bytes[9..12]), "090a0b");
        assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
        for wrong in ["0", "0g", "0A", "+1", "é"] {
            assert_eq!(from_hex(wrong), None, "{wrong:?}");
        }
        assert_eq!(array_of_hex::<2>("0102"), Some([1, 2]));
        assert_eq!(array_of_hex::<2>("010203"), None);
    }
}
