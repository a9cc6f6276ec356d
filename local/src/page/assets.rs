//! The page's files, which are part of the program.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderName, HeaderValue, header};

use super::{PAGE_PATH, refusal::Refusal};

const HTML: &str = "text/html; charset=utf-8";

const INDEX: &[u8] = include_bytes!("static/index.html");

/// What a page may load: its own files, and images that are part of its text. No inline
/// script or style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Headers of every reply under `/_local/`, with those that a reply has itself left as they
/// are.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Each file's name, content type and content.
const FILES: &[(&str, &str, &[u8])] = &[];

pub(super) async fn index() -> Response {
    file(HTML, INDEX)
}

pub(super) async fn to_index() -> Redirect {
    Redirect::permanent(PAGE_PATH)
}

pub(super) async fn named(Path(name): Path<String>) -> Result<Response, Refusal> {
    let found = FILES.iter().find(|(one, ..)| *one == name);
    let (_, content_type, content) =
        found.ok_or_else(|| Refusal::not_found(format!("the page has no file {name}")))?;
    Ok(file(content_type, content))
}

fn file(content_type: &'static str, content: &'static [u8]) -> Response {
    ([(header::CONTENT_TYPE, content_type)], content).into_response()
}

pub(super) fn with_headers(mut reply: Response) -> Response {
    for (name, value) in HEADERS {
        let headers = reply.headers_mut();
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    reply
}
