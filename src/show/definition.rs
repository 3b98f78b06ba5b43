//! What a show is: the first thing its log says, and what never changes afterwards.

use serde::{Deserialize, Serialize};

use crate::hall::HallId;

use super::{Currency, DrawSecret, Policy, ShowId, Time};

/// A show, as its house defined it: the genesis of its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name.
    pub id: ShowId,
    /// What the posters say.
    pub title: String,
    /// Where it plays.
    pub hall: HallId,
    /// How many seats that hall has: the log alone says how large the show is.
    pub seats: u32,
    /// When it begins; from then on nothing new is held.
    pub starts_at: Time,
    /// When sales begin; none: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_sale_at: Option<Time>,
    /// What prices are in.
    pub currency: Currency,
    /// The price of one seat, in the minor unit, for each category of the hall by its index.
    pub prices: Vec<u64>,
    /// Its rules.
    #[serde(default)]
    pub policy: Policy,
    /// What the draw at the doors is made with, where there is one. Only its hash is published before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw_secret: Option<DrawSecret>,
}
