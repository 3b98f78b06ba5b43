//! The pages: the files of `static/`, built into the program.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::header::{
    CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use include_dir::{Dir, DirEntry, include_dir};
use sha2::{Digest, Sha256};

use super::layout::Ready;
use super::problem::Problem;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/static");

/// Every page, compressed and tagged on first use.
static PAGES: LazyLock<BTreeMap<String, Ready>> = LazyLock::new(|| {
    let mut pages = BTreeMap::new();
    gather(&FILES, &mut pages);
    pages
});

fn gather(folder: &Dir<'static>, pages: &mut BTreeMap<String, Ready>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(folder) => gather(folder, pages),
            DirEntry::File(file) => {
                let path = file.path().to_string_lossy().into_owned();
                let digest = Sha256::digest(file.contents());
                let tag: String =
                    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
                let contents = Bytes::from_static(file.contents());
                let Ok(etag) = HeaderValue::try_from(format!("\"{tag}\"")) else { continue };
                // Asked for again each time, which costs a 304: a new version shows at once.
                let page = Ready::new(contents, content_type(&path), etag, "no-cache");
                // Compressing into memory does not fail.
                if let Ok(page) = page {
                    pages.insert(path, page);
                }
            }
        }
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// Everything that is no route: a page, or 404.
pub(super) async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let Some(page) = PAGES.get(path) else { return nothing_here(&headers) };
    if method != Method::GET && method != Method::HEAD {
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "A page can only be looked at.")
            .header(header::ALLOW, HeaderValue::from_static("GET, HEAD"))
            .into_response();
    }
    let mut response = page.answer(&headers);
    if path.ends_with(".html") {
        let policy = page_policy(headers.get(HOST));
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// 404: a page for people, a problem for programs.
fn nothing_here(headers: &HeaderMap) -> Response {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let is_a_browser = accepted.flat_map(|list| list.split(',')).any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("text/html")
    });
    match PAGES.get("404.html").filter(|_| is_a_browser) {
        Some(page) => {
            // Whole, whatever the browser says it has: that was another page.
            let mut response = page.answer(&HeaderMap::new());
            *response.status_mut() = StatusCode::NOT_FOUND;
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, page_policy(headers.get(HOST)));
            response
        }
        None => Problem::new(StatusCode::NOT_FOUND, "There is nothing here.").into_response(),
    }
}

/// What a page may do: use its own files and talk to its own host; nothing inline, nothing from
/// elsewhere, in nobody's frame. Browsers before 2022 do not count a WebSocket of the same host as
/// `'self'`, so it is named.
fn page_policy(host: Option<&HeaderValue>) -> HeaderValue {
    const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let host = host.and_then(|host| host.to_str().ok()).filter(|host| {
        // It goes into the policy, so it must be a host and nothing else.
        host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    });
    let sockets = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    HeaderValue::try_from(format!("{POLICY}; connect-src 'self'{sockets}"))
        .unwrap_or(HeaderValue::from_static(POLICY))
}

/// Headers that make browsers careful, on every answer that does not say otherwise.
pub(super) fn careful(response: &mut Response) {
    let headers = response.headers_mut();
    let settings = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            header::HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in settings {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_talk_to_its_own_host_and_no_other() {
        let policy = page_policy(Some(&HeaderValue::from_static("usher.test:8080")));
        let policy = policy.to_str().expect("text");
        assert!(policy.ends_with("connect-src 'self' ws://usher.test:8080 wss://usher.test:8080"));
        let sly = page_policy(Some(&HeaderValue::from_static("x; script-src *")));
        assert!(sly.to_str().expect("text").ends_with("connect-src 'self'"));
    }

    #[tokio::test]
    async fn there_is_a_first_page_and_no_way_out_of_the_folder() {
        let get = async |path: &'static str| {
            page(Method::GET, Uri::from_static(path), HeaderMap::new()).await
        };
        let first = get("/").await;
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        let typed = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("text/html"))]);
        let lost = page(Method::GET, Uri::from_static("/nowhere"), typed).await;
        assert_eq!(lost.status(), StatusCode::NOT_FOUND);
        assert_eq!(lost.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(get("/../Cargo.toml").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(get("/%2e%2e/Cargo.toml").await.status(), StatusCode::NOT_FOUND);
    }
}
