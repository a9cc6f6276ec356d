//! `GET /_local/status`: the status of the event source mappings and of the cache.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use axum::{Json, Router, extract::State, routing::get};
use event_source_mapping::{mapping::Watch, status::MappingStatus};
use momento_offline::{
    admin::CacheStatus,
    keyspace::Keyspace,
    transport::{Served, Transport},
};
use serde::{Deserialize, Serialize};

/// The path of the status, on the Invoke API's port.
pub const STATUS_PATH: &str = "/_local/status";

/// The status of a running environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Each event source mapping.
    pub mappings: Vec<MappingStatus>,
    /// The local cache; `None` with Momento itself or without a cache.
    pub cache: Option<CacheStatus>,
    /// The folder of the invocation records of discarded batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<PathBuf>,
}

/// Serves the status. It is empty until [`StatusBoard::show`]: the port listens
/// before the mappings start.
#[derive(Clone, Default)]
pub struct StatusBoard(Arc<OnceLock<Shown>>);

struct Shown {
    mappings: Vec<Watch>,
    cache: Option<(Transport, Arc<Keyspace>)>,
    failures: PathBuf,
}

impl StatusBoard {
    /// Shows these mappings, this cache and this folder from now on.
    pub fn show(&self, mappings: Vec<Watch>, cache: Option<&Served>, failures: &Path) {
        let cache = cache.map(|cache| (cache.transport(), cache.keyspace().clone()));
        // `show` is called once, so the cell is empty.
        let _ = self.0.set(Shown {
            mappings,
            cache,
            failures: failures.to_owned(),
        });
    }

    /// The current status.
    #[must_use]
    pub fn status(&self) -> Status {
        let Some(shown) = self.0.get() else {
            return Status {
                mappings: Vec::new(),
                cache: None,
                failures: None,
            };
        };
        let cache = shown.cache.as_ref();
        Status {
            mappings: shown.mappings.iter().map(Watch::status).collect(),
            cache: cache.map(|(transport, keyspace)| CacheStatus::of(keyspace, transport.name())),
            failures: Some(shown.failures.clone()),
        }
    }

    /// The HTTP route.
    pub fn router(self) -> Router {
        Router::new()
            .route(STATUS_PATH, get(status))
            .with_state(self)
    }
}

async fn status(State(board): State<StatusBoard>) -> Json<Status> {
    Json(board.status())
}
