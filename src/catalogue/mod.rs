//! The catalogue: which halls there are, and which shows are on the programme.
//!
//! It is a log too, a stream of its own: [`Catalogue::open`] replays it, and every change is first
//! appended and then applied. Owns the names of halls and shows and what may be put on; the seats
//! of a show are none of its business.

mod entry;
mod naming;
mod new_show;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::hall::{Fault, Floor, Hall, HallId};
use crate::log::{AppendError, CreateError, Genesis, Known, Log, ReadError, Recorded, StreamId};
use crate::show::{Definition, ShowId, Time};

use entry::Entry;
pub use new_show::{NewShow, PRICE_MAX, SEATS_MAX, TIME_MAX, TITLE_LETTERS_MAX};

/// Entries read at once while opening. An entry may be a whole hall, so a few.
const READ_AT_ONCE: usize = 16;

/// A hall's name is at most so long, with room for the number of a namesake.
const HALL_ID_LENGTH_MAX: usize = 56;

/// The programme. Readers never wait for the log.
pub struct Catalogue {
    log: Arc<dyn Log>,
    /// What the log said, up to where it was read.
    programme: Mutex<Programme>,
    /// Who writes holds this, so that names are given one at a time.
    writing: tokio::sync::Mutex<()>,
}

/// A hall and what is made of it once, shared by all its shows.
#[derive(Clone, Debug)]
pub struct SharedHall {
    /// The name it goes by.
    pub id: HallId,
    /// The hall.
    pub hall: Arc<Hall>,
    /// As the core asks about it.
    pub floor: Arc<Floor>,
}

/// Where a page of the programme begins: after this show.
pub type Cursor = (Time, ShowId);

struct Programme {
    known: Known,
    halls: BTreeMap<HallId, SharedHall>,
    shows: BTreeMap<ShowId, Arc<Definition>>,
    /// The order of the list: who begins first, then by name.
    by_start: BTreeMap<Cursor, Arc<Definition>>,
}

/// Why the catalogue could not be read or added to.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The log could not be read.
    #[error("the catalogue could not be read")]
    Read(#[from] ReadError),
    /// A stream could not be begun.
    #[error("the catalogue could not begin a stream")]
    Create(#[from] CreateError),
    /// The log did not take the entry.
    #[error("the catalogue could not be written")]
    Append(#[from] AppendError),
    /// The log says what this program does not understand.
    #[error("entry {seq} of the catalogue is not understood")]
    NotUnderstood {
        /// Its position; 0 is a stream's beginning.
        seq: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The system gave no randomness for a name or an epoch.
    #[error("the system gives no random numbers")]
    NoChance(#[from] getrandom::Error),
    /// A hall or show could not be written as JSON (a number that is none).
    #[error("this cannot be kept as JSON")]
    NotJson(#[source] serde_json::Error),
}

/// Why a show was not put on the programme.
#[derive(Debug, thiserror::Error)]
pub enum AddShowError {
    /// It cannot be as asked for; each fault says what and where.
    #[error("the show cannot be as asked for")]
    Faults(Vec<Fault>),
    /// The catalogue failed.
    #[error(transparent)]
    Failed(#[from] CatalogueError),
}

impl Catalogue {
    /// Reads the programme from the log; a log without one gets an empty one.
    pub async fn open(log: Arc<dyn Log>) -> Result<Self, CatalogueError> {
        let stream = StreamId::catalogue();
        let genesis = match log.genesis(&stream).await {
            Ok(genesis) => genesis,
            Err(ReadError::NoSuchStream) => {
                let bytes = Bytes::from_static(entry::GENESIS);
                let genesis = Genesis::new(getrandom::u64()?, bytes);
                log.create(&stream, genesis.clone()).await?;
                genesis
            }
            Err(error) => return Err(error.into()),
        };
        let programme = Programme {
            known: Known::nothing(genesis.lives.now()),
            halls: BTreeMap::new(),
            shows: BTreeMap::new(),
            by_start: BTreeMap::new(),
        };
        let catalogue =
            Self { log, programme: Mutex::new(programme), writing: tokio::sync::Mutex::new(()) };
        loop {
            let after = catalogue.programme().known.position.seq;
            let page = catalogue.log.read(&stream, after, READ_AT_ONCE).await?;
            if page.is_empty() {
                return Ok(catalogue);
            }
            catalogue.apply(&page).await?;
        }
    }

    /// Whether the log answers a read just now. It says nothing of whether the log could be
    /// written: that is known only by writing.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn log_answers(&self) -> Result<(), ReadError> {
        self.log.genesis(&StreamId::catalogue()).await.map(drop)
    }

    /// Keeps a hall, under a name made of its own.
    pub async fn add_hall(&self, hall: Hall) -> Result<SharedHall, CatalogueError> {
        let _one_at_a_time = self.writing.lock().await;
        let name = naming::slug(&hall.name, HALL_ID_LENGTH_MAX, "hall");
        let id = {
            let programme = self.programme();
            let namesakes = (2u32..).map(|nth| format!("{name}-{nth}"));
            let mut names = std::iter::once(name.clone()).chain(namesakes).map(HallId);
            names.find(|id| !programme.halls.contains_key(id))
        };
        // Four thousand million halls of one name do not fit into any log.
        let id = id.unwrap_or(HallId(name));
        self.append(&Entry::HallImported { id: id.clone(), hall: Box::new(hall) }).await?;
        self.hall(&id).ok_or_else(|| AppendError::Forked.into())
    }

    /// Puts a show on the programme. Durable when answered; the show's own stream is there.
    pub async fn add_show(&self, show: NewShow) -> Result<Arc<Definition>, AddShowError> {
        let _one_at_a_time = self.writing.lock().await;
        let Some(hall) = self.hall(&show.hall) else {
            let message = format!("There is no hall {:?}.", show.hall.0);
            return Err(AddShowError::Faults(vec![Fault { path: "/hall".into(), message }]));
        };
        let prices = show.prices_for(&hall.hall).map_err(AddShowError::Faults)?;
        let chance = getrandom::u32().map_err(CatalogueError::from)?;
        let Some(id) = naming::show_id(&show.title, chance) else {
            let message = "No name can be made of this title.".into();
            return Err(AddShowError::Faults(vec![Fault { path: "/title".into(), message }]));
        };
        let definition = Definition {
            id: id.clone(),
            title: show.title,
            hall: show.hall,
            seats: hall.hall.seats(),
            starts_at: show.starts_at,
            on_sale_at: show.on_sale_at,
            currency: show.currency,
            prices,
            policy: show.policy,
        };
        // The stream first: a crash between the two leaves a show nobody knows of, never one on
        // the programme that cannot be opened.
        let bytes = serde_json::to_vec(&definition).map_err(CatalogueError::NotJson)?;
        let epoch = getrandom::u64().map_err(CatalogueError::from)?;
        let genesis = Genesis::new(epoch, bytes.into());
        self.log.create(&StreamId::show(&id), genesis).await.map_err(CatalogueError::from)?;
        self.append(&Entry::ShowAdded { id: id.clone() }).await?;
        self.show(&id).ok_or_else(|| CatalogueError::from(AppendError::Forked).into())
    }

    /// A hall by its name.
    pub fn hall(&self, id: &HallId) -> Option<SharedHall> {
        self.programme().halls.get(id).cloned()
    }

    /// A show by its name.
    pub fn show(&self, id: &ShowId) -> Option<Arc<Definition>> {
        self.programme().shows.get(id).cloned()
    }

    /// Every show, in order of beginning.
    pub fn shows(&self) -> Vec<Arc<Definition>> {
        self.programme().by_start.values().cloned().collect()
    }

    /// Up to `limit` shows after `cursor`, in order of beginning, and where the next page begins,
    /// if there is one.
    pub fn page(
        &self,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> (Vec<Arc<Definition>>, Option<Cursor>) {
        let programme = self.programme();
        let from = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = programme.by_start.range((from, Bound::Unbounded));
        let page: Vec<_> = rest.by_ref().take(limit).map(|(_, show)| show.clone()).collect();
        let last = page.last().filter(|_| rest.next().is_some());
        let next = last.map(|show| (show.starts_at, show.id.clone()));
        (page, next)
    }

    /// Whether there is neither a hall nor a show.
    pub fn is_empty(&self) -> bool {
        let programme = self.programme();
        programme.halls.is_empty() && programme.shows.is_empty()
    }

    async fn append(&self, entry: &Entry) -> Result<(), CatalogueError> {
        let bytes = entry.to_bytes().map_err(CatalogueError::NotJson)?;
        let known = self.programme().known;
        let appended = self.log.append(&StreamId::catalogue(), known, vec![bytes]).await?;
        self.apply(&appended.since_known).await
    }

    async fn apply(&self, entries: &[Recorded]) -> Result<(), CatalogueError> {
        for recorded in entries {
            let seq = recorded.seq;
            let not_understood = |source| CatalogueError::NotUnderstood { seq, source };
            match Entry::from_bytes(&recorded.bytes).map_err(not_understood)? {
                Entry::HallImported { id, hall } => {
                    let floor = Arc::new(Floor::new(&hall));
                    let shared = SharedHall { id: id.clone(), hall: Arc::new(*hall), floor };
                    self.programme().halls.entry(id).or_insert(shared);
                }
                Entry::ShowAdded { id } => {
                    let genesis = self.log.genesis(&StreamId::show(&id)).await?;
                    let definition: Definition =
                        serde_json::from_slice(&genesis.bytes).map_err(not_understood)?;
                    self.programme().add(Arc::new(definition));
                }
            }
            let mut programme = self.programme();
            programme.known.position.seq = seq;
            programme.known.mark = recorded.mark;
        }
        Ok(())
    }

    /// Held for the length of one look or one change; a panic in between cannot leave it halfway.
    fn programme(&self) -> MutexGuard<'_, Programme> {
        self.programme.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Programme {
    fn add(&mut self, show: Arc<Definition>) {
        self.by_start.insert((show.starts_at, show.id.clone()), show.clone());
        self.shows.insert(show.id.clone(), show);
    }
}

#[cfg(test)]
mod tests;
