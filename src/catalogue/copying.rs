//! Copying a house, or some of its shows, from one log into another: the halls, each show's own
//! stream, and its place on the programme, in that order, so that whatever breaks off leaves nothing
//! on the programme that cannot be opened.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::hall::HallId;
use crate::log::copy::{self, Copied, CopyError};
use crate::log::{Log, ReadError, StreamId};
use crate::show::{Definition, ShowId};

use super::entry::Entry;
use super::{Catalogue, CatalogueError};

/// Why a house was not copied, or not wholly. What is there already is whole; copying again goes on.
#[derive(Debug, thiserror::Error)]
pub enum CopyHouseError {
    /// There is nothing to copy.
    #[error("the log to copy from has no programme")]
    NoHouse,
    /// A show that was named is not there.
    #[error("there is no show {0} on the programme to copy from")]
    NoShow(ShowId),
    /// Another hall has the name of one that is to be copied.
    #[error("the house to copy to has another hall called {}", .0.0)]
    OtherHall(HallId),
    /// The log to copy from.
    #[error("the programme to copy from")]
    From(#[source] CatalogueError),
    /// The log to copy to.
    #[error("the programme to copy to")]
    To(#[source] CatalogueError),
    /// A show's own stream.
    #[error("show {show}")]
    Show {
        /// Which.
        show: ShowId,
        /// What went wrong.
        source: CopyError,
    },
}

/// Copies the shows named, with their halls, or all shows and all halls where none is; tells of each
/// show that is done.
///
/// # Errors
/// Something could not be copied. What was said to be done stays.
pub async fn copy(
    from: Arc<dyn Log>,
    to: Arc<dyn Log>,
    shows: &[ShowId],
    mut done: impl FnMut(&ShowId, Copied),
) -> Result<(), CopyHouseError> {
    // Asked first, because opening a catalogue that is not there would begin one.
    if let Err(ReadError::NoSuchStream) = from.genesis(&StreamId::catalogue()).await {
        return Err(CopyHouseError::NoHouse);
    }
    let source = Catalogue::open(from.clone()).await.map_err(CopyHouseError::From)?;
    let target = Catalogue::open(to.clone()).await.map_err(CopyHouseError::To)?;
    let wanted = wanted(&source, shows)?;
    let halls: BTreeSet<HallId> = if shows.is_empty() {
        source.programme().halls.keys().cloned().collect()
    } else {
        wanted.iter().map(|show| show.hall.clone()).collect()
    };
    bring_halls(&source, &target, &halls).await?;
    for Definition { id, .. } in wanted.iter().map(|show| &**show) {
        let copied = copy::copy(&*from, &*to, &StreamId::show(id)).await;
        let show = id.clone();
        let copied = copied.map_err(|source| CopyHouseError::Show { show, source })?;
        if target.show(id).is_none() {
            let entry = Entry::ShowAdded { id: id.clone() };
            target.enter(&entry).await.map_err(CopyHouseError::To)?;
        }
        done(id, copied);
    }
    Ok(())
}

fn wanted(source: &Catalogue, shows: &[ShowId]) -> Result<Vec<Arc<Definition>>, CopyHouseError> {
    if shows.is_empty() {
        // One whose own stream is gone is not passed over in silence.
        let missing = source.missing().pop();
        return missing.map_or_else(|| Ok(source.shows()), |id| Err(CopyHouseError::NoShow(id)));
    }
    let named = |id: &ShowId| source.show(id).ok_or_else(|| CopyHouseError::NoShow(id.clone()));
    shows.iter().map(named).collect()
}

async fn bring_halls(
    source: &Catalogue,
    target: &Catalogue,
    halls: &BTreeSet<HallId>,
) -> Result<(), CopyHouseError> {
    let halls: Vec<_> = halls.iter().filter_map(|id| source.hall(id)).collect();
    // All of them are looked at before any is brought.
    for hall in &halls {
        if target.hall(&hall.id).is_some_and(|other| other.hall != hall.hall) {
            return Err(CopyHouseError::OtherHall(hall.id.clone()));
        }
    }
    for hall in halls.into_iter().filter(|hall| target.hall(&hall.id).is_none()) {
        let (id, hall) = (hall.id, Box::new((*hall.hall).clone()));
        let entry = Entry::HallImported { id: id.clone(), hall };
        if !target.enter(&entry).await.map_err(CopyHouseError::To)? {
            return Err(CopyHouseError::OtherHall(id));
        }
    }
    Ok(())
}

impl Catalogue {
    /// Appends; answers whether it counted.
    async fn enter(&self, entry: &Entry) -> Result<bool, CatalogueError> {
        let asking = self.asking.lock().await;
        self.append(&asking, entry).await
    }
}
