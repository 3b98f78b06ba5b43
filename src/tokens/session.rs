//! Session tokens: the secret a buyer's browser keeps.
//!
//! A token carries the session's id and when it was issued. Owns its form and its age.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::show::{SessionId, Time};

use super::ring::{CLOCKS_APART_MS_MAX, SIGNATURE_BYTES};
use super::{Disbelief, Tokens};

/// A token is good for this long after it was issued: the 30 days after its last use that the
/// protocol promises, and the day within which a use does not renew it.
pub const TOKEN_VALID_MS: u64 = 31 * DAY_MS;

/// A token older than this is answered with a new one.
pub const TOKEN_RENEWED_AFTER_MS: u64 = DAY_MS;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

const _: () = assert!(TOKEN_VALID_MS - TOKEN_RENEWED_AFTER_MS >= 30 * DAY_MS);

/// Version, session, time of issue.
const CLAIMS_BYTES: usize = 1 + 16 + 8;
const TOKEN_BYTES: usize = CLAIMS_BYTES + SIGNATURE_BYTES;

/// The first byte of every token: tickets have another.
const VERSION: u8 = 1;

impl Tokens {
    /// A new session and its token.
    pub fn issue(&self, now: Time) -> (SessionId, String) {
        let session = SessionId(Uuid::new_v4());
        (session, self.token(session, now))
    }

    /// Whose token this is, and a newer one where it is time.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn judge(&self, token: &str, now: Time) -> Result<(SessionId, Option<String>), Disbelief> {
        // Decoding into a fixed buffer: a token of megabytes costs nothing.
        let mut bytes = [0; TOKEN_BYTES];
        let decoded = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes);
        if !matches!(decoded, Ok(TOKEN_BYTES)) || bytes[0] != VERSION {
            return Err(Disbelief::Bad);
        }
        let claims = self.ring.claims(&bytes, now)?;
        let session = SessionId(Uuid::from_slice(&claims[1..17]).map_err(|_| Disbelief::Bad)?);
        let issued = claims[17..].try_into().map_err(|_| Disbelief::Bad)?;
        let issued = Time(u64::from_be_bytes(issued));
        let fresh = issued <= now.plus_ms(CLOCKS_APART_MS_MAX);
        let age_ms = now.ms_since(issued);
        if !fresh || age_ms >= TOKEN_VALID_MS {
            return Err(Disbelief::Bad);
        }
        let renewed = (age_ms >= TOKEN_RENEWED_AFTER_MS).then(|| self.token(session, now));
        Ok((session, renewed))
    }

    /// As [`Tokens::judge`], for those to whom it is all the same why not.
    pub fn verify(&self, token: &str, now: Time) -> Option<(SessionId, Option<String>)> {
        self.judge(token, now).ok()
    }

    fn token(&self, session: SessionId, now: Time) -> String {
        let mut token = Vec::with_capacity(TOKEN_BYTES);
        token.push(VERSION);
        token.extend_from_slice(session.0.as_bytes());
        token.extend_from_slice(&now.0.to_be_bytes());
        self.ring.sign(&mut token, now);
        URL_SAFE_NO_PAD.encode(token)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokens::ring::KEYS_KNOWN_MS;
    use crate::tokens::{SigningKey, in_use};

    const NOW: Time = Time(1_800_000_000_000);

    fn house() -> Tokens {
        Tokens::new([7; 32])
    }

    #[test]
    fn a_token_names_its_session_again() {
        let (session, token) = house().issue(NOW);
        assert_eq!(house().verify(&token, NOW), Some((session, None)));
    }

    #[test]
    fn another_house_does_not_believe_it() {
        let (_, token) = house().issue(NOW);
        assert_eq!(Tokens::new([8; 32]).verify(&token, NOW), None);
    }

    #[test]
    fn a_token_of_a_day_is_renewed_and_the_new_one_lives_on() {
        let (session, token) = house().issue(NOW);
        let almost = NOW.plus_ms(TOKEN_RENEWED_AFTER_MS - 1);
        assert_eq!(house().verify(&token, almost), Some((session, None)));

        let later = NOW.plus_ms(30 * DAY_MS);
        let (same, renewed) = house().verify(&token, later).expect("good for 30 days");
        let renewed = renewed.expect("it is older than a day");
        assert_eq!(same, session);
        assert_ne!(renewed, token);
        let much_later = later.plus_ms(30 * DAY_MS);
        assert_eq!(house().verify(&token, much_later), None);
        assert!(house().verify(&renewed, much_later).is_some());
    }

    #[test]
    fn a_token_ends_and_one_from_the_future_is_no_token() {
        let (_, token) = house().issue(NOW);
        assert!(house().verify(&token, NOW.plus_ms(TOKEN_VALID_MS - 1)).is_some());
        assert_eq!(house().verify(&token, NOW.plus_ms(TOKEN_VALID_MS)), None);
        assert_eq!(house().verify(&token, Time(NOW.0 - CLOCKS_APART_MS_MAX - 1)), None);
        assert!(house().verify(&token, Time(NOW.0 - CLOCKS_APART_MS_MAX)).is_some());
    }

    fn key(letter: u8, signs_from: u64) -> SigningKey {
        SigningKey { secret: [letter; 32], signs_from: Time(signs_from) }
    }

    #[test]
    fn a_new_key_is_believed_at_once_and_signs_when_its_time_has_come() {
        let before = Tokens::of(&[key(1, 0)]);
        let sessions = before.clone();
        let (_, token) = sessions.issue(NOW);
        sessions.replace(&[key(1, 0), key(2, NOW.0 + 60_000)]);
        // (how much later, whether one who has only the old key believes what is issued then)
        for (later, by_the_old) in [(0, true), (59_999, true), (60_000, false), (DAY_MS, false)] {
            let at = NOW.plus_ms(later);
            let (_, issued) = sessions.issue(at);
            assert!(sessions.verify(&token, at).is_some(), "{later}");
            assert!(sessions.verify(&issued, at).is_some(), "{later}");
            let old = Tokens::new([1; 32]);
            assert_eq!(old.verify(&issued, at).is_some(), by_the_old, "{later}");
            let new = Tokens::new([2; 32]);
            assert_eq!(new.verify(&issued, at).is_some(), !by_the_old, "{later}");
        }
        assert!(
            before.verify(&sessions.issue(NOW.plus_ms(DAY_MS)).1, NOW.plus_ms(DAY_MS)).is_some()
        );
    }

    #[test]
    fn an_old_key_is_believed_for_as_long_as_its_tokens_live_and_then_dropped() {
        let ring = [key(2, NOW.0), key(1, 0)];
        let old = Tokens::new([1; 32]);
        let end = TOKEN_VALID_MS + CLOCKS_APART_MS_MAX;
        for (later, kept) in [(0, true), (end - 1, true), (end, false)] {
            let at = NOW.plus_ms(later);
            // Whoever stole the old key writes whatever time it likes.
            let (_, forged) = old.issue(at);
            assert_eq!(Tokens::of(&ring).verify(&forged, at).is_some(), kept, "{later}");
            assert_eq!(in_use(&ring, at).contains(&key(1, 0)), kept, "{later}");
            assert!(in_use(&ring, at).contains(&key(2, NOW.0)));
        }
    }

    #[test]
    fn of_keys_that_were_given_the_first_signs_and_all_are_believed() {
        let given = Tokens::believing([1; 32], &[[2; 32], [3; 32]]);
        let (_, token) = given.issue(NOW);
        assert!(Tokens::new([1; 32]).verify(&token, NOW).is_some());
        for other in [2, 3] {
            let (_, token) = Tokens::new([other; 32]).issue(NOW);
            assert!(given.verify(&token, NOW).is_some());
        }
        assert_eq!(given.verify(&Tokens::new([4; 32]).issue(NOW).1, NOW), None);
    }

    #[test]
    fn who_has_not_read_the_keys_for_long_does_not_call_a_token_of_a_newer_one_forged() {
        let behind = house();
        let (_, newer) = Tokens::new([8; 32]).issue(NOW);
        let (_, ended) = house().issue(Time(NOW.0 - TOKEN_VALID_MS));
        let judged = |token: &str, ms| behind.judge(token, NOW.plus_ms(ms)).map(drop);
        assert_eq!(judged(&newer, 600_000), Err(Disbelief::Bad), "its keys were given");
        behind.compared(NOW);
        assert_eq!(judged(&newer, KEYS_KNOWN_MS), Err(Disbelief::Bad));
        assert_eq!(judged(&newer, KEYS_KNOWN_MS + 1), Err(Disbelief::NotKnown));
        // What is wrong by what is known here is so, whoever else is asked.
        assert_eq!(judged(&ended, KEYS_KNOWN_MS + 1), Err(Disbelief::Bad));
        for no_token in ["forged", &newer[1..]] {
            assert_eq!(judged(no_token, KEYS_KNOWN_MS + 1), Err(Disbelief::Bad), "{no_token}");
        }
        behind.compared(NOW.plus_ms(600_000));
        assert_eq!(judged(&newer, 600_000), Err(Disbelief::Bad));
    }

    proptest! {
        #[test]
        fn an_altered_token_is_refused(at in 0..76usize, letter in "[A-Za-z0-9_-]") {
            let (_, token) = house().issue(NOW);
            let mut altered = token.clone();
            altered.replace_range(at..=at, &letter);
            prop_assume!(altered != token);
            prop_assert_eq!(house().verify(&altered, NOW), None);
        }

        #[test]
        fn what_is_no_token_is_refused_without_a_panic(text in ".{0,200}") {
            prop_assert_eq!(house().verify(&text, NOW), None);
        }
    }
}
