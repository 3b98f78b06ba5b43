//! Where a server is, and what can be asked of it over plain HTTP.

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::protocol::picture::{Lost, Picture};
use crate::protocol::rpc::HeadView;
use crate::protocol::seats::{self, Format};
use crate::protocol::{Commitment, Currency, DrawSecret, ShowId, Time};

use super::error::{ClientError, said};

/// Longer than any honest answer takes on one machine, short enough for a person to wait.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A server's address, as a person gives it: `http://127.0.0.1:8080`.
#[derive(Clone, Debug)]
pub struct House {
    base: Url,
    http: reqwest::Client,
}

/// A show as the server lists it.
#[derive(Clone, Debug, Deserialize)]
pub struct ShowInfo {
    /// Its name in addresses.
    pub id: ShowId,
    /// What the posters say.
    pub title: String,
    /// When it begins.
    pub starts_at: Time,
    /// How many seats it has.
    pub seats: u32,
    /// How many of them are available.
    pub available: u32,
    /// What prices are in.
    pub currency: Currency,
}

/// How a show's waiting room stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WaitingRoomInfo {
    /// Up to which number all have been called.
    pub serving: u64,
    /// How many numbers there are.
    pub numbers: u64,
    /// How many came before the doors opened.
    pub arrivals: u64,
    /// How many may pick seats at once.
    pub picking_max: u32,
    /// How many were called a minute, lately, where it is known.
    pub per_minute: Option<u64>,
    /// When the doors open, where there are any.
    pub doors_at: Option<Time>,
    /// What the house is committed to draw with.
    pub commitment: Option<Commitment>,
    /// The draw, once it was made.
    pub drawn: Option<Drawn>,
    /// The server's clock.
    pub now: Time,
}

/// All that is needed to work the numbers of a draw out again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Drawn {
    /// What had been committed to.
    pub secret: DrawSecret,
    /// The show's head with the entry that opened the doors.
    pub head: HeadView,
    /// How many had come.
    pub count: u64,
}

/// A show's layout: where its seats are. Only what this crate's clients draw and choose by.
#[derive(Clone, Debug, Deserialize)]
pub struct Layout {
    /// How many seats there are.
    pub seats: u32,
    /// The price categories.
    pub categories: Vec<LayoutCategory>,
    /// The rows, by section.
    pub sections: Vec<LayoutSection>,
    /// General admission.
    pub areas: Vec<LayoutArea>,
}

/// A price category.
#[derive(Clone, Debug, Deserialize)]
pub struct LayoutCategory {
    /// As on the ticket.
    pub name: String,
    /// In the currency's minor unit.
    pub price: u64,
}

/// A part of the house.
#[derive(Clone, Debug, Deserialize)]
pub struct LayoutSection {
    /// As on the ticket.
    pub name: String,
    /// Its rows.
    pub rows: Vec<LayoutRow>,
}

/// A row of seats, numbered from `first`.
#[derive(Clone, Debug, Deserialize)]
pub struct LayoutRow {
    /// As on the ticket.
    pub label: String,
    /// The index of its first seat.
    pub first: u32,
    /// Number, x, y and category of each.
    pub seats: Vec<(String, f64, f64, u16)>,
}

/// A run of interchangeable places.
#[derive(Clone, Debug, Deserialize)]
pub struct LayoutArea {
    /// As on the ticket.
    pub name: String,
    /// The index of its first place.
    pub first: u32,
    /// How many places.
    pub count: u32,
}

impl House {
    /// Reads an address: `http://` or `ws://`, a host and perhaps a port. A path is kept, for
    /// servers behind a proxy's prefix.
    pub fn at(address: &str) -> Result<Self, ClientError> {
        let wrong = |why: String| ClientError::Address(format!("{address}: {why}"));
        let with_scheme = match address.contains("://") {
            true => address.to_owned(),
            false => format!("http://{address}"),
        };
        let plain = match with_scheme.strip_prefix("ws://") {
            Some(rest) => format!("http://{rest}"),
            None => with_scheme,
        };
        let mut base = Url::parse(&plain).map_err(|why| wrong(why.to_string()))?;
        if base.scheme() != "http" {
            return Err(wrong(
                "only http:// and ws:// are spoken here: TLS belongs to the proxy in front".into(),
            ));
        }
        // So that joining appends to the path instead of replacing its last part.
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let http = reqwest::Client::builder().timeout(PATIENCE).build();
        Ok(Self { base, http: http.map_err(|why| wrong(why.to_string()))? })
    }

    /// Host and port, to open a socket to.
    pub(super) fn authority(&self) -> String {
        let host = self.base.host_str().unwrap_or("localhost");
        format!("{host}:{}", self.base.port_or_known_default().unwrap_or(80))
    }

    /// The address of a show's live socket; `query` begins with `?` or is empty.
    pub(super) fn live(&self, show: &ShowId, query: &str) -> String {
        let base = self.base.as_str().trim_start_matches("http");
        format!("ws{base}v1/shows/{show}/live{query}")
    }

    /// The shows on the programme: the first page.
    pub async fn shows(&self) -> Result<Vec<ShowInfo>, ClientError> {
        #[derive(Deserialize)]
        struct Page {
            shows: Vec<ShowInfo>,
        }
        Ok(self.get::<Page>("v1/shows").await?.shows)
    }

    /// One show.
    pub async fn show(&self, show: &ShowId) -> Result<ShowInfo, ClientError> {
        self.get(&format!("v1/shows/{show}")).await
    }

    /// Where a show's seats are.
    pub async fn layout(&self, show: &ShowId) -> Result<Layout, ClientError> {
        self.get(&format!("v1/shows/{show}/layout")).await
    }

    /// The head of a show's log.
    pub async fn head(&self, show: &ShowId) -> Result<HeadView, ClientError> {
        self.get(&format!("v1/shows/{show}/head")).await
    }

    /// How a show's waiting room stands.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with 404 where the show has none.
    pub async fn waiting_room(&self, show: &ShowId) -> Result<WaitingRoomInfo, ClientError> {
        self.get(&format!("v1/shows/{show}/admission")).await
    }

    /// The seats as they are now, without a socket.
    pub async fn seats(&self, show: &ShowId) -> Result<Picture, ClientError> {
        let accept = Some("application/octet-stream");
        let frame = self.bytes(&format!("v1/shows/{show}/seats"), accept).await?;
        let mut picture = None;
        Picture::apply(&mut picture, seats::decode(Format::Binary, &frame)?)?;
        picture.ok_or(ClientError::Lost(Lost::NoSnapshot))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let body = self.bytes(path, None).await?;
        serde_json::from_slice(&body).map_err(|why| ClientError::Message(format!("{path}: {why}")))
    }

    async fn bytes(&self, path: &str, accept: Option<&str>) -> Result<Vec<u8>, ClientError> {
        let unreachable = |why: reqwest::Error| ClientError::Unreachable {
            at: self.base.to_string(),
            why: innermost(&why),
        };
        let url = self.base.join(path).map_err(|why| ClientError::Address(why.to_string()))?;
        let mut request = self.http.get(url);
        if let Some(accept) = accept {
            request = request.header("Accept", accept);
        }
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        if !status.is_success() {
            let (status, said) = (status.as_u16(), said(&body));
            return Err(ClientError::Refused { status, said, retry_after_s: None });
        }
        Ok(body.into())
    }
}

/// reqwest says "error sending request" and keeps what a person wants to know in its sources.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_written_in_several_ways() {
        let show = ShowId::parse("hamlet").unwrap();
        for (given, live) in [
            ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/shows/hamlet/live?since=1.2"),
            ("ws://127.0.0.1:8080/", "ws://127.0.0.1:8080/v1/shows/hamlet/live?since=1.2"),
            ("127.0.0.1:8080", "ws://127.0.0.1:8080/v1/shows/hamlet/live?since=1.2"),
            ("http://box.example/a/b", "ws://box.example/a/b/v1/shows/hamlet/live?since=1.2"),
        ] {
            assert_eq!(House::at(given).unwrap().live(&show, "?since=1.2"), live);
        }
    }

    #[test]
    fn an_address_that_needs_tls_is_refused_with_the_reason() {
        let refused = House::at("https://tickets.example").unwrap_err();
        assert!(refused.to_string().contains("TLS belongs to the proxy"), "{refused}");
        assert!(House::at("http://").is_err());
    }
}
