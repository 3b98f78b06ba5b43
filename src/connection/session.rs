//! Session tokens: the secret a buyer's browser keeps, signed so that the house need not.
//!
//! A token carries the session's id and when it was issued, under HMAC-SHA256: any node with the
//! same secret can judge it, and none has to remember it. Owns the token's form and its age; knows
//! nothing of sockets and has no clock.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::show::{SessionId, Time};

/// A token is good for this long after it was issued: the 30 days after its last use that the
/// protocol promises, and the day within which a use does not renew it.
pub const TOKEN_VALID_MS: u64 = 31 * DAY_MS;

/// A token older than this is answered with a new one.
pub const TOKEN_RENEWED_AFTER_MS: u64 = DAY_MS;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A token from a node whose clock is ahead is believed this far into the future.
const CLOCKS_APART_MS_MAX: u64 = 60_000;

const _: () = assert!(TOKEN_VALID_MS - TOKEN_RENEWED_AFTER_MS >= 30 * DAY_MS);

/// Version, session, time of issue.
const CLAIMS_BYTES: usize = 1 + 16 + 8;
const SIGNATURE_BYTES: usize = 32;
const TOKEN_BYTES: usize = CLAIMS_BYTES + SIGNATURE_BYTES;

/// The first byte of every token, so that another form can follow this one.
const VERSION: u8 = 1;

/// Issues tokens and judges them.
#[derive(Clone)]
pub struct Sessions {
    keyed: Hmac<Sha256>,
}

impl Sessions {
    /// With the house's secret, the same on every node.
    #[allow(clippy::expect_used)]
    pub fn new(secret: [u8; 32]) -> Self {
        // HMAC takes keys of every length; the error exists for other constructions.
        let keyed = Hmac::new_from_slice(&secret).expect("HMAC takes a key of 32 bytes");
        Self { keyed }
    }

    /// A new session and its token.
    pub fn issue(&self, now: Time) -> (SessionId, String) {
        let session = SessionId(Uuid::new_v4());
        (session, self.sign(session, now))
    }

    /// Whose token this is, and a newer one where it is time; none where it is forged, altered or
    /// too old. The comparison takes as long for a near miss as for any other.
    pub fn verify(&self, token: &str, now: Time) -> Option<(SessionId, Option<String>)> {
        // Decoding into a fixed buffer: a token of megabytes costs nothing.
        let mut bytes = [0; TOKEN_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        if length != TOKEN_BYTES {
            return None;
        }
        let (claims, signature) = bytes.split_at(CLAIMS_BYTES);
        self.keyed.clone().chain_update(claims).verify_slice(signature).ok()?;
        if claims[0] != VERSION {
            return None;
        }
        let session = SessionId(Uuid::from_slice(&claims[1..17]).ok()?);
        let issued = Time(u64::from_be_bytes(claims[17..].try_into().ok()?));
        let fresh = issued <= now.plus_ms(CLOCKS_APART_MS_MAX);
        let age_ms = now.ms_since(issued);
        if !fresh || age_ms >= TOKEN_VALID_MS {
            return None;
        }
        let renewed = (age_ms >= TOKEN_RENEWED_AFTER_MS).then(|| self.sign(session, now));
        Some((session, renewed))
    }

    fn sign(&self, session: SessionId, now: Time) -> String {
        let mut token = Vec::with_capacity(TOKEN_BYTES);
        token.push(VERSION);
        token.extend_from_slice(session.0.as_bytes());
        token.extend_from_slice(&now.0.to_be_bytes());
        let signature = self.keyed.clone().chain_update(&token).finalize().into_bytes();
        token.extend_from_slice(&signature);
        URL_SAFE_NO_PAD.encode(token)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time(1_800_000_000_000);

    fn house() -> Sessions {
        Sessions::new([7; 32])
    }

    #[test]
    fn a_token_names_its_session_again() {
        let (session, token) = house().issue(NOW);
        assert_eq!(house().verify(&token, NOW), Some((session, None)));
    }

    #[test]
    fn another_house_does_not_believe_it() {
        let (_, token) = house().issue(NOW);
        assert_eq!(Sessions::new([8; 32]).verify(&token, NOW), None);
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
