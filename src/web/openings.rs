//! Opening shows while the house is open: one at a time, whoever asks for it, and waited for by those
//! who come for a show that was put on a moment ago, here or at another node.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::box_office::{OpenError, OpenShow};
use crate::config::NEWS_TIME_MAX;
use crate::log::Position;
use crate::show::{Definition, ShowId};

use super::House;
use super::door::Standing;
use super::problem::Problem;

/// Which shows are being opened, and which were tried.
#[derive(Debug, Default)]
pub struct Openings {
    /// Who opens a show holds this: a show that is opened twice would have two tasks.
    one_at_a_time: tokio::sync::Mutex<()>,
    /// Those nobody will open in a moment: they were opened, or could not be.
    tried: Mutex<HashSet<ShowId>>,
    /// How many were tried.
    count: watch::Sender<u64>,
}

impl Openings {
    fn tried(&self) -> MutexGuard<'_, HashSet<ShowId>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl House {
    /// Opens a show of the programme, so that seats can be had; none where its hall is not there.
    ///
    /// # Errors
    /// Its log cannot be read.
    pub async fn open(&self, show: &Definition) -> Result<Option<Arc<OpenShow>>, OpenError> {
        let _one_at_a_time = self.openings.one_at_a_time.lock().await;
        let opened = match self.catalogue.hall(&show.hall) {
            None => Ok(None),
            Some(hall) => self.offices.open(&show.id, hall.hall, hall.floor).await.map(Some),
        };
        self.openings.tried().insert(show.id.clone());
        self.openings.count.send_modify(|count| *count += 1);
        opened
    }

    /// The open show of this name; where it is not known here, another node may have put it on just
    /// now, and it is looked for and waited for, a moment.
    ///
    /// # Errors
    /// It is not known here, and the log does not say whether it is anywhere.
    pub(super) async fn find(&self, id: &ShowId) -> Result<Option<Arc<OpenShow>>, Problem> {
        if let Some(open) = self.offices.show(id) {
            return Ok(Some(open));
        }
        if self.door.standing() != Standing::Open || self.openings.tried().contains(id) {
            return Ok(None);
        }
        let waiting = async {
            if self.catalogue.show(id).is_none() && self.catalogue.is_shared() {
                // What went wrong is told by who follows the catalogue.
                self.catalogue.look_again().await.ok()?;
            }
            Some(self.wait_until_open(id).await)
        };
        match tokio::time::timeout(NEWS_TIME_MAX, waiting).await {
            Ok(Some(found)) => Ok(found),
            Ok(None) | Err(_) if self.catalogue.show(id).is_none() => {
                Err(Problem::not_now("The log does not answer."))
            }
            Ok(None) | Err(_) => Ok(None),
        }
    }

    /// A client that was at another node may be ahead of this one, which then catches up first, if it
    /// can in a moment. Answers what it knows that this node, cut off, may not: nothing mostly.
    pub(super) async fn catch_up_to(
        &self,
        show: &OpenShow,
        since: Option<Position>,
    ) -> Option<(u64, u64)> {
        let since = since.map(|since| (since.epoch, since.seq))?;
        (!show.knows(since, NEWS_TIME_MAX).await).then_some(since)
    }

    /// Waits for whoever follows the programme to open it.
    async fn wait_until_open(&self, id: &ShowId) -> Option<Arc<OpenShow>> {
        // Asked to be woken before looking: what is opened in between wakes, too.
        let mut count = self.openings.count.subscribe();
        while self.catalogue.show(id).is_some() && !self.openings.tried().contains(id) {
            count.changed().await.ok()?;
        }
        self.offices.show(id)
    }
}
