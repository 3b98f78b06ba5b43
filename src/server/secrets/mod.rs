//! The house's secrets: the keys that sign sessions and the box office's key, each made at the
//! first start and kept in a safe beside the log.
//!
//! Owns what is kept under which name, and the rotation of signing keys. What a key is good for is
//! `tokens`'s.

mod folder;
mod redis;
mod ring;

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::log::{Answer, ReadError};
use crate::show::Time;
use crate::tokens::{SigningKey, Tokens, in_use};

pub use folder::Folder;

/// The name of the keys that sign session tokens.
const SIGNING: &str = "sign.key";

/// The name of what says who puts the demo on.
const DEMO: &str = "demo";

/// The name of the box office's key.
const BOX_OFFICE: &str = "box-office.key";

/// A node reads the signing keys again this often.
const READ_AGAIN: Duration = Duration::from_secs(10);

/// One that could not tries again this often: until then it does not know tokens of a newer key.
const READ_AGAIN_SOON: Duration = Duration::from_secs(1);

/// A new key signs this long after it was made: six times as long as the slowest node takes to
/// read of it, so that none meets a token whose key it does not know.
pub const SIGNS_AFTER_MS: u64 = 60_000;

/// How often a rotation is tried while others rotate at the same time.
const ROTATIONS_TRIED: usize = 10;

/// Where secrets are kept, by name. All nodes of a house share one.
pub trait Safe: Send + Sync {
    /// The one of this name, if one is kept.
    fn kept<'a>(&'a self, name: &'a str) -> Answer<'a, Result<Option<String>, SafeError>>;

    /// The kept one of this name, or `made` if there was none, which is then kept.
    fn keep<'a>(&'a self, name: &'a str, made: &'a str) -> Answer<'a, Result<String, SafeError>>;

    /// Keeps `new` if `old` is what is kept; answers whether it was.
    fn keep_instead<'a>(
        &'a self,
        name: &'a str,
        old: &'a str,
        new: &'a str,
    ) -> Answer<'a, Result<bool, SafeError>>;
}

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SafeError {
    /// The data folder.
    #[error("the data folder {} cannot be used", .folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The log that keeps it did not answer.
    #[error("the house's secrets could not be read")]
    Log(#[from] ReadError),
    /// What is kept is not one. An empty key would let everybody in.
    #[error("{0} is damaged; put its copy back, or remove it to have one made")]
    Damaged(&'static str),
    /// Others changed it each time, too.
    #[error("the keys are being changed by somebody else; try again")]
    Busy,
    /// The system gave no randomness.
    #[error("the system gives no random numbers")]
    NoChance(#[from] getrandom::Error),
}

/// The keys that sign session tokens.
pub(super) async fn signing_keys(safe: &dyn Safe) -> Result<Vec<SigningKey>, SafeError> {
    let made = SigningKey { secret: chance()?, signs_from: Time(0) };
    ring::read(&safe.keep(SIGNING, &ring::written(&[made])).await?)
        .ok_or(SafeError::Damaged(SIGNING))
}

/// The box office's key, and whether it was made just now.
pub(super) async fn box_office_key(safe: &dyn Safe) -> Result<(String, bool), SafeError> {
    let made = URL_SAFE_NO_PAD.encode(chance()?);
    let kept = safe.keep(BOX_OFFICE, &made).await?.trim().to_owned();
    if kept.is_empty() {
        return Err(SafeError::Damaged(BOX_OFFICE));
    }
    let is_new = kept == made;
    Ok((kept, is_new))
}

/// Whether this node is the one to put the demo on: of those who find the house empty at the same
/// time, one.
pub(super) async fn is_to_put_the_demo_on(safe: &dyn Safe) -> Result<bool, SafeError> {
    let own = URL_SAFE_NO_PAD.encode(chance()?);
    Ok(safe.keep(DEMO, &own).await? == own)
}

/// Makes a new signing key, which is believed from now on and signs [`SIGNS_AFTER_MS`] later; drops
/// those no longer of use. Answers with all that are kept then.
///
/// # Errors
/// The safe cannot be used, or is changed by others all the time.
pub async fn rotate(safe: &dyn Safe, now: Time) -> Result<Vec<SigningKey>, SafeError> {
    let new = SigningKey { secret: chance()?, signs_from: now.plus_ms(SIGNS_AFTER_MS) };
    for _ in 0..ROTATIONS_TRIED {
        let old = safe.keep(SIGNING, &ring::written(&[new])).await?;
        let mut keys = ring::read(&old).ok_or(SafeError::Damaged(SIGNING))?;
        keys.push(new);
        let keys = in_use(&keys, now);
        if safe.keep_instead(SIGNING, &old, &ring::written(&keys)).await? {
            return Ok(keys);
        }
    }
    Err(SafeError::Busy)
}

/// Copies the house's secrets into another safe, where it has none of its own: sessions go on there.
/// Answers whether `to` has the same now.
///
/// # Errors
/// One of the two cannot be used.
pub async fn copy(from: &dyn Safe, to: &dyn Safe) -> Result<bool, SafeError> {
    let mut is_same = true;
    for name in [SIGNING, BOX_OFFICE] {
        if let Some(secret) = from.kept(name).await? {
            is_same &= to.keep(name, &secret).await?.trim() == secret.trim();
        }
    }
    Ok(is_same)
}

/// What a node has of the safe while it runs: it reads new signing keys as they are made, and puts
/// back what it knows where the safe was lost.
pub(super) struct Kept {
    /// The signing keys; none where they were given as a setting.
    pub(super) signing: Option<Vec<SigningKey>>,
    /// The box office's key; none where it was given.
    pub(super) box_office: Option<String>,
}

impl Kept {
    /// Compares with the safe every few seconds, for ever.
    pub(super) async fn follow(
        mut self,
        safe: &dyn Safe,
        tokens: &Tokens,
        now: impl Fn() -> Time,
    ) -> Infallible {
        let mut is_lost = false;
        loop {
            tokio::time::sleep(if is_lost { READ_AGAIN_SOON } else { READ_AGAIN }).await;
            match self.compare(safe, tokens, now()).await {
                Ok(()) => is_lost = false,
                // Said once: a log that is away is told of elsewhere, too.
                Err(error) if !is_lost => {
                    tracing::warn!(%error, "the keys could not be read again: those known are used");
                    is_lost = true;
                }
                Err(_) => {}
            }
        }
    }

    /// Looks once.
    async fn compare(
        &mut self,
        safe: &dyn Safe,
        tokens: &Tokens,
        now: Time,
    ) -> Result<(), SafeError> {
        if let Some(key) = &self.box_office
            && safe.keep(BOX_OFFICE, key).await?.trim() != key
        {
            tracing::warn!("another box office's key is kept: it counts from the next start");
            self.box_office = None;
        }
        let Some(known) = &mut self.signing else { return Ok(()) };
        let text = safe.keep(SIGNING, &ring::written(known)).await?;
        let kept = ring::read(&text).ok_or(SafeError::Damaged(SIGNING))?;
        let all = in_use(&[kept.as_slice(), known].concat(), now);
        if all.iter().any(|key| !kept.contains(key)) {
            // It came back older than it was: tokens are out that only the lost keys prove.
            tracing::warn!("signing keys that are known here were lost: putting them back");
            safe.keep_instead(SIGNING, &text, &ring::written(&all)).await?;
        }
        if all != *known {
            tracing::info!(keys = all.len(), "the signing keys are renewed");
            tokens.replace(&all);
            *known = all;
        }
        tokens.compared(now);
        Ok(())
    }
}

fn chance() -> Result<[u8; 32], getrandom::Error> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    Ok(secret)
}

#[cfg(test)]
mod tests;
