//! Asking over HTTP: one JSON-RPC request a body, answered as on a socket.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::box_office::OpenShow;
use crate::config::REQUEST_BODY_TIME;
use crate::connection::{Doorkeeper, read};
use crate::protocol::rpc::{request, response};
use crate::protocol::websocket::MESSAGE_BYTES_MAX;
use crate::show::Refusal;

use super::House;
use super::problem::Problem;
use super::reading::{self, Named};
use super::shows::NOT_KEPT;

/// `POST /v1/shows/{show}/rpc`.
pub(super) async fn rpc(
    State(house): State<Arc<House>>,
    show: Named,
    http: Request,
) -> Result<Response, Problem> {
    let show = house.show(&show).await?;
    house.origins.check(http.headers())?;
    let from = house.counted(http.headers(), http.extensions()).map_err(House::not_now)?;
    let token = reading::bearer(http.headers()).map(ToOwned::to_owned);
    let message = reading::body(http, MESSAGE_BYTES_MAX, REQUEST_BODY_TIME).await?;
    // Every message counts, whatever it is and whoever's: issuing and judging tokens is work, too.
    let counted = house.door.ask(from, Instant::now());
    Ok(match read(&show, &message) {
        Ok(request::Incoming::Ignored) => (StatusCode::NO_CONTENT, [NOT_KEPT]).into_response(),
        Ok(request::Incoming::Request(request)) => {
            let doorkeeper = &house.doorkeeper;
            let answer = match counted {
                Ok(()) => answer(doorkeeper, &show, (token.as_deref(), from), &request).await,
                Err(wait) => doorkeeper.refuse(&request, &doorkeeper.at_the_door(too_fast(wait))),
            };
            spoken(StatusCode::OK, answer)
        }
        Err(faulty) => spoken(status_of(&faulty.fault), response::faulty(&faulty)),
    })
}

fn too_fast(wait: Duration) -> Refusal {
    // Rounded up: who comes a fraction too early would be refused again.
    let whole_ms = wait.as_micros().div_ceil(1_000);
    Refusal::TooFast { retry_after_ms: u64::try_from(whole_ms).unwrap_or(u64::MAX) }
}

async fn answer(
    doorkeeper: &Doorkeeper,
    show: &OpenShow,
    (token, from): (Option<&str>, IpAddr),
    request: &request::Request,
) -> String {
    let counted = doorkeeper.bearer(token, from).and_then(|asker| {
        doorkeeper.count_message(&asker)?;
        Ok(asker)
    });
    match counted {
        Ok(mut asker) => doorkeeper.answer(show, &mut asker, request, |_| {}).await.text,
        Err(refusal) => doorkeeper.refuse(request, &doorkeeper.at_the_door(refusal)),
    }
}

/// What is no JSON-RPC is no good request either; everything else is an answer.
fn status_of(fault: &request::Fault) -> StatusCode {
    const NOT_JSON: i32 = -32700;
    const NOT_A_REQUEST: i32 = -32600;
    match fault.code() {
        NOT_JSON | NOT_A_REQUEST => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

fn spoken(status: StatusCode, text: String) -> Response {
    (status, [NOT_KEPT, (CONTENT_TYPE, "application/json")], text).into_response()
}
