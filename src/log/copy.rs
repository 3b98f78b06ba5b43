//! Copying a stream from one log into another, whatever either is made of.
//!
//! The copy has every life and every entry of the original, so that its chain is the same, and then
//! begins a life of its own: nobody can take a position of the one for a position of the other, also
//! where a copy is put back as a backup. A copy that broke off is a beginning of the original, and is
//! gone on with. What the bytes mean is not asked.

use bytes::Bytes;

use super::{
    AppendError, Chain, CreateError, Genesis, Known, Life, Lives, Log, Position, ReadError,
    Recorded, StreamId,
};

/// Entries read at a time.
const READ_ENTRIES: usize = 1_000;

/// About how many bytes are appended at a time. A single entry may be longer.
const APPEND_BYTES: usize = 1 << 20;

/// What came of copying a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// How many entries the copy has.
    pub entries: u64,
    /// The chain after the last of them, the same in both.
    pub chain: Chain,
    /// The life that the copy goes on in.
    pub epoch: u64,
    /// Whether all of it was there before.
    pub was_there: bool,
}

/// Why a stream was not copied, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is one of this name that is not a beginning of the original: nothing was changed.
    #[error("the log has a stream of this name already, with a history of its own")]
    Exists,
    /// The original lost history meanwhile.
    #[error("the original lost history while it was copied; copy it again")]
    OriginalChanged,
    /// Somebody else writes the copy, or its log does not keep what it was given.
    #[error("entry {seq} of the copy is not the original's: is a server using it?")]
    Differs {
        /// Its place.
        seq: u64,
    },
    /// The system gave no randomness for an epoch.
    #[error("the system gives no random numbers")]
    NoChance(#[from] getrandom::Error),
    /// The original could not be read.
    #[error("the original cannot be read")]
    From(#[source] ReadError),
    /// The copy could not be begun.
    #[error("the copy cannot be begun")]
    Create(#[source] CreateError),
    /// The copy could not be read.
    #[error("the copy cannot be read")]
    To(#[source] ReadError),
    /// The copy could not be written. What is there is a beginning.
    #[error("the copy broke off; copy again to go on")]
    Append(#[source] AppendError),
}

/// A stream as somebody walks along it.
struct Walk<'a> {
    log: &'a dyn Log,
    stream: &'a StreamId,
    lives: Lives,
    known: Known,
    chain: Chain,
}

impl<'a> Walk<'a> {
    fn begin(log: &'a dyn Log, stream: &'a StreamId, genesis: &Genesis) -> Self {
        let (epoch, chain) = genesis.beginning();
        Self { log, stream, lives: genesis.lives.clone(), known: Known::nothing(epoch), chain }
    }

    fn seq(&self) -> u64 {
        self.known.position.seq
    }

    /// The next entries, one after another; empty at the end.
    async fn look(&self) -> Result<Vec<Recorded>, ReadError> {
        let entries = self.log.read(self.stream, self.seq(), READ_ENTRIES).await?;
        match entries.first() {
            Some(first) if first.seq != self.seq() + 1 => {
                let missing = self.seq() + 1;
                Err(ReadError::Damaged(format!("entry {missing} is no longer kept")))
            }
            _ => Ok(entries),
        }
    }

    fn step(&mut self, recorded: &Recorded) {
        let (epoch, chain) = self.onward();
        self.chain = chain.after(&recorded.bytes);
        let position = Position { epoch, seq: recorded.seq };
        self.known = Known { position, mark: recorded.mark };
    }

    /// Epoch and chain with which it goes on from here.
    fn onward(&self) -> (u64, Chain) {
        self.lives.onward(self.seq(), self.known.position.epoch, self.chain)
    }
}

/// Copies `stream` to the log `to`, where there is no such stream, or a beginning of this one. Entries
/// that come to the original meanwhile may be left out.
///
/// # Errors
/// The copy is not whole. It can be copied again.
pub async fn copy(from: &dyn Log, to: &dyn Log, stream: &StreamId) -> Result<Copied, CopyError> {
    let genesis = from.genesis(stream).await.map_err(CopyError::From)?;
    let mut original = Walk::begin(from, stream, &genesis);
    let begun = Genesis::new(genesis.lives.oldest(), genesis.bytes.clone());
    match to.create(stream, begun).await {
        Ok(()) | Err(CreateError::Exists) => {}
        Err(error) => return Err(CopyError::Create(error)),
    }
    let there = to.genesis(stream).await.map_err(CopyError::To)?;
    if there.bytes != genesis.bytes {
        return Err(CopyError::Exists);
    }
    let mut copy = Walk::begin(to, stream, &there);
    walk_along(&mut original, &mut copy).await?;
    if let Some(own_life) = life_of_its_own(&genesis.lives, &copy) {
        let is_whole = original.look().await.map_err(CopyError::From)?.is_empty();
        let is_quiet = own_life.after == copy.seq();
        let copied = copy.copied(original.chain, true);
        return if is_whole && is_quiet { Ok(copied) } else { Err(CopyError::Exists) };
    }
    if !is_beginning(&copy.lives, &genesis.lives) || !is_within(&copy, &genesis.lives) {
        return Err(CopyError::Exists);
    }
    append_the_rest(&mut original, &mut copy).await?;
    let lives = from.genesis(stream).await.map_err(CopyError::From)?.lives;
    if lives != genesis.lives {
        return Err(CopyError::OriginalChanged);
    }
    copy.renew(getrandom::u64()?).await?;
    read_back(to, stream, &original).await?;
    Ok(copy.copied(original.chain, false))
}

/// Goes along both for as long as they are the same, to the copy's end.
async fn walk_along(original: &mut Walk<'_>, copy: &mut Walk<'_>) -> Result<(), CopyError> {
    loop {
        let there = copy.look().await.map_err(CopyError::To)?;
        if there.is_empty() {
            return Ok(());
        }
        let mut here = original.look().await.map_err(CopyError::From)?;
        here.truncate(there.len());
        for (mine, its) in there.iter().zip(&here) {
            if mine.bytes != its.bytes {
                return Err(CopyError::Exists);
            }
            original.step(its);
            copy.step(mine);
        }
        if here.is_empty() {
            // It has gone on where the original has not.
            return Err(CopyError::Exists);
        }
    }
}

/// The one life that a copy which was finished has more than the original.
fn life_of_its_own(original: &Lives, copy: &Walk<'_>) -> Option<Life> {
    let (last, before) = copy.lives.later().split_last()?;
    let is_own = copy.lives.oldest() == original.oldest() && before == original.later();
    is_own.then_some(*last)
}

fn is_beginning(copy: &Lives, original: &Lives) -> bool {
    copy.oldest() == original.oldest() && original.later().starts_with(copy.later())
}

/// Whether the copy ends before the original's next life begins: else it went on in a life that the
/// original has left.
fn is_within(copy: &Walk<'_>, original: &Lives) -> bool {
    let next = original.later().get(copy.lives.later().len());
    next.is_none_or(|life| copy.seq() <= life.after)
}

async fn append_the_rest(original: &mut Walk<'_>, copy: &mut Walk<'_>) -> Result<(), CopyError> {
    // It may have broken off where a life had begun and nothing was appended in it.
    copy.cross();
    loop {
        let mut rest = original.look().await.map_err(CopyError::From)?;
        loop {
            // Lives of which nothing was appended follow at the same place.
            while let Some(life) = original.lives.later().get(copy.lives.later().len())
                && life.after == copy.seq()
            {
                copy.renew(life.epoch).await?;
            }
            if rest.is_empty() {
                break;
            }
            let next = original.lives.later().get(copy.lives.later().len());
            let in_life = next.map_or(u64::MAX, |life| life.after - copy.seq());
            let left = rest.split_off(fitting(&rest, in_life));
            copy.append(&rest).await?;
            rest.iter().for_each(|recorded| original.step(recorded));
            if original.chain != copy.chain {
                return Err(CopyError::Differs { seq: copy.seq() });
            }
            rest = left;
        }
        if original.look().await.map_err(CopyError::From)?.is_empty() {
            return Ok(());
        }
    }
}

/// How many of `entries` go into one append, at least one, of the `most` that may.
fn fitting(entries: &[Recorded], most: u64) -> usize {
    let mut bytes = 0;
    let fits = entries.iter().take_while(|recorded| {
        bytes += recorded.bytes.len();
        bytes <= APPEND_BYTES
    });
    fits.count().max(1).min(usize::try_from(most).unwrap_or(usize::MAX))
}

impl Walk<'_> {
    /// Goes into the life that goes on from here.
    fn cross(&mut self) {
        (self.known.position.epoch, self.chain) = self.onward();
    }

    async fn append(&mut self, entries: &[Recorded]) -> Result<(), CopyError> {
        let bytes: Vec<Bytes> = entries.iter().map(|recorded| recorded.bytes.clone()).collect();
        let told = self.log.append(self.stream, self.known, bytes).await;
        let told = told.map_err(CopyError::Append)?;
        for (recorded, given) in told.since_known.iter().zip(entries) {
            if (recorded.seq, &recorded.bytes) != (given.seq, &given.bytes) {
                return Err(CopyError::Differs { seq: given.seq });
            }
            self.step(recorded);
        }
        if told.since_known.len() == entries.len() {
            Ok(())
        } else {
            Err(CopyError::Differs { seq: self.seq() + 1 })
        }
    }

    /// Begins the next life here.
    async fn renew(&mut self, epoch: u64) -> Result<(), CopyError> {
        let lost = self.known.position.epoch;
        let lives = self.log.renew(self.stream, lost, epoch).await.map_err(CopyError::To)?;
        let after = self.seq();
        if lives.later().last() != Some(&Life { epoch, after }) {
            return Err(CopyError::Differs { seq: after + 1 });
        }
        self.lives = lives;
        self.cross();
        Ok(())
    }

    fn copied(&self, chain: Chain, was_there: bool) -> Copied {
        Copied { entries: self.seq(), chain, epoch: self.lives.now(), was_there }
    }
}

/// Reads the copy from its beginning, as whoever opens it will: it must come to the same chain.
async fn read_back(to: &dyn Log, stream: &StreamId, original: &Walk<'_>) -> Result<(), CopyError> {
    let genesis = to.genesis(stream).await.map_err(CopyError::To)?;
    let mut copy = Walk::begin(to, stream, &genesis);
    loop {
        let page = copy.look().await.map_err(CopyError::To)?;
        if page.is_empty() {
            break;
        }
        page.iter().for_each(|recorded| copy.step(recorded));
    }
    // Before its first entry the copy is in its own life already.
    let is_same = copy.seq() == original.seq() && (copy.chain == original.chain || copy.seq() == 0);
    if is_same { Ok(()) } else { Err(CopyError::Differs { seq: copy.seq() }) }
}
