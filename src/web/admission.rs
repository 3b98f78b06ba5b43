//! The waiting room as anybody may look at it: its counters, and the draw once it was made.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;

use crate::box_office::OpenShow;
use crate::protocol::rpc::HeadView;
use crate::show::{Commitment, Draw, DrawSecret, Time};

use super::House;
use super::problem::Problem;
use super::reading::Named;
use super::shows::NOT_KEPT;

/// How a waiting room stands.
#[derive(Serialize)]
struct Standing {
    serving: u64,
    numbers: u64,
    arrivals: u64,
    picking_max: u32,
    /// How many numbers a minute were called lately, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doors_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commitment: Option<Commitment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<Drawn>,
    now: Time,
}

/// All that is needed to work every number out again, as it was told when the doors opened.
#[derive(Serialize)]
struct Drawn {
    secret: DrawSecret,
    head: HeadView,
    count: u64,
}

impl Drawn {
    fn of(draw: &Draw) -> Self {
        Self { secret: draw.secret, head: HeadView::of(&draw.head), count: draw.count }
    }
}

impl Standing {
    /// Of this show; none where it has no waiting room.
    fn of(show: &OpenShow) -> Option<Self> {
        let definition = show.definition();
        let policy = definition.policy.admission.as_ref()?;
        let per_minute = show.serving().and_then(|(_, per_minute)| per_minute);
        show.in_waiting_room(|room| Self {
            serving: room.serving(),
            numbers: room.numbers(),
            arrivals: room.arrivals(),
            picking_max: policy.picking_max,
            per_minute,
            doors_at: policy.doors_at,
            commitment: definition.draw_secret.map(|secret| secret.commitment()),
            drawn: room.draw().map(Drawn::of),
            now: show.now(),
        })
    }
}

/// `GET /v1/shows/{show}/admission`.
pub(super) async fn admission(
    State(house): State<Arc<House>>,
    show: Named,
) -> Result<impl IntoResponse, Problem> {
    let show = house.show(&show).await?;
    let standing = Standing::of(&show).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "This show has no waiting room: anybody may pick seats.",
        )
    })?;
    Ok(([NOT_KEPT], Json(standing)))
}
