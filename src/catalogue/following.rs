//! The catalogue among many nodes: hearing what others put on, and putting back what the log lost.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::log::{AppendError, Hearing, ReadError, StreamId};
use crate::show::{Definition, ShowId};

use super::entry::Entry;
use super::programme::{Programme, begin_again};
use super::{Asking, Catalogue, CatalogueError, SharedHall};

/// After so long without a word the log is asked: what was said may not have been heard.
const SILENCE: Duration = Duration::from_secs(1);

/// However many look for what is not known here, the log is asked no more often than this.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Catalogue {
    /// Takes in what other nodes append, for ever. Nothing, where nobody else can.
    pub async fn follow(&self) -> Infallible {
        let Some(mut hearing) = self.log.watch(&StreamId::catalogue()) else {
            return std::future::pending().await;
        };
        let mut is_away = false;
        loop {
            match self.catch_up().await {
                Ok(()) if is_away => {
                    tracing::info!("the catalogue is followed again");
                    is_away = false;
                }
                Ok(()) => {}
                Err(error) if !is_away => {
                    let error = format!("{:#}", anyhow::Error::from(error));
                    tracing::error!(
                        error,
                        "the catalogue cannot be followed: what is known is shown"
                    );
                    is_away = true;
                }
                Err(_) => {}
            }
            let is_gone = wait_for_a_word(&mut hearing).await;
            if is_gone {
                // The line is gone for good: another is taken, and silence does until then.
                if let Some(again) = self.log.watch(&StreamId::catalogue()) {
                    hearing = again;
                }
                tokio::time::sleep(SILENCE).await;
            }
        }
    }

    /// Takes in all that the log has by now.
    ///
    /// # Errors
    /// It does not answer, or says what is not understood.
    pub async fn catch_up(&self) -> Result<(), CatalogueError> {
        let asking = self.asking.lock().await;
        self.ask(&asking).await?;
        self.find_missing().await
    }

    /// As [`Catalogue::catch_up`], for somebody who looks for what is not known here: all who look at
    /// the same time share one question.
    ///
    /// # Errors
    /// As there.
    pub async fn look_again(&self) -> Result<(), CatalogueError> {
        let came = Instant::now();
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|began| began >= came) {
            return Ok(());
        }
        if let Some(began) = *looked {
            tokio::time::sleep_until((began + LOOK_EVERY).into()).await;
        }
        *looked = Some(Instant::now());
        self.catch_up().await
    }

    /// Whether others may add to it.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Tells whenever the programme has changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Shows on the programme whose own logs are not there, so that nobody can know what they are.
    pub fn missing(&self) -> Vec<ShowId> {
        self.programme().missing.iter().cloned().collect()
    }

    /// Asks the log what came, and applies it; puts back what it lost.
    pub(super) async fn ask(&self, asking: &Asking<'_>) -> Result<(), CatalogueError> {
        let known = self.known();
        match self.log.append(&StreamId::catalogue(), known, Vec::new()).await {
            Ok(told) => drop(self.take_in(asking, told).await?),
            Err(AppendError::Forked) => self.renew(asking).await?,
            Err(error) => return Err(error.into()),
        }
        self.put_back(asking).await
    }

    /// The log lost history that is known here. The catalogue goes on in a new life; what the log
    /// lost is remembered as such, to be put back.
    pub(super) async fn renew(&self, _: &Asking<'_>) -> Result<(), CatalogueError> {
        let lost = self.known().position;
        tracing::error!(
            epoch = lost.epoch,
            seq = lost.seq,
            "the log lost history of the catalogue: what is known here is put back"
        );
        match self.log.renew(&StreamId::catalogue(), lost.epoch, getrandom::u64()?).await {
            Ok(_) => {}
            Err(ReadError::NoSuchStream) => Self::begin(&*self.log).await?,
            Err(error) => return Err(error.into()),
        }
        let mut after = Programme::read(&*self.log).await?;
        let mut programme = self.programme();
        after.goes_on_knowing(&programme);
        *programme = after;
        drop(programme);
        self.changes.send_modify(|changes| *changes += 1);
        Ok(())
    }

    /// Puts back what the log lost: a hall or a show that was answered for stays. Where another node
    /// is quicker, its entry counts and this node's is void.
    async fn put_back(&self, asking: &Asking<'_>) -> Result<(), CatalogueError> {
        let (halls, shows) = self.lost();
        if halls.is_empty() && shows.is_empty() {
            return Ok(());
        }
        for SharedHall { id, hall, .. } in &halls {
            let hall = Box::new((**hall).clone());
            self.append(asking, &Entry::HallImported { id: id.clone(), hall }).await?;
        }
        for show in &shows {
            begin_again(&*self.log, show).await?;
            self.append(asking, &Entry::ShowAdded { id: show.id.clone() }).await?;
        }
        let (halls, shows) = (halls.len(), shows.len());
        tracing::error!(halls, shows, "what the catalogue's log lost is put back");
        Ok(())
    }

    pub(super) fn lost(&self) -> (Vec<SharedHall>, Vec<Arc<Definition>>) {
        let programme = self.programme();
        let halls = programme.lost_halls.iter().filter_map(|id| programme.halls.get(id).cloned());
        let shows = programme.lost_shows.iter().filter_map(|id| programme.shows.get(id).cloned());
        (halls.collect(), shows.collect())
    }

    /// Looks whether the logs of shows that were not there are there now: another node that knew
    /// them has begun them again.
    async fn find_missing(&self) -> Result<(), CatalogueError> {
        for id in self.missing() {
            let genesis = match self.log.genesis(&StreamId::show(&id)).await {
                Err(ReadError::NoSuchStream) => continue,
                answer => answer?,
            };
            let show: Definition = serde_json::from_slice(&genesis.bytes)
                .map_err(|source| CatalogueError::NotUnderstood { seq: 0, source })?;
            self.programme().add(Arc::new(show));
            self.changes.send_modify(|changes| *changes += 1);
        }
        Ok(())
    }
}

/// Waits until something is heard, or long enough; whether the line is gone. What was heard is not
/// looked at: the catalogue changes so seldom that asking costs nothing.
async fn wait_for_a_word(hearing: &mut Hearing) -> bool {
    let heard = tokio::time::timeout(SILENCE, hearing.next()).await;
    matches!(heard, Ok(None))
}
