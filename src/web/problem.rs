//! Problems: every answer that is not what was asked for, as RFC 9457 JSON.
//!
//! Owns their form. A detail is a sentence for whoever wrote the client; nothing internal is ever
//! in it: what failed inside is logged where it is handled.

use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rand::RngExt;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::config::{RETRY_AFTER_SECONDS_MAX, RETRY_AFTER_SECONDS_MIN};
use crate::hall::Fault;

/// A problem, with what belongs to it.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

/// In a box: a problem is the rare end of a result and should not make the common one large.
#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    detail: String,
    headers: HeaderMap,
    members: Map<String, Value>,
}

impl Problem {
    /// A problem of this status; `detail` is a sentence.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let (headers, members) = (HeaderMap::new(), Map::new());
        Self(Box::new(Parts { status, detail: detail.into(), headers, members }))
    }

    /// There is no such show.
    pub fn no_such_show() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such show.")
    }

    /// The request cannot be meant as it stands.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Not now: come back in a moment. The moment is chance, so that all who hear this at once do
    /// not come back at once.
    pub fn not_now(detail: impl Into<String>) -> Self {
        let seconds = rand::rng().random_range(RETRY_AFTER_SECONDS_MIN..=RETRY_AFTER_SECONDS_MAX);
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The house failed. What failed is logged here, and only here.
    pub fn failed(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        tracing::error!(%error, ?causes, "{what}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The house failed at this; it has been noted.")
    }

    /// What was sent cannot be: each fault says what and where.
    pub fn faults(detail: impl Into<String>, faults: &[Fault]) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail).member("faults", faults)
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// With a member of its own.
    #[must_use]
    pub fn member<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        self.0.members.insert(name.to_owned(), json!(value));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { status, detail, headers, members } = *self.0;
        let mut body = Map::new();
        body.insert("type".into(), json!("about:blank"));
        body.insert("title".into(), json!(status.canonical_reason().unwrap_or("Problem")));
        body.insert("status".into(), json!(status.as_u16()));
        body.insert("detail".into(), json!(detail));
        body.extend(members);
        let form = [(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
        (status, form, headers, Value::Object(body).to_string()).into_response()
    }
}
