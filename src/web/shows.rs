//! What there is to open: the list of shows, one show, the head of its log.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, HeaderName};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Value, json};

use crate::box_office::OpenShow;
use crate::config::{SHOWS_PER_PAGE, SHOWS_PER_PAGE_MAX};
use crate::hall::HallId;
use crate::log::Chain;
use crate::show::{Currency, Definition, ShowId, Time};

use super::House;
use super::door::{Standing, TurnedAway};
use super::problem::Problem;
use super::reading::{Named, number, query_word};

/// What changes by the second is kept by nobody on the way.
pub(super) const NOT_KEPT: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// A show, as the list has it.
#[derive(Serialize)]
pub(super) struct Listed<'a> {
    id: &'a ShowId,
    title: &'a str,
    hall: &'a HallId,
    hall_name: &'a str,
    starts_at: Time,
    on_sale_at: Option<Time>,
    seats: u32,
    available: u32,
    currency: Currency,
    policy: Value,
}

impl<'a> Listed<'a> {
    /// An open show.
    pub(super) fn new(show: &'a OpenShow) -> Self {
        let definition = show.definition();
        Self {
            id: &definition.id,
            title: &definition.title,
            hall: &definition.hall,
            hall_name: &show.hall().name,
            starts_at: definition.starts_at,
            on_sale_at: definition.on_sale_at,
            seats: definition.seats,
            available: show.available(),
            currency: definition.currency,
            policy: policy_of(definition),
        }
    }
}

/// A show's rules as everybody sees them: where numbers are to be drawn, with what the house is
/// committed to.
fn policy_of(definition: &Definition) -> Value {
    let mut policy = json!(definition.policy);
    if let Some(secret) = &definition.draw_secret {
        policy["admission"]["commitment"] = json!(secret.commitment());
    }
    policy
}

/// `GET /v1/shows`.
pub(super) async fn list(
    State(house): State<Arc<House>>,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse, Problem> {
    let query = query.as_deref();
    let limit = match query_word(query, "limit") {
        None => SHOWS_PER_PAGE,
        Some(text) => number(text)
            .and_then(|limit| usize::try_from(limit).ok())
            .filter(|limit| (1..=SHOWS_PER_PAGE_MAX).contains(limit))
            .ok_or_else(|| {
                Problem::bad_request(format!("`limit` is a number, 1 to {SHOWS_PER_PAGE_MAX}."))
            })?,
    };
    let cursor = match query_word(query, "cursor") {
        None => None,
        Some(text) => Some(read_cursor(text).ok_or_else(|| {
            Problem::bad_request("`cursor` is not one that this list has given.")
        })?),
    };
    // The shows are being closed, one after another: half a list would look like all of it.
    if house.door.standing() == Standing::Draining {
        return Err(House::not_now(TurnedAway::NotOpen));
    }
    let (definitions, next) = house.catalogue.page(cursor, limit);
    // One that could not be opened has no seats to show; why is in the log of operations.
    let open: Vec<_> =
        definitions.iter().filter_map(|definition| house.offices.show(&definition.id)).collect();
    let shows: Vec<Listed<'_>> = open.iter().map(|show| Listed::new(show)).collect();
    let mut body = json!({ "shows": shows });
    if let Some((starts_at, id)) = next {
        body["next"] = format!("{starts_at}.{id}").into();
    }
    Ok(([NOT_KEPT], Json(body)))
}

fn read_cursor(text: &str) -> Option<(Time, ShowId)> {
    let (starts_at, id) = text.split_once('.')?;
    Some((Time(number(starts_at)?), ShowId::parse(id)?))
}

/// `GET /v1/shows/{show}`.
pub(super) async fn one(
    State(house): State<Arc<House>>,
    show: Named,
) -> Result<impl IntoResponse, Problem> {
    let show = house.show(&show).await?;
    Ok(([NOT_KEPT], Json(json!(Listed::new(&show)))))
}

/// `GET /v1/shows/{show}/head`.
pub(super) async fn head(
    State(house): State<Arc<House>>,
    show: Named,
) -> Result<impl IntoResponse, Problem> {
    let head = house.show(&show).await?.head();
    let body = json!({
        "epoch": head.epoch.to_string(),
        "seq": head.seq,
        "chain": Chain(head.chain).to_string(),
    });
    Ok(([NOT_KEPT], Json(body)))
}
