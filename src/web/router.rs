//! Every route of the house, in one list.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::config::READY_TIME;

use super::door::Standing;
use super::problem::Problem;
use super::{House, admission, box_office, layout, live, metrics, pages, rpc, seats, shows};

/// All that the house answers.
pub fn router(house: Arc<House>) -> Router {
    Router::new()
        // What there is to open.
        .route("/v1/shows", get(shows::list).post(box_office::add_show))
        .route("/v1/shows/{show}", get(shows::one))
        .route("/v1/shows/{show}/head", get(shows::head))
        .route("/v1/shows/{show}/admission", get(admission::admission))
        .route("/v1/shows/{show}/layout", get(layout::layout))
        // One show, live.
        .route("/v1/shows/{show}/live", get(live::live))
        .route("/v1/shows/{show}/seats", get(seats::seats))
        .route("/v1/shows/{show}/rpc", post(rpc::rpc))
        // The box office.
        .route("/v1/halls", post(box_office::add_hall))
        .route("/v1/shows/{show}/block", post(box_office::block))
        .route("/v1/shows/{show}/unblock", post(box_office::unblock))
        // Operations.
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::metrics))
        // Everything else is a page, or nothing.
        .fallback(pages::page)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(house.clone(), around))
        .with_state(house)
}

/// `GET /healthz`: the process lives.
async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: the house can serve: it is open, and its log answers, if not for every show.
async fn ready(State(house): State<Arc<House>>) -> Result<&'static str, Problem> {
    match house.door.standing() {
        Standing::Open => {}
        Standing::Opening => return Err(Problem::not_now("The house is opening.")),
        Standing::Draining => return Err(Problem::not_now("The house is closing.")),
    }
    // One show that is away is no reason to send those away who come for the others.
    if house.offices.log_is_away_for_all() {
        // It was logged when it went, where it was noticed.
        return Err(Problem::not_now("The log takes no entries."));
    }
    match tokio::time::timeout(READY_TIME, house.catalogue.log_answers()).await {
        Ok(Ok(())) => Ok("ready\n"),
        Ok(Err(error)) => {
            tracing::error!(%error, "not ready: the log cannot be read");
            Err(Problem::not_now("The log cannot be read."))
        }
        Err(_) => {
            tracing::error!("not ready: the log does not answer");
            Err(Problem::not_now("The log does not answer."))
        }
    }
}

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This cannot be done here.")
}

/// Around every answer: browsers' questions about other sites' pages, and careful headers.
async fn around(State(house): State<Arc<House>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let asks_first = request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response =
        if asks_first { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    house.origins.share(origin.as_ref(), &mut response);
    pages::careful(&mut response);
    response
}
