//! Opening what is on the programme: all of it at the start, then whatever other nodes put on.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::box_office::OpenError;
use crate::config::{Demo, OPEN_AGAIN, OPEN_AGAIN_MAX};
use crate::log::ReadError;
use crate::show::ShowId;
use crate::web::House;

use super::demo;
use super::secrets::{self, Safe, SafeError};

/// Shows that did not open, or stopped.
#[derive(Default)]
pub(super) struct Troubled(HashMap<ShowId, Trouble>);

/// How a show is to be tried again.
struct Trouble {
    /// What was said of it last, so that it is said once.
    why: String,
    /// When; never where the reason does not go away by itself.
    again_at: Option<Instant>,
    /// How long was waited for that.
    wait: Duration,
}

/// Opens every show there is; puts the demo on first where there is nothing and it is wanted.
pub(super) async fn open_all(
    house: &Arc<House>,
    safe: &dyn Safe,
    demo: Demo,
) -> Result<Troubled, SafeError> {
    if demo != Demo::None
        && house.catalogue.is_empty()
        // Of nodes that find the house empty at the same time, one does it.
        && (!house.catalogue.is_shared() || secrets::is_to_put_the_demo_on(safe).await?)
    {
        demo::put_on(house, demo == Demo::SoldOut, house.offices.clock().now()).await;
    }
    let mut troubled = Troubled::default();
    troubled.open_all(house).await;
    Ok(troubled)
}

/// Follows the programme and opens what is new there, and what stopped, for ever.
pub(super) async fn follow(house: Arc<House>, mut troubled: Troubled) -> Infallible {
    let mut changes = house.catalogue.changes();
    let opening = async {
        loop {
            troubled.open_all(&house).await;
            // The sender lives as long as the catalogue, which is this house's.
            drop(tokio::time::timeout(OPEN_AGAIN, changes.changed()).await);
        }
    };
    tokio::select! {
        never = house.catalogue.follow() => never,
        never = opening => never,
    }
}

impl Troubled {
    /// Opens every show that is not open, each at its pace.
    async fn open_all(&mut self, house: &House) {
        for show in house.catalogue.shows() {
            let now = Instant::now();
            if house.offices.show(&show.id).is_some() {
                // One that stops again and again is tried ever more seldom: so not at once forgotten.
                let has_lasted =
                    |trouble: &Trouble| trouble.again_at.is_none_or(|at| now >= at + trouble.wait);
                if self.0.get(&show.id).is_some_and(has_lasted) {
                    self.0.remove(&show.id);
                }
                continue;
            }
            let trouble = self.0.get(&show.id);
            if trouble.is_some_and(|trouble| trouble.again_at.is_none_or(|at| now < at)) {
                continue;
            }
            let opened = house.open(&show).await;
            self.take_note(&show.id, opened.map(|open| open.is_some()));
        }
    }

    /// Remembers how an opening went; whether its hall was there, or why it failed.
    fn take_note(&mut self, show: &ShowId, opened: Result<bool, OpenError>) {
        let before = self.0.get(show);
        let (why, lasts) = match &opened {
            Ok(true) => (String::new(), false),
            Ok(false) => ("its hall is not there".to_owned(), false),
            Err(error) => (error.to_string(), lasts(error)),
        };
        let is_away = matches!(opened, Err(OpenError::Log(ReadError::Unavailable(_))));
        if !why.is_empty() && before.is_none_or(|before| before.why != why) {
            if is_away {
                tracing::warn!(%show, why, "a show is not open yet: the log is away");
            } else {
                tracing::error!(%show, why, will_be_tried_again = !lasts, "a show could not be opened");
            }
        }
        // The log that is away is asked as often as ever: it comes back for all shows at once.
        let wait = match before {
            Some(before) if !is_away => (before.wait * 2).min(OPEN_AGAIN_MAX),
            _ => OPEN_AGAIN,
        };
        let again_at = (!lasts).then(|| Instant::now() + wait);
        self.0.insert(show.clone(), Trouble { why, again_at, wait });
    }
}

/// Whether the reason why a show did not open does not go away by itself. A log that lacks something
/// may have it in a moment: when another node has put it back, or the right server answers again.
fn lasts(error: &OpenError) -> bool {
    match error {
        OpenError::Log(ReadError::Unavailable(_) | ReadError::NoSuchStream)
        | OpenError::Hole { .. }
        | OpenError::Changed { .. }
        | OpenError::WentBack { .. } => false,
        OpenError::Log(ReadError::Damaged(_))
        | OpenError::Definition(_)
        | OpenError::OtherHall { .. }
        | OpenError::Entry { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show() -> ShowId {
        ShowId::parse("the-tempest-k3x9ab").expect("a name")
    }

    #[test]
    fn a_show_whose_log_lacks_something_is_tried_again_ever_more_seldom() {
        let mut troubled = Troubled::default();
        let mut waits = Vec::new();
        for _ in 0..8 {
            // Also where it opens and stops again.
            troubled.take_note(&show(), Ok(true));
            troubled.take_note(&show(), Err(OpenError::Hole { missing: 1 }));
            assert!(troubled.0[&show()].again_at.is_some());
            waits.push(troubled.0[&show()].wait);
        }
        assert!(waits.is_sorted() && waits.contains(&OPEN_AGAIN_MAX), "{waits:?}");
        let away = ReadError::Unavailable(anyhow::anyhow!("away"));
        troubled.take_note(&show(), Err(OpenError::Log(away)));
        assert_eq!(troubled.0[&show()].wait, OPEN_AGAIN);
    }

    #[test]
    fn a_show_that_cannot_be_read_is_not_tried_again() {
        let mut troubled = Troubled::default();
        troubled.take_note(&show(), Err(OpenError::OtherHall { log: 1, hall: 2 }));
        assert!(troubled.0[&show()].again_at.is_none());
    }
}
