//! The catalogue: which halls there are, and which shows are on the programme.
//!
//! It is a log too, a stream of its own: [`Catalogue::open`] replays it, and every change is first
//! appended and then applied; what other nodes append is applied as well ([`Catalogue::follow`]).
//! Owns the names of halls and shows and what may be put on; the seats of a show are none of its
//! business.

mod copying;
mod entry;
mod following;
mod naming;
mod new_show;
mod programme;

use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::watch;

use crate::hall::{Fault, Floor, Hall, HallId};
use crate::log::{AppendError, Appended, CreateError, Genesis, Known, Log, ReadError, StreamId};
use crate::show::{Definition, DrawSecret, Policy, ShowId, Time};

pub use copying::{CopyHouseError, copy};
use entry::Entry;
pub use new_show::{NewShow, PICKING_MAX, PRICE_MAX, SEATS_MAX, TIME_MAX, TITLE_LETTERS_MAX};
use programme::Programme;

/// A hall's name is at most so long, with room for the number of a namesake.
const HALL_ID_LENGTH_MAX: usize = 56;

/// The programme. Readers never wait for the log.
pub struct Catalogue {
    log: Arc<dyn Log>,
    /// What the log said, up to where it was read.
    programme: Mutex<Programme>,
    /// Whoever appends or asks holds this, so that what the log says is applied in its order.
    asking: tokio::sync::Mutex<()>,
    /// When the log was last asked for the sake of somebody who looked for what is not known here.
    looked: tokio::sync::Mutex<Option<Instant>>,
    /// Whether there may be other nodes.
    is_shared: bool,
    /// How often the programme has changed.
    changes: watch::Sender<u64>,
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

/// Whoever has it may append and ask.
type Asking<'a> = tokio::sync::MutexGuard<'a, ()>;

/// Where a page of the programme begins: after this show.
pub type Cursor = (Time, ShowId);

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
        Self::begin(&*log).await?;
        log.take_over(&StreamId::catalogue()).await?;
        let programme = Programme::read(&*log).await?;
        Ok(Self {
            is_shared: log.watch(&StreamId::catalogue()).is_some(),
            log,
            programme: Mutex::new(programme),
            asking: tokio::sync::Mutex::new(()),
            looked: tokio::sync::Mutex::new(None),
            changes: watch::Sender::new(0),
        })
    }

    /// Sees to it that there is a programme, if only an empty one.
    async fn begin(log: &dyn Log) -> Result<(), CatalogueError> {
        match log.genesis(&StreamId::catalogue()).await {
            Ok(_) => return Ok(()),
            Err(ReadError::NoSuchStream) => {}
            Err(error) => return Err(error.into()),
        }
        let genesis = Genesis::new(getrandom::u64()?, Bytes::from_static(entry::GENESIS));
        match log.create(&StreamId::catalogue(), genesis).await {
            // Another node was quicker.
            Ok(()) | Err(CreateError::Exists) => Ok(()),
            Err(error) => Err(error.into()),
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
        let asking = self.asking.lock().await;
        let name = naming::slug(&hall.name, HALL_ID_LENGTH_MAX, "hall");
        let mut hall = Box::new(hall);
        loop {
            let id = self.free_name(&name);
            let entry = Entry::HallImported { id: id.clone(), hall };
            if self.append(&asking, &entry).await? {
                return self.hall(&id).ok_or_else(|| AppendError::Forked.into());
            }
            // Another node gave this name away at the same moment: the hall gets the next.
            let Entry::HallImported { hall: again, .. } = entry else {
                return Err(AppendError::Forked.into());
            };
            hall = again;
        }
    }

    /// The first name like `name` that no hall has.
    fn free_name(&self, name: &str) -> HallId {
        let programme = self.programme();
        let namesakes = (2u32..).map(|nth| format!("{name}-{nth}"));
        let mut names = std::iter::once(name.to_owned()).chain(namesakes).map(HallId);
        // Four thousand million halls of one name do not fit into any log.
        let free = names.find(|id| !programme.halls.contains_key(id));
        free.unwrap_or_else(|| HallId(name.to_owned()))
    }

    /// Puts a show on the programme. Durable when answered; the show's own stream is there.
    pub async fn add_show(&self, show: NewShow) -> Result<Arc<Definition>, AddShowError> {
        let asking = self.asking.lock().await;
        if self.hall(&show.hall).is_none() {
            // It may have come in at another node just now.
            self.ask(&asking).await?;
        }
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
            draw_secret: draw_secret(&show.policy)?,
            policy: show.policy,
        };
        // The stream first: a crash between the two leaves a show nobody knows of, never one on
        // the programme that cannot be opened.
        let bytes = serde_json::to_vec(&definition).map_err(CatalogueError::NotJson)?;
        let epoch = getrandom::u64().map_err(CatalogueError::from)?;
        let genesis = Genesis::new(epoch, bytes.into());
        self.log.create(&StreamId::show(&id), genesis).await.map_err(CatalogueError::from)?;
        self.append(&asking, &Entry::ShowAdded { id: id.clone() }).await?;
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

    /// Appends, and applies all that came; answers whether the entry counted.
    async fn append(&self, asking: &Asking<'_>, entry: &Entry) -> Result<bool, CatalogueError> {
        let bytes = entry.to_bytes().map_err(CatalogueError::NotJson)?;
        let known = self.known();
        let stream = StreamId::catalogue();
        match self.log.append(&stream, known, vec![bytes.clone()]).await {
            Err(AppendError::Forked) => {}
            answer => return self.take_in(asking, answer?).await,
        }
        // Nothing was appended: the history is made good first.
        self.renew(asking).await?;
        let answer = self.log.append(&stream, self.known(), vec![bytes]).await?;
        self.take_in(asking, answer).await
    }

    /// Applies what an append answered; whether the first of the own entries counted.
    async fn take_in(&self, _: &Asking<'_>, told: Appended) -> Result<bool, CatalogueError> {
        let mut own_counts = false;
        for recorded in &told.since_known {
            let fact = programme::read_fact(&*self.log, recorded).await?;
            let counts = self.programme().apply(recorded, fact);
            own_counts |= counts && recorded.seq == told.own_first;
        }
        if !told.since_known.is_empty() {
            self.changes.send_modify(|changes| *changes += 1);
        }
        Ok(own_counts)
    }

    fn known(&self) -> Known {
        self.programme().known
    }

    /// Held for the length of one look or one change; a panic in between cannot leave it halfway.
    fn programme(&self) -> MutexGuard<'_, Programme> {
        self.programme.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the draw is to be made with, where there is to be one.
fn draw_secret(policy: &Policy) -> Result<Option<DrawSecret>, CatalogueError> {
    if policy.admission.as_ref().is_none_or(|admission| admission.doors_at.is_none()) {
        return Ok(None);
    }
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    Ok(Some(DrawSecret(secret)))
}

#[cfg(test)]
mod tests;
