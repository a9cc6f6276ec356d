//! Reads the parts of a request: query, body, pages.

use axum::body::{Body, to_bytes};
use http::{StatusCode, Uri};
use serde_json::{Map, Value};

use super::reply::LambdaError;

/// The largest body that is read: environment variables have 4 KB, filters 40 KB.
const MAX_BODY: usize = 1024 * 1024;

/// A parameter of the query.
pub(super) fn query(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, value) = pairs.find(|(found, _)| found == name)?;
    Some(value.into_owned())
}

/// The members of a JSON body; an empty body has none.
pub(super) async fn members(body: Body) -> Result<Map<String, Value>, LambdaError> {
    let wrong = |why: String| {
        LambdaError::content(format!("Could not parse request body into json: {why}"))
    };
    let bytes = to_bytes(body, MAX_BODY).await;
    let bytes = bytes.map_err(|error| wrong(error.to_string()))?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))
}

/// One page of `all`, and the marker of the next one. `Marker` is the name of the first
/// item of a page, and a page has at most `most` items, whatever `MaxItems` says.
pub(super) fn page<T>(
    uri: &Uri,
    all: Vec<T>,
    most: usize,
    name: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), LambdaError> {
    let size = match query(uri, "MaxItems") {
        None => most,
        Some(text) => {
            let size = text.parse::<usize>().ok().filter(|size| *size > 0);
            let size = size.ok_or_else(|| {
                LambdaError::validation(format!(
                    "1 validation error detected: Value '{text}' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"
                ))
            })?;
            size.min(most)
        }
    };
    let first = match query(uri, "Marker").filter(|marker| !marker.is_empty()) {
        None => 0,
        Some(marker) => {
            let first = all.iter().position(|item| name(item) == marker);
            first.ok_or_else(|| LambdaError::invalid("Invalid Marker value"))?
        }
    };
    let mut rest = all.into_iter().skip(first);
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next = rest.next().as_ref().map(name);
    Ok((page, next))
}

/// HTTP 200, 202 and 204, as the API reference has them for each operation.
pub(super) const OK: StatusCode = StatusCode::OK;
pub(super) const ACCEPTED: StatusCode = StatusCode::ACCEPTED;
pub(super) const NO_CONTENT: StatusCode = StatusCode::NO_CONTENT;
