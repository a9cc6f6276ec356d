//! The page's files, which are part of the program.

use std::ffi::OsStr;

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderName, HeaderValue, header};
use include_dir::{Dir, include_dir};

use super::{PAGE_PATH, refusal::Refusal};

/// The files, as they are in the source tree.
static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/page/static");

const INDEX: &str = "index.html";

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

pub(super) async fn index() -> Result<Response, Refusal> {
    file(INDEX)
}

pub(super) async fn to_index() -> Redirect {
    Redirect::permanent(PAGE_PATH)
}

pub(super) async fn named(Path(name): Path<String>) -> Result<Response, Refusal> {
    file(&name)
}

fn file(name: &str) -> Result<Response, Refusal> {
    let file = FILES.get_file(name);
    let file = file.ok_or_else(|| Refusal::not_found(format!("the page has no file {name}")))?;
    let extension = file.path().extension().and_then(OsStr::to_str);
    let content_type = match extension.unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        // Licences.
        _ => "text/plain; charset=utf-8",
    };
    let headers = [(header::CONTENT_TYPE, content_type)];
    Ok((headers, file.contents()).into_response())
}

/// A file's text; empty if there is none.
pub(super) fn text(name: &str) -> &'static str {
    let file = FILES.get_file(name);
    file.and_then(include_dir::File::contents_utf8)
        .unwrap_or_default()
}

pub(super) fn with_headers(mut reply: Response) -> Response {
    for (name, value) in HEADERS {
        let headers = reply.headers_mut();
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    reply
}
