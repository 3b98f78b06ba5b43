//! The demo house: what plays when nothing is on the programme yet.

use crate::catalogue::{CatalogueError, NewShow, SharedHall};
use crate::hall::{Hall, stadium, theatre};
use crate::show::{Currency, Orphans, Policy, Time};
use crate::web::House;

use super::last_seats;

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// In which hall.
#[derive(Clone, Copy)]
enum Stage {
    Theatre,
    Stadium,
}

/// One invented evening.
struct Evening {
    title: &'static str,
    stage: Stage,
    /// How many days from today.
    days: u64,
    /// At which minute of the day, UTC.
    minute: u64,
    /// The dearest category's price, in cents; each further one costs a quarter less.
    price: u64,
    orphans: Orphans,
}

const PROGRAMME: [Evening; 4] = [
    Evening {
        title: "The Glass Orchard",
        stage: Stage::Theatre,
        days: 3,
        minute: 19 * 60 + 30,
        price: 7_800,
        orphans: Orphans::Allow,
    },
    Evening {
        title: "Nine Lanterns for Ada",
        stage: Stage::Theatre,
        days: 6,
        minute: 20 * 60,
        price: 6_400,
        orphans: Orphans::Forbid,
    },
    Evening {
        title: "Northport Rovers – Saltmarsh City",
        stage: Stage::Stadium,
        days: 9,
        minute: 18 * 60,
        price: 9_500,
        orphans: Orphans::Allow,
    },
    Evening {
        title: "A Winter Without Clocks",
        stage: Stage::Theatre,
        days: 20,
        minute: 19 * 60,
        price: 5_200,
        orphans: Orphans::Allow,
    },
];

/// The title of the evening that is sold out.
pub(super) const SOLD_OUT: &str = "The Last Night of the Lighthouse";

/// Everybody wants to be there. Who accepts an offer has a minute to look at it, who holds two: it is
/// to be seen how seats come free.
const LAST_NIGHT: Evening = Evening {
    title: SOLD_OUT,
    stage: Stage::Theatre,
    days: 2,
    minute: 20 * 60,
    price: 8_800,
    orphans: Orphans::Allow,
};
/// How long its holds last.
const LAST_NIGHT_HOLD_MS: u64 = 2 * MINUTE_MS;
/// How long its offers last.
const LAST_NIGHT_OFFER_MS: u64 = MINUTE_MS;

/// Puts the demo on, with an evening that is sold out where that is wanted. What fails is logged and left out: a demo must not keep a house from opening.
pub(super) async fn put_on(house: &House, sold_out: bool, now: Time) {
    let Some(euro) = Currency::parse("EUR") else { return };
    let halls = async { Ok((keep(house, theatre()).await?, keep(house, stadium()).await?)) };
    let (theatre, stadium) = match halls.await {
        Ok(halls) => halls,
        Err(error) => {
            let error: CatalogueError = error;
            return tracing::error!(%error, "the demo's halls could not be kept");
        }
    };
    for evening in PROGRAMME {
        let hall = match evening.stage {
            Stage::Theatre => &theatre,
            Stage::Stadium => &stadium,
        };
        if let Err(error) = house.put_on(evening.in_hall(hall, euro, now)).await {
            tracing::error!(%error, title = evening.title, "a show of the demo could not be put on");
        }
    }
    if sold_out {
        let mut last_night = LAST_NIGHT.in_hall(&theatre, euro, now);
        last_night.policy.hold_ms = LAST_NIGHT_HOLD_MS;
        last_night.policy.offer_ms = LAST_NIGHT_OFFER_MS;
        match house.put_on(last_night).await {
            Ok(Some(show)) => last_seats::sell_out(&show).await,
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the sold-out evening could not be put on"),
        }
    }
}

async fn keep(house: &House, hall: Hall) -> Result<SharedHall, CatalogueError> {
    house.catalogue.add_hall(hall).await
}

impl Evening {
    fn in_hall(&self, hall: &SharedHall, currency: Currency, now: Time) -> NewShow {
        let today = now.0 - now.0 % DAY_MS;
        let mut price = self.price;
        let mut prices = Vec::new();
        for category in &hall.hall.categories {
            prices.push((category.name.clone(), price));
            // Whole half euros: nobody charges 58.51.
            price = (price * 3 / 4).next_multiple_of(50);
        }
        NewShow {
            hall: hall.id.clone(),
            title: self.title.to_owned(),
            starts_at: Time(today).plus_ms(self.days * DAY_MS + self.minute * MINUTE_MS),
            on_sale_at: None,
            currency,
            prices,
            policy: Policy { orphans: self.orphans, ..Policy::default() },
        }
    }
}
