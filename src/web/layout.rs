//! The layout: the hall as a client draws it, with the show's prices.
//!
//! It never changes within an epoch, so it is encoded and compressed once a show and shared, and a
//! client that has it is told so by its ETag. A large one is a megabyte; those asked for last are
//! kept.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Serialize, Serializer};
use tokio::sync::OnceCell;

use crate::box_office::OpenShow;
use crate::hall::{Area, Decoration, Hall, Place, Row, Size};
use crate::show::{Definition, ShowId};

use super::House;
use super::problem::Problem;
use super::reading::Named;

/// How many layouts are kept encoded: at 2 MB for the largest halls, 128 MB at most.
const LAYOUTS_KEPT: usize = 64;

/// An answer ready to be sent, plain and compressed.
#[derive(Debug)]
pub(super) struct Ready {
    plain: Bytes,
    gzip: Bytes,
    content_type: &'static str,
    etag: HeaderValue,
    cache_control: &'static str,
}

impl Ready {
    /// Compresses `plain`; where that makes it no shorter, it is always sent as it is.
    pub(super) fn new(
        plain: Bytes,
        content_type: &'static str,
        etag: HeaderValue,
        cache_control: &'static str,
    ) -> std::io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&plain)?;
        let gzip = Bytes::from(encoder.finish()?);
        Ok(Self { plain, gzip, content_type, etag, cache_control })
    }

    /// Answers a request with these headers.
    pub(super) fn answer(&self, request: &HeaderMap) -> Response {
        let compressed = self.gzip.len() < self.plain.len() && accepts_gzip(request);
        let headers = [
            (ETAG, self.etag.clone()),
            (CACHE_CONTROL, HeaderValue::from_static(self.cache_control)),
            (VARY, HeaderValue::from_static("accept-encoding")),
        ];
        if is_known(request, &self.etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let form = [(CONTENT_TYPE, HeaderValue::from_static(self.content_type))];
        if compressed {
            let gzip: [(HeaderName, &str); 1] = [(CONTENT_ENCODING, "gzip")];
            (headers, form, gzip, self.gzip.clone()).into_response()
        } else {
            (headers, form, self.plain.clone()).into_response()
        }
    }
}

/// Whether the client says it has this already. The comparison is the weak one, as RFC 9110 wants
/// it for GET: a proxy that compressed the answer has weakened the tag.
fn is_known(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = request.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn accepts_gzip(request: &HeaderMap) -> bool {
    let lines = request.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = parts.any(|part| {
            part.strip_prefix("q=").and_then(|quality| quality.parse().ok()) == Some(0.0_f32)
        });
        named && !refused
    })
}

type Kept = (ShowId, u64, Arc<OnceCell<Arc<Ready>>>);

/// The layouts asked for last, the latest at the end.
#[derive(Debug, Default)]
pub struct Layouts {
    kept: Mutex<VecDeque<Kept>>,
}

impl Layouts {
    /// The show's layout in this epoch: encoded by whoever asks first, waited for by the others.
    async fn get(&self, show: &Arc<OpenShow>, epoch: u64) -> Result<Arc<Ready>, Problem> {
        let cell = self.cell(&show.definition().id, epoch);
        let ready = cell.get_or_try_init(|| encode(show.clone(), epoch)).await?;
        Ok(ready.clone())
    }

    fn cell(&self, show: &ShowId, epoch: u64) -> Arc<OnceCell<Arc<Ready>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|(id, of, _)| id == show && *of == epoch);
        let entry = found
            .and_then(|place| kept.remove(place))
            .unwrap_or_else(|| (show.clone(), epoch, Arc::default()));
        let cell = entry.2.clone();
        kept.push_back(entry);
        if kept.len() > LAYOUTS_KEPT {
            kept.pop_front();
        }
        cell
    }
}

async fn encode(show: Arc<OpenShow>, epoch: u64) -> Result<Arc<Ready>, Problem> {
    let encoding = tokio::task::spawn_blocking(move || {
        let plain = body(show.definition(), show.hall(), epoch)?;
        let etag = HeaderValue::try_from(format!("\"{}-{epoch}\"", show.definition().id))
            .map_err(std::io::Error::other)?;
        // To be asked for again each time, which costs a 304: the epoch may have changed.
        Ready::new(plain.into(), "application/json", etag, "no-cache")
    });
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Problem::failed("a layout could not be encoded", error)
    };
    match encoding.await {
        Ok(Ok(ready)) => Ok(Arc::new(ready)),
        Ok(Err(error)) => Err(failed(&error)),
        Err(error) => Err(failed(&error)),
    }
}

/// `GET /v1/shows/{show}/layout`.
pub(super) async fn layout(
    State(house): State<Arc<House>>,
    show: Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let show = house.show(&show).await?;
    let epoch = show.head().epoch;
    Ok(house.layouts.get(&show, epoch).await?.answer(&headers))
}

/// The layout as the protocol has it.
fn body(definition: &Definition, hall: &Hall, epoch: u64) -> serde_json::Result<Vec<u8>> {
    let prices = definition.prices.iter();
    let categories = hall.categories.iter().zip(prices).map(|(category, price)| Priced {
        name: &category.name,
        color: &category.color,
        price: *price,
    });
    let sections = hall.sections.iter().map(|section| Section {
        name: &section.name,
        rows: section.rows.iter().map(Drawn).collect(),
    });
    serde_json::to_vec(&Layout {
        show: &definition.id,
        epoch: epoch.to_string(),
        seats: definition.seats,
        categories: categories.collect(),
        sections: sections.collect(),
        areas: &hall.areas,
        decorations: &hall.decorations,
        size: hall.size,
    })
}

#[derive(Serialize)]
struct Layout<'a> {
    show: &'a ShowId,
    epoch: String,
    seats: u32,
    categories: Vec<Priced<'a>>,
    sections: Vec<Section<'a>>,
    areas: &'a [Area],
    decorations: &'a [Decoration],
    size: Size,
}

#[derive(Serialize)]
struct Priced<'a> {
    name: &'a str,
    color: &'a str,
    price: u64,
}

#[derive(Serialize)]
struct Section<'a> {
    name: &'a str,
    rows: Vec<Drawn<'a>>,
}

/// A row whose seats are short lists: `["7", x, y, category]`.
struct Drawn<'a>(&'a Row);

impl Serialize for Drawn<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            label: &'a str,
            first: u32,
            gaps: &'a [u32],
            seats: Vec<(&'a str, f64, f64, u16)>,
        }
        let seat = |place: &'_ Place| (place.x, place.y, place.category);
        let seats = self.0.seats.iter().map(|place| {
            let (x, y, category) = seat(place);
            (place.number.as_str(), x, y, category)
        });
        Row {
            label: &self.0.label,
            first: self.0.first,
            gaps: &self.0.gaps,
            seats: seats.collect(),
        }
        .serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(name: HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    fn ready() -> Ready {
        let plain = Bytes::from(vec![b'a'; 1000]);
        Ready::new(plain, "text/plain", HeaderValue::from_static("\"7\""), "no-cache")
            .expect("compressed")
    }

    #[test]
    fn who_has_it_is_told_so() {
        for tag in ["\"7\"", "W/\"7\"", "\"1\", \"7\"", "*"] {
            let answer = ready().answer(&asking(IF_NONE_MATCH, tag));
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{tag}");
        }
        let answer = ready().answer(&asking(IF_NONE_MATCH, "\"8\""));
        assert_eq!(answer.status(), StatusCode::OK);
    }

    #[test]
    fn it_is_compressed_for_who_can_read_that() {
        let coded = |accepted: &'static str| {
            let answer = ready().answer(&asking(ACCEPT_ENCODING, accepted));
            answer.headers().contains_key(CONTENT_ENCODING)
        };
        assert!(coded("deflate, gzip;q=0.5"));
        assert!(!coded("br"));
        assert!(!coded("gzip;q=0"));
    }

    #[test]
    fn the_layouts_asked_for_last_are_kept() {
        let layouts = Layouts::default();
        let id = |nth: usize| ShowId::parse(&format!("show-{nth}")).expect("an id");
        let first = layouts.cell(&id(0), 1);
        assert!(Arc::ptr_eq(&first, &layouts.cell(&id(0), 1)));
        assert!(!Arc::ptr_eq(&first, &layouts.cell(&id(0), 2)), "a new epoch is a new layout");
        for nth in 1..=LAYOUTS_KEPT {
            layouts.cell(&id(nth), 1);
        }
        assert_eq!(layouts.kept.lock().expect("no panic").len(), LAYOUTS_KEPT);
        assert!(!Arc::ptr_eq(&first, &layouts.cell(&id(0), 1)));
    }
}
