//! The box office's own door: halls and shows are made here, seats taken off sale and put back.
//!
//! Whoever comes must have the key. Its comparison takes as long for a near miss as for any other.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::catalogue::{AddShowError, CatalogueError, NewShow};
use crate::config::{
    HALL_SEATS_MAX, PLAN_BYTES_MAX, PLAN_TIME, REQUEST_BODY_TIME, SEAT_LIST_BYTES_MAX,
    SHOW_BYTES_MAX,
};
use crate::hall::{Fault, from_pretix};
use crate::show::{Command, Refusal};

use super::House;
use super::problem::Problem;
use super::reading::{self, Named, query_word, unescaped};
use super::shows::Listed;

/// The longest name of a hall, in letters.
const HALL_NAME_LETTERS_MAX: usize = 200;

/// What is said of a plan, or a name for it, with its faults.
const NO_HALL: &str = "This plan cannot be a hall.";

/// The box office's key, as its hash: comparing hashes tells nothing of the key by how long it
/// takes.
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Of this key.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(word) = reading::bearer(headers) else {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "This needs the box office's key.")
                .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        };
        let given = Self::of(word).0;
        let differing = given.iter().zip(self.0).fold(0, |sum, (a, b)| sum | (a ^ b));
        if std::hint::black_box(differing) == 0 {
            Ok(())
        } else {
            Err(Problem::new(StatusCode::FORBIDDEN, "This is not the box office's key."))
        }
    }
}

/// `POST /v1/halls?name=…`, with a plan.
pub(super) async fn add_hall(
    State(house): State<Arc<House>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Problem> {
    house.key.check(request.headers())?;
    let name = query_word(query.as_deref(), "name").map(read_name).transpose()?;
    let plan = reading::body(request, PLAN_BYTES_MAX, PLAN_TIME).await?;
    // A large plan is a second of work: not on a thread that answers others.
    let reading =
        tokio::task::spawn_blocking(move || from_pretix(&plan, name.as_deref(), HALL_SEATS_MAX));
    let imported = reading
        .await
        .map_err(|error| Problem::failed("reading a plan broke off", &error))?
        .map_err(|refused| Problem::faults(NO_HALL, &refused.faults))?;
    let hall = house.catalogue.add_hall(imported.hall).await.map_err(|error| failed(&error))?;
    tracing::info!(hall = hall.id.0, seats = hall.hall.seats(), "a hall came in");
    let body = json!({
        "hall": hall.id,
        "name": hall.hall.name,
        "seats": hall.hall.seats(),
        "warnings": imported.warnings,
    });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

fn read_name(word: &str) -> Result<String, Problem> {
    let name = unescaped(word).map(|name| name.trim().to_owned()).filter(|name| {
        (1..=HALL_NAME_LETTERS_MAX).contains(&name.chars().count())
            && !name.chars().any(char::is_control)
    });
    name.ok_or_else(|| {
        // The name is no part of the plan: the pointer is to all of it.
        let message = format!("`name` is 1 to {HALL_NAME_LETTERS_MAX} letters of plain text.");
        Problem::faults(NO_HALL, &[Fault { path: String::new(), message }])
    })
}

/// `POST /v1/shows`.
pub(super) async fn add_show(
    State(house): State<Arc<House>>,
    request: Request,
) -> Result<Response, Problem> {
    house.key.check(request.headers())?;
    let body = reading::body(request, SHOW_BYTES_MAX, REQUEST_BODY_TIME).await?;
    let cannot_be = |faults: &[Fault]| Problem::faults("This show cannot be.", faults);
    let show = NewShow::from_json(&body).map_err(|faults| cannot_be(&faults))?;
    let open = house.put_on(show).await.map_err(|error| match error {
        AddShowError::Faults(faults) => cannot_be(&faults),
        AddShowError::Failed(error) => failed(&error),
    })?;
    let Some(open) = open else {
        return Err(Problem::not_now("The show is kept, but could not be opened yet."));
    };
    let body = json!(Listed::new(&open));
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeatList {
    seats: Vec<u64>,
}

/// `POST /v1/shows/{show}/block`.
pub(super) async fn block(
    state: State<Arc<House>>,
    show: Named,
    request: Request,
) -> Result<Response, Problem> {
    change_sale(state, show, request, |seats| Command::Block { seats }).await
}

/// `POST /v1/shows/{show}/unblock`.
pub(super) async fn unblock(
    state: State<Arc<House>>,
    show: Named,
    request: Request,
) -> Result<Response, Problem> {
    change_sale(state, show, request, |seats| Command::Unblock { seats }).await
}

async fn change_sale(
    State(house): State<Arc<House>>,
    show: Named,
    request: Request,
    command: fn(Vec<u64>) -> Command,
) -> Result<Response, Problem> {
    house.key.check(request.headers())?;
    let show = house.show(&show).await?;
    let body = reading::body(request, SEAT_LIST_BYTES_MAX, REQUEST_BODY_TIME).await?;
    let SeatList { seats } = serde_json::from_slice(&body).map_err(|error| {
        let message = format!("This is not {{\"seats\":[…]}}: {error}.");
        Problem::faults("Nothing was changed.", &[Fault { path: String::new(), message }])
    })?;
    match show.ask(command(seats.clone()), None).await {
        Ok(reply) => Ok(Json(json!({ "seq": reply.seq })).into_response()),
        Err(refused) => Err(told(refused.refusal, &seats)),
    }
}

/// A refusal as the box office hears it.
fn told(refusal: Refusal, asked: &[u64]) -> Problem {
    match refusal {
        Refusal::UnknownSeat { seats: unknown } => {
            let faults: Vec<Fault> = asked
                .iter()
                .enumerate()
                .filter(|(_, seat)| unknown.contains(seat))
                .map(|(place, seat)| Fault {
                    path: format!("/seats/{place}"),
                    message: format!("The hall has no seat {seat}."),
                })
                .collect();
            Problem::faults("Nothing was changed.", &faults).member("seats", &unknown)
        }
        Refusal::SeatsTaken { seats } => Problem::new(
            StatusCode::CONFLICT,
            "Some of these seats are held or sold; nothing was changed.",
        )
        .member("seats", &seats),
        Refusal::Unavailable => {
            Problem::not_now("The log did not answer: ask again; nothing may have been changed.")
        }
        other => {
            tracing::warn!(refusal = ?other, "the box office was refused for a buyer's reason");
            Problem::new(StatusCode::CONFLICT, "The show refused this; nothing was changed.")
        }
    }
}

/// The log that does not answer is a matter of time; anything else is a failure.
fn failed(error: &CatalogueError) -> Problem {
    use crate::log::{AppendError, CreateError, ReadError};
    match error {
        CatalogueError::Append(AppendError::Unavailable(_))
        | CatalogueError::Create(CreateError::Unavailable(_))
        | CatalogueError::Read(ReadError::Unavailable(_)) => {
            tracing::error!(%error, "the catalogue could not be written");
            Problem::not_now("The log did not answer: look whether it was done, and ask again.")
        }
        _ => Problem::failed("the catalogue failed", error),
    }
}
