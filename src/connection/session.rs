//! Session tokens: the secret a buyer's browser keeps, signed so that the house need not.
//!
//! A token carries the session's id and when it was issued, under HMAC-SHA256: any node with the
//! same keys can judge it, and none has to remember it. Owns the token's form and its age, and which
//! key of the ring signs and which are believed when; knows nothing of sockets, of where keys are
//! kept, and has no clock.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

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

/// Keys that were read so long ago may not be all: a new one signs a minute after it was made, so
/// whoever read the ring within half of that knows every key that signs.
const KEYS_KNOWN_MS: u64 = 30_000;

/// Version, session, time of issue.
const CLAIMS_BYTES: usize = 1 + 16 + 8;
const SIGNATURE_BYTES: usize = 32;
const TOKEN_BYTES: usize = CLAIMS_BYTES + SIGNATURE_BYTES;

/// The first byte of every token, so that another form can follow this one.
const VERSION: u8 = 1;

/// Issues tokens and judges them. Clones share one ring of keys.
#[derive(Clone)]
pub struct Sessions {
    // A plain lock: it is held for the copying of a pointer.
    ring: Arc<RwLock<Arc<[RingKey]>>>,
    /// When the ring was last compared with those that are kept, in milliseconds;
    /// [`NEVER_COMPARED`] where it was given.
    compared_at: Arc<AtomicU64>,
}

/// There is nothing to compare with: what was given is all there is.
const NEVER_COMPARED: u64 = u64::MAX;

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disbelief {
    /// It is forged, altered or too old.
    Bad,
    /// No key that is known here signed it, and there may be newer ones.
    NotKnown,
}

/// A key, and when it signs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SigningKey {
    /// The secret.
    pub secret: [u8; 32],
    /// It signs from then on, until another does. It is believed at once: a node that has not read
    /// of it yet must have time to, before it meets a token that it signed.
    pub signs_from: Time,
}

/// Never shows the secret.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(signs from {})", self.signs_from)
    }
}

struct RingKey {
    keyed: Hmac<Sha256>,
    signs_from: Time,
    /// When the last token it signed has ended; none while nothing is to follow it.
    believed_until: Option<Time>,
}

/// The keys of `ring` that are still of use at `now`, in order of signing: one that no longer signs
/// is believed for as long as a token lives.
pub fn in_use(ring: &[SigningKey], now: Time) -> Vec<SigningKey> {
    let keys = with_ends(ring).into_iter();
    keys.filter(|(_, end)| end.is_none_or(|end| now < end)).map(|(key, _)| key).collect()
}

/// Each key, in order of signing, and when the last token it signed has ended; none for the last.
fn with_ends(ring: &[SigningKey]) -> Vec<(SigningKey, Option<Time>)> {
    let mut ring = ring.to_vec();
    ring.sort_by_key(|key| (key.signs_from, key.secret));
    ring.dedup();
    let ends = ring.iter().skip(1).map(|next| Some(end_of_tokens(next.signs_from))).chain([None]);
    ring.iter().copied().zip(ends).collect()
}

/// When the last token has ended that was signed by a key which another followed at `followed`.
fn end_of_tokens(followed: Time) -> Time {
    followed.plus_ms(TOKEN_VALID_MS + CLOCKS_APART_MS_MAX)
}

impl Sessions {
    /// With one secret, the same on every node.
    pub fn new(secret: [u8; 32]) -> Self {
        Self::of(&[SigningKey { secret, signs_from: Time(0) }])
    }

    /// With keys of which each signs in its time.
    pub fn of(ring: &[SigningKey]) -> Self {
        Self::with(made(ring))
    }

    /// With one key that signs and others that are believed, too, for good.
    pub fn believing(signs: [u8; 32], others: &[[u8; 32]]) -> Self {
        let keys = std::iter::once(&signs).chain(others);
        let ring = keys.map(|secret| RingKey {
            keyed: keyed(secret),
            // The time of all is come, and the last of equals signs.
            signs_from: Time(0),
            believed_until: None,
        });
        let mut ring: Vec<_> = ring.collect();
        ring.reverse();
        Self::with(ring.into())
    }

    fn with(ring: Arc<[RingKey]>) -> Self {
        let compared_at = Arc::new(AtomicU64::new(NEVER_COMPARED));
        Self { ring: Arc::new(RwLock::new(ring)), compared_at }
    }

    /// The ring was all there is at `now`, and there may be more later.
    pub fn compared(&self, now: Time) {
        self.compared_at.store(now.0, Ordering::Relaxed);
    }

    /// From now on these keys sign and are believed.
    pub fn replace(&self, ring: &[SigningKey]) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = made(ring);
    }

    /// A new session and its token.
    pub fn issue(&self, now: Time) -> (SessionId, String) {
        let session = SessionId(Uuid::new_v4());
        (session, self.sign(session, now))
    }

    /// Whose token this is, and a newer one where it is time. The comparison takes as long for a near
    /// miss as for any other.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn judge(&self, token: &str, now: Time) -> Result<(SessionId, Option<String>), Disbelief> {
        let claims = self.claims(token, now)?;
        let session = SessionId(Uuid::from_slice(&claims[1..17]).map_err(|_| Disbelief::Bad)?);
        let issued = claims[17..].try_into().map_err(|_| Disbelief::Bad)?;
        let issued = Time(u64::from_be_bytes(issued));
        let fresh = issued <= now.plus_ms(CLOCKS_APART_MS_MAX);
        let age_ms = now.ms_since(issued);
        if !fresh || age_ms >= TOKEN_VALID_MS {
            return Err(Disbelief::Bad);
        }
        let renewed = (age_ms >= TOKEN_RENEWED_AFTER_MS).then(|| self.sign(session, now));
        Ok((session, renewed))
    }

    /// As [`Sessions::judge`], for those to whom it is all the same why not.
    pub fn verify(&self, token: &str, now: Time) -> Option<(SessionId, Option<String>)> {
        self.judge(token, now).ok()
    }

    /// What a token says, if it was signed by a key that is believed.
    fn claims(&self, token: &str, now: Time) -> Result<[u8; CLAIMS_BYTES], Disbelief> {
        // Decoding into a fixed buffer: a token of megabytes costs nothing.
        let mut bytes = [0; TOKEN_BYTES];
        let decoded = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes);
        if !matches!(decoded, Ok(TOKEN_BYTES)) || bytes[0] != VERSION {
            return Err(Disbelief::Bad);
        }
        let (claims, signature) = bytes.split_at(CLAIMS_BYTES);
        let signed =
            |key: &&RingKey| key.keyed.clone().chain_update(claims).verify_slice(signature).is_ok();
        match self.ring().iter().find(signed) {
            Some(key) if key.is_believed(now) => claims.try_into().map_err(|_| Disbelief::Bad),
            None if self.may_lack_keys(now) => Err(Disbelief::NotKnown),
            Some(_) | None => Err(Disbelief::Bad),
        }
    }

    fn may_lack_keys(&self, now: Time) -> bool {
        match self.compared_at.load(Ordering::Relaxed) {
            NEVER_COMPARED => false,
            compared_at => now.ms_since(Time(compared_at)) > KEYS_KNOWN_MS,
        }
    }

    fn sign(&self, session: SessionId, now: Time) -> String {
        let mut token = Vec::with_capacity(TOKEN_BYTES);
        token.push(VERSION);
        token.extend_from_slice(session.0.as_bytes());
        token.extend_from_slice(&now.0.to_be_bytes());
        let ring = self.ring();
        // In order of signing: the last whose time has come, or, on a clock that is behind, the first.
        let signs = ring.iter().rfind(|key| key.signs_from <= now).or(ring.first());
        if let Some(key) = signs {
            let signature = key.keyed.clone().chain_update(&token).finalize().into_bytes();
            token.extend_from_slice(&signature);
        }
        URL_SAFE_NO_PAD.encode(token)
    }

    fn ring(&self) -> Arc<[RingKey]> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RingKey {
    fn is_believed(&self, now: Time) -> bool {
        self.believed_until.is_none_or(|until| now < until)
    }
}

fn made(ring: &[SigningKey]) -> Arc<[RingKey]> {
    let keys = with_ends(ring).into_iter().map(|(key, believed_until)| RingKey {
        keyed: keyed(&key.secret),
        signs_from: key.signs_from,
        believed_until,
    });
    keys.collect()
}

#[allow(clippy::expect_used)]
fn keyed(secret: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC takes keys of every length; the error exists for other constructions.
    Hmac::new_from_slice(secret).expect("HMAC takes a key of 32 bytes")
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

    fn key(letter: u8, signs_from: u64) -> SigningKey {
        SigningKey { secret: [letter; 32], signs_from: Time(signs_from) }
    }

    #[test]
    fn a_new_key_is_believed_at_once_and_signs_when_its_time_has_come() {
        let before = Sessions::of(&[key(1, 0)]);
        let sessions = before.clone();
        let (_, token) = sessions.issue(NOW);
        sessions.replace(&[key(1, 0), key(2, NOW.0 + 60_000)]);
        // (how much later, whether one who has only the old key believes what is issued then)
        for (later, by_the_old) in [(0, true), (59_999, true), (60_000, false), (DAY_MS, false)] {
            let at = NOW.plus_ms(later);
            let (_, issued) = sessions.issue(at);
            assert!(sessions.verify(&token, at).is_some(), "{later}");
            assert!(sessions.verify(&issued, at).is_some(), "{later}");
            let old = Sessions::new([1; 32]);
            assert_eq!(old.verify(&issued, at).is_some(), by_the_old, "{later}");
            let new = Sessions::new([2; 32]);
            assert_eq!(new.verify(&issued, at).is_some(), !by_the_old, "{later}");
        }
        assert!(
            before.verify(&sessions.issue(NOW.plus_ms(DAY_MS)).1, NOW.plus_ms(DAY_MS)).is_some()
        );
    }

    #[test]
    fn an_old_key_is_believed_for_as_long_as_its_tokens_live_and_then_dropped() {
        let ring = [key(2, NOW.0), key(1, 0)];
        let old = Sessions::new([1; 32]);
        let end = TOKEN_VALID_MS + CLOCKS_APART_MS_MAX;
        for (later, kept) in [(0, true), (end - 1, true), (end, false)] {
            let at = NOW.plus_ms(later);
            // Whoever stole the old key writes whatever time it likes.
            let (_, forged) = old.issue(at);
            assert_eq!(Sessions::of(&ring).verify(&forged, at).is_some(), kept, "{later}");
            assert_eq!(in_use(&ring, at).contains(&key(1, 0)), kept, "{later}");
            assert!(in_use(&ring, at).contains(&key(2, NOW.0)));
        }
    }

    #[test]
    fn of_keys_that_were_given_the_first_signs_and_all_are_believed() {
        let given = Sessions::believing([1; 32], &[[2; 32], [3; 32]]);
        let (_, token) = given.issue(NOW);
        assert!(Sessions::new([1; 32]).verify(&token, NOW).is_some());
        for other in [2, 3] {
            let (_, token) = Sessions::new([other; 32]).issue(NOW);
            assert!(given.verify(&token, NOW).is_some());
        }
        assert_eq!(given.verify(&Sessions::new([4; 32]).issue(NOW).1, NOW), None);
    }

    #[test]
    fn who_has_not_read_the_keys_for_long_does_not_call_a_token_of_a_newer_one_forged() {
        let behind = house();
        let (_, newer) = Sessions::new([8; 32]).issue(NOW);
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
