//! How signing keys are kept as text: a line for each, its 32 bytes in base64 and the time from
//! which it signs. A line without a time, as it was kept when there was only one key, signs from the
//! beginning of time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::show::Time;
use crate::tokens::SigningKey;

/// As text, without the last line's end.
pub(super) fn written(keys: &[SigningKey]) -> String {
    let line = |key: &SigningKey| {
        let secret = URL_SAFE_NO_PAD.encode(key.secret);
        if key.signs_from == Time(0) { secret } else { format!("{secret} {}", key.signs_from) }
    };
    keys.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// From text; none where a line is not a key, or there is none.
pub(super) fn read(text: &str) -> Option<Vec<SigningKey>> {
    let keys = text.lines().map(|line| {
        let mut words = line.split_whitespace();
        let mut secret = [0; 32];
        let decoded = URL_SAFE_NO_PAD.decode_slice(words.next()?, &mut secret);
        let signs_from = words.next().map_or(Some(0), |word| word.parse().ok())?;
        let is_whole = matches!(decoded, Ok(32)) && words.next().is_none();
        is_whole.then_some(SigningKey { secret, signs_from: Time(signs_from) })
    });
    keys.collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg";

    fn key(letter: u8, signs_from: u64) -> SigningKey {
        SigningKey { secret: [letter; 32], signs_from: Time(signs_from) }
    }

    #[test]
    fn the_file_of_one_key_is_read_as_it_always_was() {
        assert_eq!(read(&format!("{OLD}\n")), Some(vec![key(8, 0)]));
        assert_eq!(written(&[key(8, 0)]), OLD);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let keys = vec![key(1, 0), key(2, 5), key(3, 1_800_000_000_000)];
        assert_eq!(read(&written(&keys)), Some(keys));
    }

    #[test]
    fn what_is_not_all_keys_is_none() {
        let short = &OLD[1..];
        let long = format!("{OLD}AA");
        let wrong = ["", "\n", short, &long, "x 5", &format!("{OLD} x"), &format!("{OLD} 5 6")];
        for text in wrong {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(read(&format!("{OLD}\n{short}")), None);
    }
}
