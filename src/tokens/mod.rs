//! What the house signs, so that it need not remember it: session tokens, and the waiting room's
//! tickets.
//!
//! Everything is under HMAC-SHA256: any node with the same keys can judge it, and none has to be
//! asked. Owns the form of what is signed, how long it is good for, and which key of the ring signs
//! and which are believed when. It may use the show's ids and times; it knows nothing of sockets, of
//! where keys are kept, and has no clock.

mod ring;
mod session;
mod ticket;

pub use ring::{Disbelief, SigningKey, in_use};
pub use session::{TOKEN_RENEWED_AFTER_MS, TOKEN_VALID_MS};
pub use ticket::{Standing, Ticket};

use crate::show::Time;

use ring::Ring;

/// Issues tokens and tickets, and judges them. Clones share one ring of keys.
#[derive(Clone)]
pub struct Tokens {
    ring: Ring,
}

impl Tokens {
    /// With one secret, the same on every node.
    pub fn new(secret: [u8; 32]) -> Self {
        Self::of(&[SigningKey { secret, signs_from: Time(0) }])
    }

    /// With keys of which each signs in its time.
    pub fn of(ring: &[SigningKey]) -> Self {
        Self { ring: Ring::of(ring) }
    }

    /// With one key that signs and others that are believed, too, for good.
    pub fn believing(signs: [u8; 32], others: &[[u8; 32]]) -> Self {
        Self { ring: Ring::believing(signs, others) }
    }

    /// The ring was all there is at `now`, and there may be more later.
    pub fn compared(&self, now: Time) {
        self.ring.compared(now);
    }

    /// From now on these keys sign and are believed.
    pub fn replace(&self, ring: &[SigningKey]) {
        self.ring.replace(ring);
    }
}

/// Without the keys.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}
