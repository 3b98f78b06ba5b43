//! Opening what is on the programme: all of it at the start, then whatever other nodes put on.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use crate::box_office::OpenError;
use crate::config::{Demo, OPEN_AGAIN};
use crate::log::ReadError;
use crate::show::ShowId;
use crate::web::House;

use super::demo;
use super::secrets::{self, Safe, SafeError};

/// Shows that are open, and those that cannot be for a reason that does not go away by itself.
pub(super) type Done = HashSet<ShowId>;

/// Opens every show there is; puts the demo on first where there is nothing and it is wanted.
pub(super) async fn open_all(
    house: &Arc<House>,
    safe: &dyn Safe,
    demo: Demo,
) -> Result<Done, SafeError> {
    if demo == Demo::House
        && house.catalogue.is_empty()
        // Of nodes that find the house empty at the same time, one does it.
        && (!house.catalogue.is_shared() || secrets::is_to_put_the_demo_on(safe).await?)
    {
        demo::put_on(house, house.offices.clock().now()).await;
    }
    let mut done = Done::new();
    open_new(house, &mut done).await;
    Ok(done)
}

/// Follows the programme and opens what is new there, for ever.
pub(super) async fn follow(house: Arc<House>, mut done: Done) -> Infallible {
    let mut changes = house.catalogue.changes();
    let opening = async {
        loop {
            let all_done = open_new(&house, &mut done).await;
            if all_done {
                // The sender lives as long as the catalogue, which is this house's.
                drop(changes.changed().await);
            } else {
                drop(tokio::time::timeout(OPEN_AGAIN, changes.changed()).await);
            }
        }
    };
    tokio::select! {
        never = house.catalogue.follow() => never,
        never = opening => never,
    }
}

/// Opens what is not done; answers whether all is now.
async fn open_new(house: &House, done: &mut Done) -> bool {
    let mut all_done = true;
    for show in house.catalogue.shows() {
        if done.contains(&show.id) {
            continue;
        }
        match house.open(&show).await {
            Ok(Some(_)) => {}
            Ok(None) => tracing::error!(show = %show.id, "a show's hall is not there"),
            Err(OpenError::Log(error @ ReadError::Unavailable(_))) => {
                tracing::warn!(show = %show.id, %error, "a show is not open yet: the log is away");
                all_done = false;
                continue;
            }
            Err(error) => tracing::error!(show = %show.id, %error, "a show could not be opened"),
        }
        done.insert(show.id.clone());
    }
    all_done
}
