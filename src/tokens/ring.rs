//! The ring of keys: which one signs, and which are believed when.
//!
//! Owns the keys in use and their times; what is signed is the other files' here.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::show::Time;

use super::session::TOKEN_VALID_MS;

/// A token from a node whose clock is ahead is believed this far into the future.
pub(super) const CLOCKS_APART_MS_MAX: u64 = 60_000;

/// Keys that were read so long ago may not be all: a new one signs a minute after it was made, so
/// whoever read the ring within half of that knows every key that signs.
pub(super) const KEYS_KNOWN_MS: u64 = 30_000;

/// How long a signature is.
pub(super) const SIGNATURE_BYTES: usize = 32;

/// Why a token or a ticket is not believed.
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

/// The keys of `ring` that are still of use at `now`, in order of signing: one that no longer signs
/// is believed for as long as a token lives.
pub fn in_use(ring: &[SigningKey], now: Time) -> Vec<SigningKey> {
    let keys = with_ends(ring).into_iter();
    keys.filter(|(_, end)| end.is_none_or(|end| now < end)).map(|(key, _)| key).collect()
}

/// The keys that sign and are believed. Clones share one ring.
#[derive(Clone)]
pub(super) struct Ring {
    // A plain lock: it is held for the copying of a pointer.
    keys: Arc<RwLock<Arc<[RingKey]>>>,
    /// When the ring was last compared with those that are kept, in milliseconds;
    /// [`NEVER_COMPARED`] where it was given.
    compared_at: Arc<AtomicU64>,
}

/// There is nothing to compare with: what was given is all there is.
const NEVER_COMPARED: u64 = u64::MAX;

struct RingKey {
    keyed: Hmac<Sha256>,
    signs_from: Time,
    /// When the last token it signed has ended; none while nothing is to follow it.
    believed_until: Option<Time>,
}

impl Ring {
    /// Keys of which each signs in its time.
    pub(super) fn of(keys: &[SigningKey]) -> Self {
        Self::with(made(keys))
    }

    /// One key that signs and others that are believed, too, for good.
    pub(super) fn believing(signs: [u8; 32], others: &[[u8; 32]]) -> Self {
        let keys = std::iter::once(&signs).chain(others);
        let keys = keys.map(|secret| RingKey {
            keyed: keyed(secret),
            // The time of all is come, and the last of equals signs.
            signs_from: Time(0),
            believed_until: None,
        });
        let mut keys: Vec<_> = keys.collect();
        keys.reverse();
        Self::with(keys.into())
    }

    fn with(keys: Arc<[RingKey]>) -> Self {
        let compared_at = Arc::new(AtomicU64::new(NEVER_COMPARED));
        Self { keys: Arc::new(RwLock::new(keys)), compared_at }
    }

    /// The ring was all there is at `now`, and there may be more later.
    pub(super) fn compared(&self, now: Time) {
        self.compared_at.store(now.0, Ordering::Relaxed);
    }

    /// From now on these keys sign and are believed.
    pub(super) fn replace(&self, keys: &[SigningKey]) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = made(keys);
    }

    /// Appends the signature of what is written so far.
    pub(super) fn sign(&self, claims: &mut Vec<u8>, now: Time) {
        let keys = self.keys();
        // In order of signing: the last whose time has come, or, on a clock that is behind, the first.
        let signs = keys.iter().rfind(|key| key.signs_from <= now).or(keys.first());
        if let Some(key) = signs {
            let signature = key.keyed.clone().chain_update(&claims).finalize().into_bytes();
            claims.extend_from_slice(&signature);
        }
    }

    /// The part of `signed` before its signature, if a key that is believed made that. The comparison
    /// takes as long for a near miss as for any other.
    pub(super) fn claims<'a>(&self, signed: &'a [u8], now: Time) -> Result<&'a [u8], Disbelief> {
        let split = signed.len().checked_sub(SIGNATURE_BYTES).ok_or(Disbelief::Bad)?;
        let (claims, signature) = signed.split_at(split);
        let made_it =
            |key: &&RingKey| key.keyed.clone().chain_update(claims).verify_slice(signature).is_ok();
        match self.keys().iter().find(made_it) {
            Some(key) if key.is_believed(now) => Ok(claims),
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

    fn keys(&self) -> Arc<[RingKey]> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RingKey {
    fn is_believed(&self, now: Time) -> bool {
        self.believed_until.is_none_or(|until| now < until)
    }
}

fn made(keys: &[SigningKey]) -> Arc<[RingKey]> {
    let keys = with_ends(keys).into_iter().map(|(key, believed_until)| RingKey {
        keyed: keyed(&key.secret),
        signs_from: key.signs_from,
        believed_until,
    });
    keys.collect()
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

#[allow(clippy::expect_used)]
fn keyed(secret: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC takes keys of every length; the error exists for other constructions.
    Hmac::new_from_slice(secret).expect("HMAC takes a key of 32 bytes")
}
