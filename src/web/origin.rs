//! Whose pages may talk to the house: the check of `Origin`, and what browsers ask before they let
//! another site's page do it.
//!
//! A browser sends a visitor's requests from any page; without this check a stranger's page could
//! hold seats in the visitor's name. Programs that send no `Origin` are not browsers and pass.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HOST, HeaderValue, ORIGIN, VARY,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::problem::Problem;

/// Which origins may.
#[derive(Clone, Debug)]
pub struct Origins {
    /// None: the request's own host alone.
    listed: Option<Vec<String>>,
}

impl Origins {
    /// As the setting says.
    pub fn new(listed: Option<Vec<String>>) -> Self {
        Self { listed }
    }

    /// Lets the request pass, or says 403.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let refused = || {
            Problem::new(
                StatusCode::FORBIDDEN,
                "Pages of this origin may not connect to this house.",
            )
        };
        let mut origins = headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(()) };
        let origin = origin.to_str().map_err(|_| refused())?;
        if origins.next().is_none() && self.allows(origin, headers) {
            Ok(())
        } else {
            Err(refused())
        }
    }

    fn allows(&self, origin: &str, headers: &HeaderMap) -> bool {
        match &self.listed {
            Some(listed) => listed.iter().any(|one| one.eq_ignore_ascii_case(origin)),
            None => {
                let authority = origin.split_once("://").map(|(_, authority)| authority);
                let host = headers.get(HOST).and_then(|host| host.to_str().ok());
                authority
                    .zip(host)
                    .is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
            }
        }
    }

    /// Tells a browser that a page of a listed origin may read this answer.
    pub fn share(&self, origin: Option<&HeaderValue>, response: &mut Response) {
        if self.listed.is_none() {
            return;
        }
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("origin"));
        let listed = self.listed.iter().flatten();
        let allowed = origin.filter(|origin| {
            let text = origin.to_str().unwrap_or_default();
            listed.clone().any(|one| one.eq_ignore_ascii_case(text))
        });
        if let Some(origin) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("etag, retry-after"),
            );
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
            headers.insert(
                ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("authorization, content-type, if-none-match"),
            );
            // A day: the answer changes only with the settings.
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(listed: Option<&[&str]>, host: &'static str, origin: Option<&'static str>) -> bool {
        let listed = listed.map(|list| list.iter().map(|one| (*one).to_owned()).collect());
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        Origins::new(listed).check(&headers).is_ok()
    }

    #[test]
    fn unless_set_a_page_must_be_of_the_requests_own_host() {
        assert!(passes(None, "usher.test:8080", Some("http://usher.test:8080")));
        assert!(passes(None, "usher.test", Some("https://usher.test")));
        assert!(passes(None, "Usher.Test", Some("https://usher.test")));
        assert!(passes(None, "usher.test", None), "a program without an origin");
        assert!(!passes(None, "usher.test", Some("https://evil.test")));
        assert!(!passes(None, "usher.test:8080", Some("http://usher.test")));
        assert!(!passes(None, "usher.test", Some("null")));
        assert!(!passes(None, "usher.test", Some("")));
    }

    #[test]
    fn a_list_names_all_that_may_scheme_included() {
        let list: Option<&[&str]> = Some(&["https://a.test", "http://b.test:81"]);
        assert!(passes(list, "usher.test", Some("https://a.test")));
        assert!(passes(list, "usher.test", Some("http://b.test:81")));
        assert!(!passes(list, "usher.test", Some("http://a.test")));
        assert!(!passes(list, "usher.test", Some("https://usher.test")));
        assert!(passes(list, "usher.test", None));
    }

    #[test]
    fn two_origins_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(ORIGIN, HeaderValue::from_static("https://a.test"));
        headers.append(ORIGIN, HeaderValue::from_static("https://b.test"));
        let origins = Origins::new(Some(vec!["https://a.test".into(), "https://b.test".into()]));
        assert!(origins.check(&headers).is_err());
    }
}
