//! A replica: a show's state with its place in the log, kept by applying what the log says.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::hall::Floor;
use crate::log::{
    Chain, Known, Lives, Log, Mark, Position, ReadError, Recorded, Snapshot, StreamId,
};
use crate::show::{CodecError, Definition, Entry, Head, Outcome, SeatChange, Show, ShowId};

/// How many entries are read from the log at a time while a show is opened.
const READ_ENTRIES: usize = 10_000;

/// Of how many of the last entries a show with a waiting room knows the chain again: minutes of a rush,
/// and what a failover loses is seconds old.
const RECENT_MAX: usize = 16_384;

/// Why a show cannot be opened, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The log's beginning is not a show's definition.
    #[error("the show's definition cannot be read")]
    Definition(#[source] serde_json::Error),
    /// The definition is of a hall with another number of seats.
    #[error("the log is of a hall of {log} seats, but the hall has {hall}")]
    OtherHall {
        /// By the log.
        log: u32,
        /// By the hall.
        hall: u32,
    },
    /// An entry is not one this program can apply.
    #[error("entry {seq} cannot be read: {fault}")]
    Entry {
        /// Its place.
        seq: u64,
        /// What is wrong with it.
        fault: CodecError,
    },
    /// The log says another story than it did, and does not say so by a new epoch.
    #[error("the log went back behind entry {known} without beginning a new epoch")]
    WentBack {
        /// The last entry that was known.
        known: u64,
    },
    /// The log lost history while it was read: it is to be read again.
    #[error("the log's history changed behind entry {seq} while it was read")]
    Changed {
        /// The last entry that had been read.
        seq: u64,
    },
    /// The log left out an entry.
    #[error("entry {missing} is missing")]
    Hole {
        /// The place of the one that is missing.
        missing: u64,
    },
}

/// What entries that were heard are to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// They were applied before.
    Old,
    /// They follow at once.
    Next,
    /// They are of a place, or of a story, that is not known here: the log is to be asked.
    Beyond,
}

/// One show's state at a place in its log.
#[derive(Debug)]
pub struct Replica {
    stream: StreamId,
    lives: Lives,
    show: Show,
    head: Head,
    /// The log's mark at the head.
    mark: Mark,
    recent: Recent,
}

/// The chains of the last entries, as much of each as tells two histories apart; the first is of the
/// entry at `from`. Kept where tickets are held against it.
#[derive(Debug, Default)]
struct Recent {
    from: u64,
    chains: VecDeque<[u8; 8]>,
}

impl Replica {
    /// Reads a show from its log, wholly.
    ///
    /// # Errors
    /// Where the log does not answer or holds what cannot be replayed.
    pub async fn open(log: &dyn Log, show: &ShowId, floor: Arc<Floor>) -> Result<Self, OpenError> {
        let mut replica = Self::at_snapshot(log, show, floor).await?;
        replica.replay(log, |_, _| {}).await?;
        Ok(replica)
    }

    /// Reads a show as it was at the newest usable snapshot; without one, as it began.
    ///
    /// # Errors
    /// Where the log does not answer, or does not begin with a show of this hall.
    pub async fn at_snapshot(
        log: &dyn Log,
        show: &ShowId,
        floor: Arc<Floor>,
    ) -> Result<Self, OpenError> {
        let stream = StreamId::show(show);
        let genesis = log.genesis(&stream).await?;
        let definition: Definition =
            serde_json::from_slice(&genesis.bytes).map_err(OpenError::Definition)?;
        if definition.seats != floor.seats() {
            return Err(OpenError::OtherHall { log: definition.seats, hall: floor.seats() });
        }
        let definition = Arc::new(definition);
        let snapshot = match log.load_snapshot(&stream).await {
            // A snapshot only makes opening faster: what it says is in the log as well.
            Err(ReadError::Damaged(what)) => {
                tracing::warn!(show = stream.as_str(), what, "the snapshot is damaged: replaying");
                None
            }
            loaded => loaded?,
        };
        if let Some(snapshot) = snapshot
            && genesis.lives.has(snapshot.known.position)
            && let Ok(show) =
                Show::from_snapshot(definition.clone(), floor.clone(), &snapshot.bytes)
        {
            let Known { position: Position { epoch, seq }, mark } = snapshot.known;
            let head = Head { epoch, seq, chain: snapshot.chain.0 };
            let recent = Recent::default();
            return Ok(Self { stream, lives: genesis.lives, show, head, mark, recent });
        }
        let (epoch, chain) = genesis.beginning();
        let head = Head { epoch, seq: 0, chain: chain.0 };
        let show = Show::new(definition, floor);
        let recent = Recent::default();
        Ok(Self { stream, lives: genesis.lives, show, head, mark: Mark::NONE, recent })
    }

    /// Applies every entry that the log has more, and gives what each changed to `seen`.
    ///
    /// # Errors
    /// Where the log does not answer or holds what cannot be replayed.
    pub async fn replay(
        &mut self,
        log: &dyn Log,
        mut seen: impl FnMut(u64, &[SeatChange]) + Send,
    ) -> Result<(), OpenError> {
        let mut changes = Vec::new();
        loop {
            let page = log.read(&self.stream, self.head.seq, READ_ENTRIES).await?;
            // Between two reads the log may have gone back and have grown again: what follows would
            // then be another story's.
            if !log.has_place(&self.stream, self.head.seq, self.mark).await? {
                return Err(OpenError::Changed { seq: self.head.seq });
            }
            for recorded in &page {
                changes.clear();
                self.apply(recorded, &mut changes)?;
                seen(self.head.seq, &changes);
            }
            if page.len() < READ_ENTRIES {
                // It was all there was. To go on until nothing more comes would be to run after a rush
                // on other nodes for as long as it lasts. Whatever comes now comes in the life the log
                // is in.
                self.head = self.onward();
                return Ok(());
            }
        }
    }

    /// Applies the next entry of the log; one that was applied before is passed over.
    ///
    /// # Errors
    /// Where the entry cannot be read, or is not the next: the show must not go on.
    pub fn apply(
        &mut self,
        recorded: &Recorded,
        changes: &mut Vec<SeatChange>,
    ) -> Result<Outcome, OpenError> {
        let next = self.head.seq + 1;
        if recorded.seq < next {
            return Ok(Outcome::Void);
        }
        if recorded.seq > next {
            return Err(OpenError::Hole { missing: next });
        }
        let entry = Entry::from_bytes(&recorded.bytes)
            .map_err(|fault| OpenError::Entry { seq: next, fault })?;
        let before = self.onward();
        let chain = Chain(before.chain).after(&recorded.bytes);
        self.head = Head { epoch: before.epoch, seq: next, chain: chain.0 };
        self.mark = recorded.mark;
        if self.show.waiting_room().is_some() {
            self.recent.add(next, chain.0);
        }
        Ok(self.show.apply(self.head, &entry, changes))
    }

    /// Whether the entry at `head` is one of this history: not where it was lost, nor where it is not
    /// known here yet. Of a show with a waiting room the last entries are told apart by their chains;
    /// else it is said as far as the log's lives can tell, which do not know of what a node that was
    /// behind wrote in the place of what was lost.
    pub fn has(&self, Head { epoch, seq, chain }: Head) -> bool {
        self.lives.has(Position { epoch, seq })
            && seq <= self.head.seq
            && self.recent.at(seq).is_none_or(|known| chain.starts_with(known))
    }

    /// Whether it is in the life of `head`, but not as far.
    pub fn is_behind(&self, head: Head) -> bool {
        self.head.epoch == head.epoch && self.head.seq < head.seq
    }

    /// What entries, appended as one after `after`, are to this replica.
    pub fn judge(&self, after: Known, entries: &[Recorded]) -> News {
        let last = entries.last().map_or(after.position.seq, |last| last.seq);
        if after == self.known() {
            News::Next
        } else if after.position.epoch == self.head.epoch && last <= self.head.seq {
            News::Old
        } else {
            News::Beyond
        }
    }

    /// The state.
    pub fn show(&self) -> &Show {
        &self.show
    }

    /// The place in the log, with the hash that pins it down.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The head with which the history goes on: of another life, where one begins here.
    fn onward(&self) -> Head {
        let Head { epoch, seq, chain } = self.head;
        let (epoch, chain) = self.lives.onward(seq, epoch, Chain(chain));
        Head { epoch, seq, chain: chain.0 }
    }

    /// The place in the log, as the log knows it again.
    pub fn known(&self) -> Known {
        let Head { epoch, seq, .. } = self.head;
        Known { position: Position { epoch, seq }, mark: self.mark }
    }

    /// The state as the log keeps it.
    pub fn to_snapshot(&self) -> Snapshot {
        Snapshot {
            known: self.known(),
            chain: Chain(self.head.chain),
            bytes: self.show.to_snapshot().into(),
        }
    }
}

impl Recent {
    fn add(&mut self, seq: u64, chain: [u8; 32]) {
        if self.from + self.chains.len() as u64 != seq {
            *self = Self { from: seq, chains: VecDeque::new() };
        }
        let mut start = [0; 8];
        start.copy_from_slice(&chain[..8]);
        self.chains.push_back(start);
        if self.chains.len() > RECENT_MAX {
            self.chains.pop_front();
            self.from += 1;
        }
    }

    fn at(&self, seq: u64) -> Option<&[u8; 8]> {
        self.chains.get(usize::try_from(seq.checked_sub(self.from)?).ok()?)
    }
}
