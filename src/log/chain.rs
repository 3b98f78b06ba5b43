//! The chain: each entry's hash takes in all before it, so that a head once published pins the
//! whole history down.

use std::fmt;

use sha2::{Digest, Sha256};

/// `SHA-256(previous chain, entry's bytes)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// The chain of an empty stream: `SHA-256("usher chain 1", epoch as 8 bytes little endian,
    /// genesis bytes)`.
    pub fn of_genesis(epoch: u64, genesis: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"usher chain 1");
        hash.update(epoch.to_le_bytes());
        hash.update(genesis);
        Self(hash.finalize().into())
    }

    /// The chain after one more entry.
    #[must_use]
    pub fn after(&self, entry: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(entry);
        Self(hash.finalize().into())
    }

    /// The chain with which a new life goes on: `SHA-256("usher life 1", previous chain, epoch as 8
    /// bytes little endian)`.
    #[must_use]
    pub fn renewed(&self, epoch: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"usher life 1");
        hash.update(self.0);
        hash.update(epoch.to_le_bytes());
        Self(hash.finalize().into())
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
