//! `GET /_local/status`: what the event source mappings are doing, and the cache.

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

/// What is going on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Each event source mapping.
    pub mappings: Vec<MappingStatus>,
    /// The cache, unless it is Momento itself.
    pub cache: Option<CacheStatus>,
    /// The folder of the invocation records of discarded batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<PathBuf>,
}

/// What can be looked at: nothing until it has been started, which is after the
/// port is open.
#[derive(Clone, Default)]
pub struct StatusBoard(Arc<OnceLock<Shown>>);

struct Shown {
    mappings: Vec<Watch>,
    cache: Option<(Transport, Arc<Keyspace>)>,
    failures: PathBuf,
}

impl StatusBoard {
    /// Shows these from now on.
    pub fn show(&self, mappings: Vec<Watch>, cache: Option<&Served>, failures: &Path) {
        let cache = cache.map(|cache| (cache.transport(), cache.keyspace().clone()));
        // They are started once.
        let _ = self.0.set(Shown {
            mappings,
            cache,
            failures: failures.to_owned(),
        });
    }

    /// What is going on now.
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

    /// The HTTP surface.
    pub fn router(self) -> Router {
        Router::new()
            .route(STATUS_PATH, get(status))
            .with_state(self)
    }
}

async fn status(State(board): State<StatusBoard>) -> Json<Status> {
    Json(board.status())
}
