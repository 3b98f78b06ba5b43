//! Opening a socket: every check before the upgrade, the handshake, and handing the stream over.
//!
//! The handshake is done by hand, so that the stream itself goes to the hub and no buffer of a
//! WebSocket library stays behind with every viewer. What is said on the socket afterwards is
//! `connection`'s.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, Method, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::box_office::OpenShow;
use crate::config::{CLOSE_TIME, WRITE_TIME};
use crate::connection;
use crate::hub::Adopted;
use crate::log::Position;
use crate::protocol::seats::Format;
use crate::protocol::websocket::{CloseCode, close_frame};

use super::House;
use super::door::{Place, TurnedAway};
use super::patience::Patient;
use super::problem::Problem;
use super::reading::{Named, position, query_word};

/// The one version of the WebSocket protocol there is.
const WEBSOCKET_VERSION: &str = "13";

/// `GET /v1/shows/{show}/live`.
pub(super) async fn live(
    State(house): State<Arc<House>>,
    show: Named,
    mut request: Request,
) -> Result<Response, Problem> {
    let show = house.show(&show).await?;
    let headers = request.headers();
    if !asks_for_upgrade(&request) {
        return Err(Problem::new(
            StatusCode::UPGRADE_REQUIRED,
            "This is a WebSocket: ask for an upgrade.",
        )
        .header(CONNECTION, HeaderValue::from_static("upgrade"))
        .header(UPGRADE, HeaderValue::from_static("websocket")));
    }
    house.origins.check(headers)?;
    let from = house.counted(headers, request.extensions()).map_err(House::not_now)?;
    let (place, stays) = match house.door.enter(from, Instant::now()) {
        Ok(place) => (place, true),
        // Only a close code can say so to a browser's script, so this one is let in to hear it.
        Err(TurnedAway::Crowded) => (house.door.farewell().map_err(House::not_now)?, false),
        Err(turned_away) => return Err(House::not_now(turned_away)),
    };
    let accept = accept_key(headers)?;
    let (format, protocol) = subprotocol(headers);
    let since = query_word(request.uri().query(), "since").and_then(position);
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err(Problem::bad_request("This connection cannot become a WebSocket."));
    };
    tokio::spawn(async move {
        // Fails where the client is gone before it got the answer: nothing is lost.
        let Ok(upgraded) = upgrade.await else { return };
        let Some((stream, already_read)) = the_stream_itself(upgraded) else { return };
        if stays {
            let ahead = house.catch_up_to(&show, since).await;
            adopt(&house, stream, already_read, Opened { show, format, since, ahead, from, place });
        } else {
            turn_away(stream).await;
            drop(place);
        }
    });
    let mut response = (
        StatusCode::SWITCHING_PROTOCOLS,
        [
            (CONNECTION, HeaderValue::from_static("upgrade")),
            (UPGRADE, HeaderValue::from_static("websocket")),
            (SEC_WEBSOCKET_ACCEPT, accept),
        ],
    )
        .into_response();
    if let Some(protocol) = protocol {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    Ok(response)
}

/// What was agreed on before the upgrade.
struct Opened {
    show: Arc<OpenShow>,
    format: Format,
    since: Option<Position>,
    /// What the client knows and this node may not.
    ahead: Option<(u64, u64)>,
    /// The address the client is counted as.
    from: IpAddr,
    place: Place,
}

/// Hands the stream to the hub. The socket's place is its life's: it ends with it, whichever way
/// that ended.
fn adopt(house: &House, stream: TcpStream, read_ahead: Bytes, opened: Opened) {
    let Opened { show, format, since, ahead, from, place } = opened;
    let adopted = Adopted {
        stream,
        read_ahead,
        show: show.definition().id.clone(),
        board: show.board().clone(),
        format,
        since: since.map(|since| (since.epoch, since.seq)),
    };
    let doorkeeper = house.doorkeeper.clone();
    let adopted = house.hub.adopt(adopted, move |socket| async move {
        connection::live(socket, from, ahead, show, doorkeeper).await;
        drop(place);
    });
    if let Err(error) = adopted {
        tracing::warn!(%error, "an upgraded stream could not be handed to the hub");
    }
}

/// Says that the address has enough sockets, waits a moment for the client to close, and is done.
async fn turn_away(mut stream: TcpStream) {
    let goodbye = close_frame(CloseCode::TooManySockets, "too many sockets from this address");
    let said = tokio::time::timeout(WRITE_TIME, stream.write_all(&goodbye)).await;
    if !matches!(said, Ok(Ok(()))) {
        return;
    }
    // Closing at once, with the client's bytes unread, would reset the connection and could take
    // the reason with it.
    let mut unread = [0; 256];
    let closes = async { while matches!(stream.read(&mut unread).await, Ok(1..)) {} };
    // Whether it closed or was waited for long enough is the same from here on.
    drop(tokio::time::timeout(CLOSE_TIME, closes).await);
}

/// The TCP stream under an upgraded connection, and what was read of it too far.
fn the_stream_itself(upgraded: Upgraded) -> Option<(TcpStream, Bytes)> {
    let parts = upgraded.downcast::<TokioIo<Patient>>().ok()?;
    Some((parts.io.into_inner().into_stream(), parts.read_buf))
}

fn asks_for_upgrade(request: &Request) -> bool {
    request.method() == Method::GET
        && request.version() >= Version::HTTP_11
        && lists(request.headers(), &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"))
        && lists(request.headers(), &UPGRADE).any(|token| token.eq_ignore_ascii_case("websocket"))
}

/// The words of a header that is a list, over all its lines.
fn lists<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// What proves to the client that a WebSocket server read its key.
fn accept_key(headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != WEBSOCKET_VERSION) {
        return Err(Problem::new(
            StatusCode::UPGRADE_REQUIRED,
            "Only version 13 of the WebSocket protocol is spoken here.",
        )
        .header(UPGRADE, HeaderValue::from_static("websocket"))
        .header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(WEBSOCKET_VERSION)));
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let key = keys.next().filter(|key| {
        let mut bytes = [0; 18];
        matches!(STANDARD.decode_slice(key.as_bytes(), &mut bytes), Ok(16))
    });
    let accept = key.filter(|_| keys.next().is_none()).map(|key| derive_accept_key(key.as_bytes()));
    accept
        .and_then(|accept| HeaderValue::try_from(accept).ok())
        .ok_or_else(|| Problem::bad_request("Sec-WebSocket-Key must be 16 bytes in base64."))
}

/// The first subprotocol offered that is known here. Without one, frames are JSON and none is
/// selected.
fn subprotocol(headers: &HeaderMap) -> (Format, Option<&'static str>) {
    let mut offered = lists(headers, &SEC_WEBSOCKET_PROTOCOL);
    let known = offered.find_map(|name| match name {
        "usher.v1" => Some((Format::Binary, "usher.v1")),
        "usher.v1.json" => Some((Format::Json, "usher.v1.json")),
        _ => None,
    });
    known.map_or((Format::Json, None), |(format, name)| (format, Some(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_first_subprotocol_known_here_is_selected() {
        let selected = |values: &[&'static str]| subprotocol(&with(SEC_WEBSOCKET_PROTOCOL, values));
        assert_eq!(selected(&["usher.v1"]), (Format::Binary, Some("usher.v1")));
        assert_eq!(
            selected(&["chat, usher.v1.json , usher.v1"]),
            (Format::Json, Some("usher.v1.json"))
        );
        assert_eq!(selected(&["chat", "usher.v1"]), (Format::Binary, Some("usher.v1")));
        assert_eq!(selected(&["chat"]), (Format::Json, None));
        assert_eq!(selected(&[]), (Format::Json, None));
    }

    #[test]
    fn a_key_is_sixteen_bytes_in_base64() {
        let accept = |key: &'static str, version: &'static str| {
            let mut headers = with(SEC_WEBSOCKET_KEY, &[key]);
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(version));
            accept_key(&headers).ok()
        };
        // The example of RFC 6455, section 1.3.
        let example = accept("dGhlIHNhbXBsZSBub25jZQ==", "13").expect("the RFC's own key");
        assert_eq!(example, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ==", "8"), None);
        assert_eq!(accept("dGhlIHNhbXBsZQ==", "13"), None);
        assert_eq!(accept("not base64 at all, no", "13"), None);
        assert_eq!(accept("", "13"), None);
    }
}
