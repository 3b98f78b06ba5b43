//! What the catalogue's log says, applied: which halls and shows there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::hall::{Floor, HallId};
use crate::log::{CreateError, Genesis, Known, Log, ReadError, Recorded, StreamId};
use crate::show::{Definition, ShowId};

use super::entry::Entry;
use super::{CatalogueError, Cursor, SharedHall};

/// Entries read at once while opening. An entry may be a whole hall, so a few.
const READ_AT_ONCE: usize = 16;

/// How often it is read again while its history changes. Failovers are seconds apart.
const READINGS_TRIED: usize = 10;

/// The halls and shows as they are after a place in the log.
#[derive(Clone, Debug)]
pub(super) struct Programme {
    pub(super) known: Known,
    pub(super) halls: BTreeMap<HallId, SharedHall>,
    pub(super) shows: BTreeMap<ShowId, Arc<Definition>>,
    /// The order of the list: who begins first, then by name.
    pub(super) by_start: BTreeMap<Cursor, Arc<Definition>>,
    /// Shows on the programme whose own streams are not there.
    pub(super) missing: BTreeSet<ShowId>,
    /// What is known here and the log has lost, to be put back: of `halls`, and of `shows`.
    pub(super) lost_halls: BTreeSet<HallId>,
    pub(super) lost_shows: BTreeSet<ShowId>,
}

/// What an entry comes to, once all that it names was read.
#[derive(Debug)]
pub(super) enum Fact {
    Hall(SharedHall),
    Show(Arc<Definition>),
    /// A show whose stream is not there.
    Missing(ShowId),
}

/// Reads an entry, and the beginning of the show that it names.
pub(super) async fn read_fact(log: &dyn Log, recorded: &Recorded) -> Result<Fact, CatalogueError> {
    let not_understood = |source| CatalogueError::NotUnderstood { seq: recorded.seq, source };
    match Entry::from_bytes(&recorded.bytes).map_err(not_understood)? {
        Entry::HallImported { id, hall } => {
            let floor = Arc::new(Floor::new(&hall));
            Ok(Fact::Hall(SharedHall { id, hall: Arc::new(*hall), floor }))
        }
        Entry::ShowAdded { id } => match log.genesis(&StreamId::show(&id)).await {
            Ok(genesis) => {
                let show = serde_json::from_slice(&genesis.bytes).map_err(not_understood)?;
                Ok(Fact::Show(Arc::new(show)))
            }
            Err(ReadError::NoSuchStream) => Ok(Fact::Missing(id)),
            Err(error) => Err(error.into()),
        },
    }
}

/// Begins the stream of a show that is known here, if it is not there.
pub(super) async fn begin_again(log: &dyn Log, show: &Definition) -> Result<(), CatalogueError> {
    let bytes = serde_json::to_vec(show).map_err(CatalogueError::NotJson)?;
    let genesis = Genesis::new(getrandom::u64()?, bytes.into());
    match log.create(&StreamId::show(&show.id), genesis).await {
        Ok(()) => {
            tracing::error!(show = %show.id, "the log has lost this show wholly: it begins again");
            Ok(())
        }
        Err(CreateError::Exists) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Programme {
    /// Reads it wholly. Where the log lost history meanwhile, what was read may be half of the one and
    /// half of the other: then it is read again from the start.
    pub(super) async fn read(log: &dyn Log) -> Result<Self, CatalogueError> {
        for _ in 0..READINGS_TRIED {
            if let Some(programme) = Self::read_once(log).await? {
                return Ok(programme);
            }
        }
        let error = anyhow::anyhow!("its history changed each time it was read");
        Err(ReadError::Unavailable(error).into())
    }

    /// Reads it; none where it was not all of one history. Each page begins with the last entry of the
    /// one before: the mark on it says whether it is the same.
    async fn read_once(log: &dyn Log) -> Result<Option<Self>, CatalogueError> {
        let stream = StreamId::catalogue();
        let lives = log.genesis(&stream).await?.lives;
        let mut programme = Self::nothing(lives.now());
        loop {
            let Known { position, mark } = programme.known;
            let page = log.read(&stream, position.seq.saturating_sub(1), READ_AT_ONCE).await?;
            let (last, news) = page.split_at(usize::from(position.seq > 0).min(page.len()));
            if position.seq > 0 && last.first().is_none_or(|last| last.mark != mark) {
                return Ok(None);
            }
            if news.is_empty() {
                // Within a page, too, the log may have gone over to another server: then it begins a
                // new life now.
                log.take_over(&stream).await?;
                let is_same = log.genesis(&stream).await?.lives == lives;
                return Ok(is_same.then_some(programme));
            }
            for recorded in news {
                let next = programme.known.position.seq + 1;
                if recorded.seq != next {
                    let what = format!("entry {next} of the catalogue is missing");
                    return Err(ReadError::Damaged(what).into());
                }
                let fact = read_fact(log, recorded).await?;
                programme.apply(recorded, fact);
            }
        }
    }

    fn nothing(epoch: u64) -> Self {
        Self {
            known: Known::nothing(epoch),
            halls: BTreeMap::new(),
            shows: BTreeMap::new(),
            by_start: BTreeMap::new(),
            missing: BTreeSet::new(),
            lost_halls: BTreeSet::new(),
            lost_shows: BTreeSet::new(),
        }
    }

    /// Applies the next entry; answers whether it counts. A name that is taken is not given again.
    pub(super) fn apply(&mut self, recorded: &Recorded, fact: Fact) -> bool {
        self.known.position.seq = recorded.seq;
        self.known.mark = recorded.mark;
        match fact {
            Fact::Hall(hall) => {
                let was_lost = self.lost_halls.remove(&hall.id);
                match self.halls.get(&hall.id) {
                    Some(_) if !was_lost => false,
                    Some(known) if known.hall == hall.hall => true,
                    known => {
                        if known.is_some() {
                            has_another(&hall.id);
                        }
                        self.halls.insert(hall.id.clone(), hall);
                        true
                    }
                }
            }
            Fact::Show(show) => {
                self.lost_shows.remove(&show.id);
                self.add(show)
            }
            Fact::Missing(id) if self.shows.contains_key(&id) => self.lost_shows.insert(id),
            Fact::Missing(id) => {
                tracing::error!(show = %id, "a show's log is gone: it is left out");
                self.missing.insert(id)
            }
        }
    }

    /// Takes in a show; whether it is new.
    pub(super) fn add(&mut self, show: Arc<Definition>) -> bool {
        self.missing.remove(&show.id);
        if self.shows.contains_key(&show.id) {
            return false;
        }
        self.by_start.insert((show.starts_at, show.id.clone()), show.clone());
        self.shows.insert(show.id.clone(), show).is_none()
    }

    /// Goes on knowing what `before` knew; what is only known from there was lost.
    pub(super) fn goes_on_knowing(&mut self, before: &Self) {
        for (id, hall) in &before.halls {
            match self.halls.get(id) {
                Some(other) if other.hall == hall.hall => {}
                Some(_) => has_another(id),
                None => {
                    self.halls.insert(id.clone(), hall.clone());
                    self.lost_halls.insert(id.clone());
                }
            }
        }
        for show in before.shows.values() {
            if self.add(show.clone()) {
                self.lost_shows.insert(show.id.clone());
            }
        }
    }
}

fn has_another(hall: &HallId) {
    tracing::error!(
        hall = hall.0,
        "a hall was lost and another has its name now: shows of the lost one cannot be opened"
    );
}
