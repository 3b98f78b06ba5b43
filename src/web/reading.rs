//! Reading what a request brings: the show it names, its body, its bearer, its query. Bounded in
//! length and in time.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::log::Position;
use crate::show::ShowId;

use super::problem::Problem;

/// The show that a request's path names; none where no show can be called so. Never a refusal by
/// itself: who lacks the key hears of that first, and a name that is no text is like any other that
/// no show has.
pub(super) struct Named(pub(super) Option<ShowId>);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let name = Path::<String>::from_request_parts(parts, state).await.ok();
        Ok(Self(name.and_then(|Path(name)| ShowId::parse(&name))))
    }
}

/// The whole body, if it is no longer than `bytes_max` and comes within `time`.
pub(super) async fn body(
    request: Request,
    bytes_max: usize,
    time: Duration,
) -> Result<Bytes, Problem> {
    let (head, body) = request.into_parts();
    if head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "A body must be sent as it is, not compressed.",
        ));
    }
    let too_long = || {
        let detail = format!("A body here has at most {bytes_max} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    // A body that says it is too long is refused before it is read.
    let length = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length.and_then(|length| length.parse().ok()).is_some_and(|length: usize| length > bytes_max)
    {
        return Err(too_long());
    }
    let whole = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(time, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(_)) => Err(Problem::bad_request("The body broke off.")),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "The body took too long to come.")),
    }
}

/// The word after `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, word) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| word.trim())
}

/// What a query's `name` is; none where it is not there. Of several the first.
pub(super) fn query_word<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    let pairs = query.unwrap_or_default().split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, v)| v)
}

/// A query's word with `%` and `+` undone, as people's words need; none where it is no text.
pub(super) fn unescaped(word: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// A position as clients write it, `<epoch>.<seq>`, both decimal.
pub(super) fn position(text: &str) -> Option<Position> {
    let (epoch, seq) = text.split_once('.')?;
    Some(Position { epoch: number(epoch)?, seq: number(seq)? })
}

/// Digits and nothing else: `parse` alone would take a plus sign.
pub(super) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_two_decimal_numbers() {
        let most = u64::MAX;
        let whole = position(&format!("{most}.0")).expect("the largest epoch");
        assert_eq!((whole.epoch, whole.seq), (most, 0));
        for wrong in ["", ".", "1", "1.", ".1", "+1.2", "1.2.3", "-1.0", "1,2", "x.y"] {
            assert_eq!(position(wrong), None, "{wrong:?}");
        }
        assert_eq!(position("18446744073709551616.0"), None);
    }

    #[test]
    fn a_querys_words_are_found_by_their_whole_name() {
        let query = Some("xsince=1&since=2.3&since=4&wait=");
        assert_eq!(query_word(query, "since"), Some("2.3"));
        assert_eq!(query_word(query, "wait"), Some(""));
        assert_eq!(query_word(query, "sinc"), None);
        assert_eq!(query_word(None, "since"), None);
    }

    #[test]
    fn escapes_are_undone_and_broken_ones_are_no_text() {
        assert_eq!(unescaped("Op%C3%A9ra+House").as_deref(), Some("Opéra House"));
        for wrong in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(unescaped(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_bearer_is_known_by_its_scheme_whatever_its_case() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().expect("a header"));
            bearer(&headers).map(ToOwned::to_owned)
        };
        assert_eq!(with("bearer abc").as_deref(), Some("abc"));
        assert_eq!(with("Basic abc"), None);
        assert_eq!(with("Bearer"), None);
    }
}
