//! Who a session is in what everybody may read.

use sha2::{Digest, Sha256};

use super::super::{SessionId, ShowId};

/// A session's name in one show's published log. Whoever has the session finds itself by it; nobody
/// can tell the session from it, or that the same session is in another show, for a session's own
/// name is random and known to nobody else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alias(pub [u8; 16]);

impl Alias {
    /// The first 16 bytes of SHA-256 over `usher alias`, a zero byte, the show's name, a zero byte and
    /// the session's 16 bytes.
    pub fn of(show: &ShowId, session: SessionId) -> Self {
        let hash = Sha256::new()
            .chain_update(b"usher alias\0")
            .chain_update(show.as_str())
            .chain_update([0])
            .chain_update(session.0.as_bytes())
            .finalize();
        let mut alias = [0; 16];
        alias.copy_from_slice(&hash[..16]);
        Self(alias)
    }
}

impl std::fmt::Display for Alias {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Alias {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
