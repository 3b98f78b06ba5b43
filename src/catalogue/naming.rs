//! Names for URLs, made from what people call a hall or a show.

use crate::show::ShowId;

/// What is left of `title` for a URL: `a-z`, `0-9` and single hyphens, at most `length_max`;
/// `instead` where nothing is left.
pub(super) fn slug(title: &str, length_max: usize, instead: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars() {
        let plain = match letter.to_ascii_lowercase() {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'Ä' | 'Å' => 'a',
            'è' | 'é' | 'ê' | 'ë' | 'É' => 'e',
            'ì' | 'í' | 'î' | 'ï' => 'i',
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'Ö' | 'Ø' => 'o',
            'ù' | 'ú' | 'û' | 'ü' | 'Ü' => 'u',
            'ç' | 'Ç' => 'c',
            'ñ' => 'n',
            other => other,
        };
        if plain.is_ascii_lowercase() || plain.is_ascii_digit() {
            slug.push(plain);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(length_max);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { instead.to_owned() } else { slug.to_owned() }
}

/// A show's name: its title's slug and a chance ending, so that the same title may play again.
pub(super) fn show_id(title: &str, chance: u32) -> Option<ShowId> {
    // Letters and digits that are not taken for one another when read aloud.
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    const ENDING: usize = 6;
    const _: () = assert!(ENDING * 5 <= u32::BITS as usize);
    let mut id = slug(title, ShowId::LENGTH_MAX - ENDING - 1, "show");
    id.push('-');
    for place in 0..ENDING {
        id.push(char::from(LETTERS[(chance >> (place * 5)) as usize % LETTERS.len()]));
    }
    ShowId::parse(&id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_title_becomes_what_one_would_type() {
        assert_eq!(slug("The Winter's Tale — Act II", 64, "x"), "the-winter-s-tale-act-ii");
        assert_eq!(slug("Théâtre Royal", 64, "x"), "theatre-royal");
        assert_eq!(slug("  --  ", 64, "hall"), "hall");
        assert_eq!(slug("東京", 64, "show"), "show");
        assert_eq!(slug("abc def", 4, "x"), "abc");
    }

    proptest! {
        #[test]
        fn every_title_makes_a_show_id(title in ".{0,300}", chance: u32) {
            prop_assert!(show_id(&title, chance).is_some());
        }
    }
}
