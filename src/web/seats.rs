//! The seats over HTTP: a snapshot, or, for clients behind proxies that break WebSockets, a long
//! poll for what changed.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderName, VARY};
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::{Duration, Instant};

use crate::config::POLL_TIME_MAX;
use crate::hub::{Board, SeatFrame};
use crate::log::Position;
use crate::protocol::seats::Format;

use super::House;
use super::door::Standing;
use super::problem::Problem;
use super::reading::{Named, number, position, query_word};
use super::shows::NOT_KEPT;

/// What another `Accept` would have been answered with differs.
const BY_ACCEPT: (HeaderName, &str) = (VARY, "accept");

/// `GET /v1/shows/{show}/seats`.
pub(super) async fn seats(
    State(house): State<Arc<House>>,
    show: Named,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
    let show = house.show(&show).await?;
    house.origins.check(&headers)?;
    let (since, wait) = read_query(query.as_deref())?;
    let format = format_asked(&headers);
    // The seats as they are known here will do, also where they are old: it is asked again.
    let _ahead = house.catch_up_to(&show, since).await;
    let frame = match since {
        None => show.board().frame_since(None, format),
        Some(since) if wait.is_zero() => news(show.board(), since, format),
        Some(since) => {
            // Who waits has a place at the door like a socket: waiting is what costs.
            let _place = house.enter(&headers, &extensions)?;
            wait_for_news(&house, show.board(), since, format, wait).await
        }
    };
    Ok(match frame {
        Some(frame) => {
            let (form, body) = match format {
                Format::Binary => ("application/octet-stream", frame.payload()),
                Format::Json => ("application/json", frame.params()),
            };
            ([NOT_KEPT, BY_ACCEPT, (CONTENT_TYPE, form)], body).into_response()
        }
        None => (StatusCode::NO_CONTENT, [NOT_KEPT, BY_ACCEPT]).into_response(),
    })
}

fn read_query(query: Option<&str>) -> Result<(Option<Position>, Duration), Problem> {
    // One that cannot be used is like none, as on a socket: the answer is a snapshot.
    let since = query_word(query, "since").and_then(position);
    let seconds_max = POLL_TIME_MAX.as_secs();
    let wait = match query_word(query, "wait") {
        None => 0,
        Some(text) => number(text).ok_or_else(|| {
            Problem::bad_request(format!("`wait` is whole seconds, at most {seconds_max}."))
        })?,
    };
    // Who would wait longer hears 204 sooner, and asks again.
    Ok((since, Duration::from_secs(wait.min(seconds_max))))
}

/// Binary where the client names it, and does not name it only to refuse it.
fn format_asked(headers: &HeaderMap) -> Format {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|list| list.split(','));
    let binary = kinds.any(|kind| {
        let mut parts = kind.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default();
        let refused = parts.any(|part| {
            let quality = part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
            quality == Some(0.0)
        });
        named.eq_ignore_ascii_case("application/octet-stream") && !refused
    });
    if binary { Format::Binary } else { Format::Json }
}

/// What has happened to seats since; none where nothing has. A position that only moved is no news.
fn news(board: &Board, since: Position, format: Format) -> Option<SeatFrame> {
    let (epoch, changed) = *board.changed().borrow();
    let here = board.position();
    let nothing = (epoch, here.0) == (since.epoch, since.epoch)
        && changed <= since.seq
        && since.seq <= here.1;
    if nothing { None } else { board.frame_since(Some((since.epoch, since.seq)), format) }
}

async fn wait_for_news(
    house: &House,
    board: &Board,
    since: Position,
    format: Format,
    wait: Duration,
) -> Option<SeatFrame> {
    let deadline = Instant::now() + wait;
    // Asked to be woken before looking: what changes in between wakes too.
    let mut changed = board.changed();
    let mut standing = house.door.watch();
    loop {
        changed.mark_unchanged();
        let frame = news(board, since, format);
        if frame.is_some() {
            return frame;
        }
        tokio::select! {
            // A board that nobody writes any more: the show was closed, there will be no news.
            woken = changed.changed() => woken.ok()?,
            // A stopping house sends everybody away; the next house has the answer.
            _ = standing.wait_for(|standing| *standing == Standing::Draining) => return None,
            () = tokio::time::sleep_until(deadline) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_binary_frame_is_given_to_who_names_it() {
        let asked = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            format_asked(&headers)
        };
        assert_eq!(asked("application/octet-stream"), Format::Binary);
        assert_eq!(asked("text/html, Application/Octet-Stream;q=0.5"), Format::Binary);
        assert_eq!(asked("application/octet-stream; q=0, */*"), Format::Json);
        assert_eq!(asked("*/*"), Format::Json);
        assert_eq!(format_asked(&HeaderMap::new()), Format::Json);
    }

    #[test]
    fn a_query_that_makes_no_sense_is_refused() {
        assert!(read_query(None).is_ok());
        for wrong in ["wait=", "wait=-1", "wait=1.5", "since=1.2&wait=x"] {
            assert!(read_query(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_can_be_made_sense_of_is_taken() {
        let read = |query| read_query(Some(query)).ok();
        let since = Some(Position { epoch: 1, seq: 2 });
        assert_eq!(read("since=1.2&wait=25"), Some((since, POLL_TIME_MAX)));
        assert_eq!(read("since=1.2&wait=26"), Some((since, POLL_TIME_MAX)));
        assert_eq!(read("since=x"), Some((None, Duration::ZERO)));
        assert_eq!(read("since=1"), Some((None, Duration::ZERO)));
    }
}
