//! The head of a show's log: a position and the hash that pins down all that came before it.

/// Published, and given with every order: who kept one can hold the log against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which life of the log.
    pub epoch: u64,
    /// How many entries it has.
    pub seq: u64,
    /// SHA-256 over the previous chain and the entry's bytes.
    pub chain: [u8; 32],
}
