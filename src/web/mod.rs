//! The web: everything that is asked of the house over HTTP, and the upgrade to a socket.
//!
//! Owns the routes (`router`), who is let in (`Door`, `Origins`), and how a refusal looks
//! over HTTP (`Problem`). It decides nothing about seats: it asks the box office, and what a buyer's
//! message means is `connection`'s. Nothing internal is ever in an answer.

mod address;
mod admission;
mod allowance;
mod box_office;
mod condition;
mod door;
mod layout;
mod live;
mod metrics;
mod openings;
mod origin;
mod pages;
mod patience;
mod problem;
mod reading;
mod router;
mod rpc;
mod seats;
mod shows;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::http::{Extensions, HeaderMap};

use crate::box_office::{BoxOffices, OpenShow};
use crate::catalogue::{AddShowError, Catalogue, NewShow};
use crate::connection::Doorkeeper;
use crate::hub::Hub;

pub use address::Peer;
pub use box_office::KeyHash;
pub use condition::Condition;
pub use door::{Door, Place, Standing, TurnedAway};
pub use openings::Openings;
pub use origin::Origins;
pub use patience::Patient;
pub use router::router;

use problem::Problem;
use reading::Named;

/// All that answering takes: what `server` made, in one place.
pub struct House {
    /// The programme.
    pub catalogue: Catalogue,
    /// The open shows.
    pub offices: BoxOffices,
    /// Who watches.
    pub hub: Arc<Hub>,
    /// Who judges buyers' messages.
    pub doorkeeper: Arc<Doorkeeper>,
    /// Who is let in.
    pub door: Arc<Door>,
    /// Whose pages may talk to the house.
    pub origins: Origins,
    /// Whose word on a client's address is taken.
    pub proxies: Vec<IpAddr>,
    /// The box office's key.
    pub key: KeyHash,
    /// Layouts ready to be sent.
    pub layouts: Layouts,
    /// Who opens shows, and who waits for it.
    pub openings: Openings,
    /// How this node is.
    pub condition: Condition,
}

pub use layout::Layouts;

impl House {
    /// Puts a show on the programme and opens it; none where it is kept but could not be opened,
    /// which is logged, and tried again.
    ///
    /// # Errors
    /// Where it cannot be as asked for, or the catalogue failed.
    pub async fn put_on(&self, show: NewShow) -> Result<Option<Arc<OpenShow>>, AddShowError> {
        let definition = self.catalogue.add_show(show).await?;
        tracing::info!(show = %definition.id, title = definition.title, "a show is on");
        match self.open(&definition).await {
            Ok(open) => Ok(open),
            Err(error) => {
                tracing::error!(show = %definition.id, %error, "a show could not be opened");
                Ok(None)
            }
        }
    }

    /// The open show of this name; 404 where none is called so, 503 where it is on the programme
    /// but not open: it could not be opened, or the house is closing and it was closed already.
    async fn show(&self, Named(id): &Named) -> Result<Arc<OpenShow>, Problem> {
        let Some(id) = id else { return Err(Problem::no_such_show()) };
        if let Some(open) = self.find(id).await? {
            return Ok(open);
        }
        if self.catalogue.show(id).is_none() {
            return Err(Problem::no_such_show());
        }
        Err(match self.door.standing() {
            Standing::Draining => Self::not_now(TurnedAway::NotOpen),
            Standing::Opening | Standing::Open => {
                Problem::not_now("This show could not be opened yet.")
            }
        })
    }

    /// A place for whoever sent this, or 503.
    fn enter(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Place, Problem> {
        let entered = self.counted(headers, extensions);
        entered.and_then(|from| self.door.enter(from, Instant::now())).map_err(Self::not_now)
    }

    /// The address that whoever sent this is counted as.
    fn counted(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<IpAddr, TurnedAway> {
        // The server puts the peer beside every request; without one, nobody can be counted.
        let peer = extensions.get::<Peer>().ok_or(TurnedAway::NotOpen)?;
        Ok(address::counted_as(address::client_address(*peer, headers, &self.proxies)))
    }

    fn not_now(turned_away: TurnedAway) -> Problem {
        Problem::not_now(match turned_away {
            TurnedAway::NotOpen => "The house is not open just now.",
            TurnedAway::Full => "The house is full.",
            TurnedAway::Rush => "Too many are coming in at once.",
            TurnedAway::Crowded => "Too many are here from your address.",
        })
    }
}
