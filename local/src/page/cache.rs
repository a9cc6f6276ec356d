//! The cache in this process: its faults, its items, and the removal of all.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::StatusCode;
use momento_offline::{admin::FaultStatus, cache::Entry, faults::FaultPlan, keyspace::Keyspace};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Page, refusal::Refusal};

/// Items in a reply without `limit`, and at most.
const LIMIT: usize = 200;
const MOST: usize = 2000;

pub(super) fn router() -> Router<Page> {
    Router::new()
        .route(
            "/_local/cache/faults",
            get(faults).put(set_faults).delete(clear_faults),
        )
        .route("/_local/cache/entries", get(entries))
        .route("/_local/cache/flush", post(flush))
}

fn keyspace(page: &Page) -> Result<Arc<Keyspace>, Refusal> {
    let shown = page.shown()?;
    let cache = shown.cache.as_ref().map(|(keyspace, _)| keyspace.clone());
    cache.ok_or_else(|| {
        let what = match shown.cache_kind {
            "momento" => "the cache is Momento's own service: it is not in this process",
            _ => "this project has no cache; name one under [cache] in local.toml",
        };
        Refusal::not_found(what)
    })
}

fn status(keyspace: &Keyspace) -> Json<FaultStatus> {
    Json(FaultStatus {
        seed: keyspace.faults.plan().seed,
        rules: keyspace.faults.status(),
    })
}

async fn faults(State(page): State<Page>) -> Result<Json<FaultStatus>, Refusal> {
    Ok(status(&*keyspace(&page)?))
}

async fn set_faults(State(page): State<Page>, body: Bytes) -> Result<Json<FaultStatus>, Refusal> {
    let keyspace = keyspace(&page)?;
    let refused = |error: String| Refusal::new(StatusCode::BAD_REQUEST, error);
    let plan: FaultPlan =
        serde_json::from_slice(&body).map_err(|error| refused(error.to_string()))?;
    let set = keyspace.faults.set(plan);
    set.map_err(|error| refused(error.to_string()))?;
    Ok(status(&keyspace))
}

async fn clear_faults(State(page): State<Page>) -> Result<Json<FaultStatus>, Refusal> {
    let keyspace = keyspace(&page)?;
    keyspace.faults.clear();
    Ok(status(&keyspace))
}

/// Which items.
#[derive(Debug, Deserialize)]
struct Wanted {
    cache: Option<String>,
    limit: Option<usize>,
}

impl Wanted {
    /// The cache's name; a form sends an empty one for all caches.
    fn cache(&self) -> Option<&str> {
        self.cache.as_deref().filter(|name| !name.is_empty())
    }
}

async fn entries(
    State(page): State<Page>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Value>>, Refusal> {
    let keyspace = keyspace(&page)?;
    let limit = wanted.limit.unwrap_or(LIMIT).min(MOST);
    let entries = keyspace.entries(wanted.cache(), limit).into_iter();
    Ok(Json(entries.take(limit).map(entry).collect()))
}

fn entry(entry: Entry) -> Value {
    let (key, encoding) = match String::from_utf8(entry.key) {
        Ok(text) => (text, "text"),
        Err(error) => (BASE64_STANDARD.encode(error.as_bytes()), "base64"),
    };
    json!({
        "cache": entry.cache,
        "key": key,
        "keyEncoding": encoding,
        "type": entry.kind,
        "bytes": entry.bytes,
        "ttlMs": u64::try_from(entry.ttl.as_millis()).unwrap_or(u64::MAX),
    })
}

async fn flush(
    State(page): State<Page>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, Refusal> {
    let keyspace = keyspace(&page)?;
    let names = match wanted.cache() {
        Some(name) => vec![name.to_owned()],
        None => keyspace.cache_names(),
    };
    for name in &names {
        let flushed = keyspace.flush_cache(name);
        flushed.map_err(|error| Refusal::not_found(error.message))?;
    }
    Ok(Json(json!({ "flushed": names })))
}
